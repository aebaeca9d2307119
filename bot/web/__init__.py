"""What Tagline serves over HTTP."""
