"""From the door to a worker thread: an atomic claim, our broker, and what an error leads to."""
