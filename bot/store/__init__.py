"""What the bot keeps between jobs: ids, label names, reasons, configuration files."""
