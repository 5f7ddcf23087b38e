"""What can be done about bookings, event types and schedules; one module for each, a function for each verb."""
