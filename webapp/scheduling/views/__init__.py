"""The pages of scheduling: `guest` to book, `manage` what was booked, and what hosts see under /app."""
