"""What is remembered between jobs: ids, label names, reasons, configuration files."""
