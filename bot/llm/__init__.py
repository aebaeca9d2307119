"""Language models: the service, the client that all providers share, one file per wire format."""
