"""GitHub's face: its REST API, its webhooks, its faults."""
