"""Reads the settings of the language models."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bot.settings.environment import Environment

PROVIDERS = ("openai", "anthropic", "compatible", "none")
DEFAULT_MODELS = {"openai": "gpt-6-luna", "anthropic": "claude-haiku-5-5"}
UNTIL_THEN = "Labels come from rules until then."
ENDPOINT = re.compile(r"/(chat/completions|completions|messages|responses|embeddings)$")
KEY_NAMES = {
    "openai": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "compatible": "LLM_API_KEY",
}
DEFAULT_URLS = {"openai": "https://api.openai.com/v1", "anthropic": "https://api.anthropic.com"}


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """A language model. `timeout` is the limit of a call in seconds.

    `fallbacks` are used in order if it fails. `allowed` are models that a repository may use
    instead. `*_variable` are the environment variables of its key, name and base URL.
    """

    provider: str
    model: str
    base_url: str
    timeout: float
    max_output_tokens: int
    key_variable: str
    key: str = field(repr=False, default="")
    name_variable: str = "LLM_MODEL"
    url_variable: str = "LLM_BASE_URL"
    fallbacks: tuple[ModelSettings, ...] = ()
    allowed: tuple[ModelSettings, ...] = ()

    @property
    def all(self) -> tuple[ModelSettings, ...]:
        return (self, *self.fallbacks, *self.allowed)

    def find(self, name: str) -> ModelSettings | None:
        """Return the first of all with this name, None for an unknown one."""
        return next((one for one in self.all if one.model == name), None)

    @property
    def variables(self) -> Mapping[str, str]:
        return {"key": self.key_variable, "model": self.name_variable, "url": self.url_variable}

    @property
    def allowed_names(self) -> tuple[str, ...]:
        """Return the models that a repository may name."""
        return (self.model, *(model.model for model in self.allowed))

    @property
    def breaker(self) -> str:
        """Return the name of its circuit breaker, also in metrics."""
        is_first = self.name_variable == "LLM_MODEL"
        return self.provider if is_first else f"{self.provider}:{self.model}"


def read(env: Environment) -> ModelSettings | None:
    """Return the first model with its fallbacks, or None where labels come from rules."""
    provider = env.plain("LLM_PROVIDER").lower()
    keys = {name: env.token(variable) for name, variable in KEY_NAMES.items()}
    missing = _missing_setting(provider, keys)
    if missing:
        env.model_notices.append(f"{missing} {UNTIL_THEN}")
    if missing or provider == "none":
        for name in ("LLM_FALLBACK_MODELS", "TAGLINE_ALLOWED_MODELS"):
            if env.text(name):
                env.model_notices.append(f"{name} is not used without a first model.")
        return None
    name = env.plain("LLM_MODEL", DEFAULT_MODELS.get(provider, ""))
    if not name:
        env.problems.append("LLM_MODEL is not set, and a compatible server has no default.")
    url_variable = _find_url_variable(env, provider, is_first=True)
    first = _read_model(env, provider, name, keys[provider], url_variable)
    names = _split(env.plain("TAGLINE_ALLOWED_MODELS"))
    allowed = (
        replace(first, model=name, name_variable="TAGLINE_ALLOWED_MODELS")
        for name in dict.fromkeys(names)
        if name != first.model
    )
    return replace(first, fallbacks=_read_fallbacks(env, first, keys), allowed=tuple(allowed))


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _read_model(
    env: Environment, provider: str, name: str, key: str, url_variable: str
) -> ModelSettings:
    seconds = 120.0 if provider == "compatible" else 45.0
    return ModelSettings(
        provider=provider,
        model=name,
        base_url=_read_url(env, provider, url_variable),
        timeout=env.number("LLM_TIMEOUT", seconds, 0.1, 600),
        max_output_tokens=env.integer("LLM_MAX_OUTPUT_TOKENS", 2000, 64, 100_000),
        key_variable=KEY_NAMES[provider],
        key=key,
        url_variable=url_variable,
    )


def _read_fallbacks(
    env: Environment, first: ModelSettings, keys: dict[str, str]
) -> tuple[ModelSettings, ...]:
    fallbacks: list[ModelSettings] = []
    for number, entry in enumerate(_split(env.plain("LLM_FALLBACK_MODELS")), 1):
        provider, _, name = (part.strip() for part in entry.partition(":"))
        provider = provider.lower()
        if problem := _fallback_problem(env, provider, name, keys):
            env.problems.append(f"LLM_FALLBACK_MODELS, entry {number}, {problem}.")
            continue
        is_same = provider == first.provider
        variable = first.url_variable if is_same else _find_url_variable(env, provider)
        model = _read_model(env, provider, name, keys[provider], variable)
        fallbacks.append(replace(model, name_variable="LLM_FALLBACK_MODELS"))
    return tuple(fallbacks)


def _fallback_problem(env: Environment, provider: str, name: str, keys: dict[str, str]) -> str:
    if provider not in KEY_NAMES or not name:
        return f"is not provider:model with one of {', '.join(KEY_NAMES)}"
    if provider in DEFAULT_MODELS and not keys[provider]:
        return f"needs {KEY_NAMES[provider]}, which is not set"
    if provider == "compatible" and not env.plain("LLM_BASE_URL"):
        return "needs LLM_BASE_URL, which is not set"
    return ""


def _find_url_variable(env: Environment, provider: str, *, is_first: bool = False) -> str:
    """Return the variable of a provider's base URL.

    LLM_BASE_URL may belong to another vendor than a fallback's key: it is for the first model only.
    """
    name = "LLM_BASE_URL" if provider == "compatible" else f"{provider.upper()}_BASE_URL"
    return "LLM_BASE_URL" if is_first and not env.plain(name) else name


def _read_url(env: Environment, provider: str, variable: str) -> str:
    url = env.url(variable, DEFAULT_URLS.get(provider, ""))
    if not url and provider == "compatible":
        env.problems.append("LLM_BASE_URL is not set; a compatible server needs it.")
    if found := ENDPOINT.search(url):
        env.problems.append(
            f"{variable} must be the address that all requests share: remove {found[0]}."
        )
    return url


def _missing_setting(provider: str, keys: dict[str, str]) -> str:
    """Return which setting a model lacks and what to add, "" where a model can be used."""
    key = KEY_NAMES.get(provider, "")
    if provider and provider not in PROVIDERS:
        return f"LLM_PROVIDER is not one of {', '.join(PROVIDERS)}."
    if provider in DEFAULT_MODELS and not keys[provider]:
        return f"{key} is not set, and LLM_PROVIDER={provider} needs it: add {key}."
    if provider:
        return ""
    for name in DEFAULT_MODELS:
        if keys[name]:
            return f"{KEY_NAMES[name]} is set, but LLM_PROVIDER is not: add LLM_PROVIDER={name}."
    return (
        "No language model is configured (LLM_PROVIDER is not set): add for example"
        " LLM_PROVIDER=openai and OPENAI_API_KEY."
    )
