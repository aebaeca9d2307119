"""The simulated GitLab: its REST API under a sub-path, quick actions and webhooks."""
