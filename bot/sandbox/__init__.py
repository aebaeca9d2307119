"""Simulated GitHub, GitLab and model APIs over HTTP, for the demo and for the tests."""
