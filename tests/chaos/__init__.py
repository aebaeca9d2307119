"""Chaos tests: the product's processes are killed and cut off; the end state is checked."""
