"""Tagline: one summary comment and the right labels on every new issue."""

__version__ = "0.1.0"
