"""Pure rules and nouns: no I/O but reading their own tables, no clock, no environment."""
