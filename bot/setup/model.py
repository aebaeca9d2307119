"""The step “Model”: the provider is asked once before its key is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from bot.core.pricing import cost_usd
from bot.core.setup import SetupProblem
from bot.llm.checks import check_model
from bot.llm.client import ModelClient
from bot.settings.models import KEY_NAMES, UNTIL_THEN, ModelSettings
from bot.settings.stored import KEYS, MODEL
from bot.setup.store import SetupStore

WITHOUT = "none"  # as in LLM_PROVIDER
RULES_ONLY = "Labels come from rules, and from earlier issues once there are enough."
TEST_SECONDS = 30.0
# Tokens of an issue: see docs/figures.md.
TOKENS_IN, TOKENS_OUT = 820, 120
ISSUES = 1000


class ModelSetup:
    """`client` returns a client of a model."""

    def __init__(self, store: SetupStore, client: Callable[[ModelSettings], ModelClient]) -> None:
        self._store, self._client = store, client

    def choose(self, provider: str, key: str, base_url: str, name: str) -> str:
        """Test a model, then store it; return what it costs."""
        values = _collect(provider, key, base_url, name)
        self._store.check()
        result = self._test(values) if provider != WITHOUT else RULES_ONLY
        self._store.save(values, (*MODEL, *KEYS))
        return result

    def _test(self, values: Mapping[str, str]) -> str:
        settings = self._store.preview(values)
        if settings.model is None:
            notice = settings.model_notices[0].removesuffix(UNTIL_THEN).strip()
            raise SetupProblem(notice)
        model = replace(settings.model, timeout=min(settings.model.timeout, TEST_SECONDS))
        words = {"key": "the key", "model": "the model's name", "url": "the address"}
        findings = list(check_model(self._client(model), words, settings.secrets))
        wrong = next((finding for finding in findings if finding.wrong), None)
        if wrong:
            raise SetupProblem(f"{wrong.what}. To correct it: {wrong.fix}.")
        return f"{model.model} answers. {_describe_price(model.model)}"


def _collect(provider: str, key: str, base_url: str, name: str) -> dict[str, str]:
    """Return the variables of a choice. Raises `SetupProblem`."""
    values = {"LLM_PROVIDER": provider}
    if provider == WITHOUT:
        return values
    if provider not in KEY_NAMES:
        raise SetupProblem("Choose a provider, or none.")
    if base_url.strip() and provider != "compatible":
        raise SetupProblem("Choose “Another server” for an address, or leave the address empty.")
    fields = {KEY_NAMES[provider]: key, "LLM_MODEL": name, "LLM_BASE_URL": base_url}
    return values | {name: value.strip() for name, value in fields.items() if value.strip()}


def _describe_price(model: str) -> str:
    usd = cost_usd(model, TOKENS_IN * ISSUES, TOKENS_OUT * ISSUES)
    if usd is None:
        return "Its price is not known, so watch its cost yourself."
    return f"1,000 issues cost about ${usd:,.2f}."
