"""Checks whether a language model answers by a schema, and the cost of an answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bot.core.diagnostics import Finding, excerpt
from bot.core.errors import ModelFailed
from bot.core.prompt import Prompt
from bot.core.reply import extract_objects
from bot.core.types import ModelSetting
from bot.llm.client import ModelClient

# The text repeats the schema for servers that ignore the parameter.
PROMPT = Prompt(
    system='Answer with one JSON object of this form, nothing else: {"word": "NAME OF A COLOUR"}',
    user='{"question": "Name a colour."}',
    schema={
        "type": "object",
        "properties": {"word": {"type": "string", "maxLength": 40}},
        "required": ["word"],
        "additionalProperties": False,
    },
)
NO_JSON = "choose a model or server that supports JSON schemas; until then labels come from rules"
FIXES = {
    "status-401": "look at {key}",
    "status-402": "the account of {key} has no credit left",
    "status-403": "look at {key}, and at {model}",
    "status-404": "look at {url} (most servers need /v1 at its end) and at {model}",
    "status-429": "its limit is reached: look at the account, or wait",
    "unreachable": "look at {url} and the network",
    "timeout": "look at {url} and the network, or raise LLM_TIMEOUT",
    "truncated": "raise LLM_MAX_OUTPUT_TOKENS",
    "not-json": NO_JSON,
    "wrong-shape": NO_JSON,
    "status-503": "it may still be loading its model: wait, and try again",
}
SAME_FOR_SETTINGS = ("status-400", "status-404")  # what is wrong stands in the server's words
SETTING_FIXES = {
    "key": "look at {key}",
    "model": "look at {model}: the server does not know this model",
    "url": "look at {url}: most servers need /v1 at its end; then at {model}",
}
OTHER_FIX = "look at LLM_PROVIDER, {key}, {model} and {url}"


def parse_word(text: str) -> str:
    """Return the word of an answer. Raises `ModelFailed`."""
    word = extract_objects(text)[0].get("word")
    if not isinstance(word, str):
        raise ModelFailed("wrong-shape")
    return word


def find_fix(reason: str, variables: Mapping[str, str], setting: ModelSetting = "") -> str:
    """Return what to do about a model that fails for a reason."""
    by_setting = SETTING_FIXES.get(setting) if reason in SAME_FOR_SETTINGS else None
    return (by_setting or FIXES.get(reason, OTHER_FIX)).format_map(variables)


def check_model(
    client: ModelClient, variables: Mapping[str, str], secrets: Sequence[str] = ()
) -> Iterator[Finding]:
    """Call a model once, and yield findings.

    `variables` are the environment variables of its settings, by `ModelSetting`. `secrets` are
    masked in the server's own words.
    """
    try:
        _, usage = client.complete(PROMPT, parse_word)
    except ModelFailed as failure:
        detail = failure.detail
        for secret in filter(None, secrets):
            detail = detail.replace(secret, "[masked]")
        what = f"{client.name} at {client.url} does not answer ({failure.reason})"
        what += f": {excerpt(detail)}" if detail else ""
        yield Finding(what, find_fix(failure.reason, variables, failure.setting), wrong=True)
        return
    yield Finding(f"{usage.model} answers ({usage.tokens_in} + {usage.tokens_out} tokens)")
    if not usage.tokens_in:
        yield Finding(
            f"{usage.model}: it does not count tokens",
            "budgets count the highest cost of each answer",
        )
    elif usage.cost_usd is None:
        yield Finding(
            f"{usage.model}: its price is not known",
            "watch its cost yourself: budgets cannot count it",
        )
    else:
        yield Finding(f"{usage.model}: its price is known: this answer cost ${usage.cost_usd:.6f}")
