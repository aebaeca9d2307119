"""What is remembered between jobs: ids, label names and reasons, never text of an issue."""
