"""Simulated OpenAI and Anthropic APIs: rules answer instead of a model."""
