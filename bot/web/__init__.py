"""The web application: webhooks, health, metrics, the configuration schema."""
