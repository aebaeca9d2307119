"""The stand-in for GitLab: its REST API under a sub-path, quick actions and webhooks."""
