"""The simulated model API in OpenAI's format: rules answer instead of a model."""
