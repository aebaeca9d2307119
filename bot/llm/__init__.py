"""Language models: one shared call, one file per wire format."""
