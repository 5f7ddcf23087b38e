"""Scheduling for programs: one module, and one blueprint, for each group of endpoints."""
