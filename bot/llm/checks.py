"""Does the language model answer? One tiny question, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator

from bot.core import reply
from bot.core.diagnostics import Finding
from bot.core.errors import ModelFailed
from bot.core.ports import Model
from bot.core.prompt import Prompt


def parse(text: str) -> str:
    """Return the word that a model answers the question with. Raises `ModelFailed`."""
    word = reply.json_object(text).get("word")
    if not isinstance(word, str):
        raise ModelFailed("wrong-shape")
    return word


# The form stands in the words too, for a server that pays no heed to the schema.
QUESTION = Prompt(
    system='Answer with one JSON object of this form, nothing else: {"word": "NAME OF A COLOUR"}',
    user='{"question": "Name a colour."}',
    schema={
        "type": "object",
        "properties": {"word": {"type": "string", "maxLength": 40}},
        "required": ["word"],
        "additionalProperties": False,
    },
    parse=parse,
    name="colour",
)
NO_JSON = "choose a model or server that supports JSON schemas, or labels come from rules"


def report(model: Model, key_name: str, named_by: str) -> Iterator[Finding]:
    """`key_name` is the variable that holds the key, `named_by` the one that names the model."""
    try:
        answer = model.ask(QUESTION)
    except ModelFailed as failure:
        fix = _fix(failure.reason, key_name, named_by)
        yield Finding(f"{model.name} does not answer ({failure.reason})", fix, wrong=True)
        return
    used = answer.usage
    yield Finding(f"{used.model} answers ({used.tokens_in} + {used.tokens_out} tokens)")
    if not used.tokens_in:
        yield Finding("it does not count tokens", "budgets take each answer for the longest one")
    elif used.cost_usd is None:
        yield Finding("its price is not known", "watch its cost yourself: budgets cannot count it")
    else:
        yield Finding(f"its price is known: this question cost ${used.cost_usd:.6f}")


def _fix(reason: str, key_name: str, named_by: str) -> str:
    fixes = {
        "status-401": f"look at {key_name}",
        "status-402": f"the account of {key_name} has no credit left",
        "status-403": f"look at {key_name}, and at {named_by}",
        "status-404": f"look at {named_by}, and at the base URL",
        "status-429": "its limit is reached: look at the account, or wait",
        "unreachable": "look at the base URL and the network",
        "timeout": "look at the base URL and the network, or raise LLM_TIMEOUT",
        "truncated": "raise LLM_MAX_OUTPUT_TOKENS",
        "not-json": NO_JSON,
        "wrong-shape": NO_JSON,
    }
    return fixes.get(reason, f"look at LLM_PROVIDER, {named_by} and the base URL")
