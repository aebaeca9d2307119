"""Chaos: the product as processes, killed and cut off at random, against the end-state table."""
