"""The story of a delivery, one verb per file. No I/O of its own: ports come in as arguments."""
