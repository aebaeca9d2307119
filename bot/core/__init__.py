"""Pure rules and types: no I/O but reading their own tables, no clock, no environment."""
