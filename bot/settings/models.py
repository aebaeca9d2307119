"""The language models that the environment configures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bot.settings.environment import Environment

PROVIDERS = ("openai", "anthropic", "compatible", "none")
DEFAULT_MODELS = {"openai": "gpt-6-luna", "anthropic": "claude-haiku-5-5"}
KEY_NAMES = {
    "openai": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "compatible": "LLM_API_KEY",
}
DEFAULT_URLS = {"openai": "https://api.openai.com/v1", "anthropic": "https://api.anthropic.com"}


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """A configured language model. `timeout` is in seconds, for a whole call.

    `further` are asked in order where it fails; a repository may choose one of `allowed` instead of
    it. `named_by` is the variable that names it.
    """

    provider: str
    model: str
    base_url: str
    timeout: float
    max_output_tokens: int
    key_name: str
    key: str = field(repr=False, default="")
    named_by: str = "LLM_MODEL"
    further: tuple[ModelSettings, ...] = ()
    allowed: tuple[ModelSettings, ...] = ()

    @property
    def all(self) -> tuple[ModelSettings, ...]:
        """Every model that may be asked."""
        return (self, *self.further, *self.allowed)

    @property
    def choice(self) -> tuple[str, ...]:
        """The models that a repository may name."""
        return (self.model, *(one.model for one in self.allowed))

    @property
    def breaker(self) -> str:
        """What its failures are counted under."""
        first = self.named_by == "LLM_MODEL"
        return self.provider if first else f"{self.provider}:{self.model}"


def read(env: Environment) -> ModelSettings | None:
    """The first model with all others, or None where rules answer; `env` has what is wrong."""
    provider = env.text("LLM_PROVIDER").lower()
    keys = {name: env.token(key_name) for name, key_name in KEY_NAMES.items()}
    why = _why_no_model(provider, keys)
    if why:
        env.notices.append(f"{why} Labels come from rules until then.")
    if why or provider == "none":
        for name in ("LLM_FALLBACK_MODELS", "TAGLINE_ALLOWED_MODELS"):
            if env.text(name):
                env.notices.append(f"{name} is not used without a first model.")
        return None
    name = env.text("LLM_MODEL", DEFAULT_MODELS.get(provider, ""))
    if not name:
        env.problems.append("LLM_MODEL is not set, and a compatible server has no default.")
    first = _asked(env, provider, name, keys[provider], _model_url(env, provider))
    return replace(first, further=_further(env, first, keys), allowed=_allowed(env, first))


def _allowed(env: Environment, first: ModelSettings) -> tuple[ModelSettings, ...]:
    """Models at the same provider, with its key and address."""
    named = (name.strip() for name in env.text("TAGLINE_ALLOWED_MODELS").split(","))
    others = dict.fromkeys(name for name in named if name not in ("", first.model))
    return tuple(replace(first, model=name, named_by="TAGLINE_ALLOWED_MODELS") for name in others)


def _asked(env: Environment, provider: str, name: str, key: str, base_url: str) -> ModelSettings:
    seconds = 120.0 if provider == "compatible" else 45.0
    return ModelSettings(
        provider=provider,
        model=name,
        base_url=base_url,
        timeout=env.number("LLM_TIMEOUT", seconds, 0.1, 600),
        max_output_tokens=env.whole("LLM_MAX_OUTPUT_TOKENS", 2000, 64, 100_000),
        key_name=KEY_NAMES[provider],
        key=key,
    )


def _further(
    env: Environment, first: ModelSettings, keys: Mapping[str, str]
) -> tuple[ModelSettings, ...]:
    entries = [entry.strip() for entry in env.text("LLM_FALLBACK_MODELS").split(",")]
    found: list[ModelSettings] = []
    for entry in filter(None, entries):
        provider, _, name = (part.strip() for part in entry.partition(":"))
        provider = provider.lower()
        if why := _why_not_asked(env, provider, name, keys):
            env.problems.append(f"LLM_FALLBACK_MODELS: {entry} {why}.")
            continue
        same = provider == first.provider
        url = first.base_url if same else _further_url(env, provider)
        one = _asked(env, provider, name, keys[provider], url)
        found.append(replace(one, named_by="LLM_FALLBACK_MODELS"))
    return tuple(found)


def _why_not_asked(env: Environment, provider: str, name: str, keys: Mapping[str, str]) -> str:
    if provider not in KEY_NAMES or not name:
        return f"is not provider:model with one of {', '.join(KEY_NAMES)}"
    if provider in DEFAULT_MODELS and not keys[provider]:
        return f"needs {KEY_NAMES[provider]}, which is not set"
    if provider == "compatible" and not env.text("LLM_BASE_URL"):
        return "needs LLM_BASE_URL, which is not set"
    return ""


def _further_url(env: Environment, provider: str) -> str:
    """Its own address: a key goes nowhere but to its vendor, or where its variable says."""
    name = "LLM_BASE_URL" if provider == "compatible" else f"{provider.upper()}_BASE_URL"
    return env.url(name, DEFAULT_URLS.get(provider, ""))


def _model_url(env: Environment, provider: str) -> str:
    own = f"{provider.upper()}_BASE_URL"
    if provider in DEFAULT_URLS and env.text(own):
        return env.url(own)
    url = env.url("LLM_BASE_URL", DEFAULT_URLS.get(provider, ""))
    if not url:
        env.problems.append("LLM_BASE_URL is not set; a compatible server needs it.")
    return url


def _why_no_model(provider: str, keys: Mapping[str, str]) -> str:
    if not provider:
        have = next((name for name in ("openai", "anthropic") if keys[name]), None)
        if have:
            return (
                f"{have.upper()}_API_KEY is set, but LLM_PROVIDER is not: add LLM_PROVIDER={have}."
            )
        return (
            "No language model is configured (LLM_PROVIDER is not set): add for example"
            " LLM_PROVIDER=openai and OPENAI_API_KEY."
        )
    if provider not in PROVIDERS:
        return f"LLM_PROVIDER is not one of {', '.join(PROVIDERS)}."
    if provider in DEFAULT_MODELS and not keys[provider]:
        key = f"{provider.upper()}_API_KEY"
        return f"{key} is not set, and LLM_PROVIDER={provider} needs it: add {key}."
    return ""
