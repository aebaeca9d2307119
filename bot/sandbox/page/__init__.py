"""The demo's page: open an issue on a pretended host, let something fail, and watch."""
