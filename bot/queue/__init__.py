"""The job queue: the atomic claim, the broker, worker threads, retries, dead letters."""
