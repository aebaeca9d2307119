"""The hosts that carry issues. Each folder has an inbox (verify, decode) and an API side."""
