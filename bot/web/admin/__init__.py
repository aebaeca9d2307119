"""The admin page, loaded only where TAGLINE_ADMIN_TOKEN is set."""
