"""What every page and endpoint shares: extensions, request context, error answers. Knows `webapp.core` alone."""
