"""State between jobs: ids, label names, reasons, configuration files."""
