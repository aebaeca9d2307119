"""The platforms that host issues: one folder each, and its entry in `registry`."""
