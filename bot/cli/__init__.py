"""The command line, one file per command. Heavy imports wait until their command runs."""
