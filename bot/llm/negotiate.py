"""A server's complaint about a request → the next way to ask; down one rung at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec

from bot.core.errors import ModelFailed
from bot.llm.protocol import CompletionRequest, ModelProtocol

MAX_ERROR_TEXT = 1000
MAX_DEPTH = 6
NEGOTIABLE = (400, 413, 422, 501)
# Where servers say what is wrong. Others, such as `input`, repeat the request.
ERROR_FIELDS = ("error", "errors", "message", "msg", "detail", "loc", "param", "type", "code")

TOO_LONG = re.compile(
    r"context.{0,30}(?:length|window|size|limit)|too long|too many tokens|reduce the length"
    r"|maximum.{0,20}tokens|exceeds? the (?:max|limit|context)",
    re.I,
)
FORM = re.compile(
    r"response.?format|output.?(?:config|format)|json.?(?:object|mode)|structured.?output"
    r"|guided|grammar|max(?:Items|Length)|schema",
    re.I,
)
ACCOUNT_PROBLEM = re.compile(
    r"credit balance|insufficient.{0,10}(?:balance|credit)|api.?key|billing", re.I
)
NAMED = {
    "max_tokens": re.compile(r"\bmax_tokens\b"),
    "max_completion_tokens": re.compile(r"\bmax_completion_tokens\b"),
    "bounds": FORM,  # whatever is wrong with the schema, they are the first to go
    "strict": re.compile(r"\bstrict\b"),
    "system": re.compile(
        r"\bsystem\b.{0,40}(?:role|message|prompt|support)|role.{0,60}\bsystem\b", re.I
    ),
}


class RequestRejected(ModelFailed):
    """The server rejects a part of the request. Do not log `error_text`: it may quote it."""

    def __init__(self, status: int, body: bytes) -> None:
        self.error_text = error_text(body)
        super().__init__(
            f"status-{status}", needs_operator=bool(ACCOUNT_PROBLEM.search(self.error_text))
        )
        self.too_long = status == 413 or bool(TOO_LONG.search(self.error_text))


def error_text(body: bytes) -> str:
    """What an error says, without what it repeats of the request."""
    try:
        said = " ".join(_error_parts(msgspec.json.decode(body)))
    except (msgspec.DecodeError, RecursionError):
        said = body[:MAX_ERROR_TEXT].decode("utf-8", "replace")
    return said[:MAX_ERROR_TEXT]


def _error_parts(part: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(part, str):
        yield part[:MAX_ERROR_TEXT]
    elif depth < MAX_DEPTH and isinstance(part, list):
        for item in part[:MAX_DEPTH]:
            yield from _error_parts(item, depth + 1)
    elif depth < MAX_DEPTH and isinstance(part, dict):
        for name in ERROR_FIELDS:
            yield from _error_parts(part.get(name), depth + 1)


def negotiate(
    question: CompletionRequest, complaint: RequestRejected, wire: ModelProtocol
) -> CompletionRequest:
    """The question in the next way. Raises the complaint where there is none.

    Every step leaves something out for good, so that a few of them come to an end.
    """
    if complaint.too_long and not question.short:
        return replace(question, short=True)
    dialect = question.capabilities
    for name in wire.optional(dialect):
        if NAMED[name].search(complaint.error_text):
            return replace(
                question, capabilities=replace(dialect, unsupported=dialect.unsupported | {name})
            )
    lower = wire.forms[wire.forms.index(dialect.form) + 1 :]
    if lower and FORM.search(complaint.error_text):
        return replace(question, capabilities=replace(dialect, form=lower[0]))
    raise complaint
