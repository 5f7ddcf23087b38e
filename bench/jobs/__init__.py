"""Background jobs: Almanac beside Celery, Dramatiq, Huey and stock RQ. docs/performance.md says what is measured."""
