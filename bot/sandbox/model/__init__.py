"""The stand-in for OpenAI's and Anthropic's APIs: no model, only rules, and it says so."""
