"""The simulated GitHub: its REST API and its webhooks."""
