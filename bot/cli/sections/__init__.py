"""The sections of `tagline stats`: functions from a `Repository` to a `Section`."""
