"""From the receiver to a worker thread: the atomic claim, the broker, retries, dead letters."""
