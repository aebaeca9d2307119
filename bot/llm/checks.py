"""Checks whether a language model answers by a schema, and the cost of an answer."""

from __future__ import annotations

from collections.abc import Iterator

from bot.core.diagnostics import Finding
from bot.core.errors import ModelFailed
from bot.core.prompt import Prompt
from bot.core.reply import extract_objects
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
    "status-401": "look at {key_variable}",
    "status-402": "the account of {key_variable} has no credit left",
    "status-403": "look at {key_variable}, and at {name_variable}",
    "status-404": "look at {name_variable}, and at the base URL",
    "status-429": "its limit is reached: look at the account, or wait",
    "unreachable": "look at the base URL and the network",
    "timeout": "look at the base URL and the network, or raise LLM_TIMEOUT",
    "truncated": "raise LLM_MAX_OUTPUT_TOKENS",
    "not-json": NO_JSON,
    "wrong-shape": NO_JSON,
}
OTHER_FIX = "look at LLM_PROVIDER, {name_variable} and the base URL"


def parse_word(text: str) -> str:
    """Return the word of an answer. Raises `ModelFailed`."""
    word = extract_objects(text)[0].get("word")
    if not isinstance(word, str):
        raise ModelFailed("wrong-shape")
    return word


def check_model(client: ModelClient, key_variable: str, name_variable: str) -> Iterator[Finding]:
    """Call a model once, and yield findings. `key_variable` and `name_variable` are settings."""
    try:
        _, usage = client.complete(PROMPT, parse_word)
    except ModelFailed as failure:
        fix = FIXES.get(failure.reason, OTHER_FIX).format(
            key_variable=key_variable, name_variable=name_variable
        )
        yield Finding(f"{client.name} does not answer ({failure.reason})", fix, wrong=True)
        return
    yield Finding(f"{usage.model} answers ({usage.tokens_in} + {usage.tokens_out} tokens)")
    if not usage.tokens_in:
        yield Finding("it does not count tokens", "budgets count the highest cost of each answer")
    elif usage.cost_usd is None:
        yield Finding("its price is not known", "watch its cost yourself: budgets cannot count it")
    else:
        yield Finding(f"its price is known: this answer cost ${usage.cost_usd:.6f}")
