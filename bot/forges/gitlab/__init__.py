"""GitLab: gitlab.com and self-managed servers, under a sub-path too."""
