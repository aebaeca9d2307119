"""A server's error about a request → the next request to try, without the unsupported part."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from bot.core.errors import ModelFailed
from bot.core.types import ModelSetting
from bot.llm.protocol import CompletionRequest, ModelProtocol

MAX_ERROR_CHARS = 1000
MAX_DEPTH = 6
NEGOTIABLE = (400, 413, 422, 501)
# Where servers describe the error. Other fields, such as `input`, repeat the request.
ERROR_FIELDS = ("error", "errors", "message", "msg", "detail", "loc", "param", "type", "code")

TOO_LONG = re.compile(
    r"context.{0,30}(?:length|window|size|limit)|too long|too many tokens|reduce the length"
    r"|maximum.{0,20}tokens|exceeds? the (?:max|limit|context)",
    re.I,
)
FORM = re.compile(
    r"response.?format|output.?(?:config|format)|json.?(?:object|mode)|structured.?output"
    r"|guided|grammar|max(?:Items|Length)|schema|\bjson\b|json_|failed_generation",
    re.I,
)
# Errors that only the operator can fix → the setting that causes them. Proxies send them as 400.
SETTINGS: Mapping[ModelSetting, re.Pattern[str]] = {
    "key": re.compile(
        r"credit balance|insufficient.{0,10}(?:balance|credit)|api.?key|billing|authenticat"
        r"|unauthori[sz]ed|(?:invalid|wrong|expired).{0,30}(?:token|key|credential)",
        re.I,
    ),
    "model": re.compile(
        r"(?:invalid|unknown|unsupported|no such|not a valid) model"
        r"|model\b.{0,80}(?:not (?:found|exist|available|supported|valid)|does ?n.t exist|unknown)",
        re.I,
    ),
}
# An optional parameter → the errors that mean it.
PARAMETERS = {
    "max_tokens": re.compile(r"\bmax_tokens\b"),
    "max_completion_tokens": re.compile(r"\bmax_completion_tokens\b"),
    "bounds": FORM,  # few servers support them, so any error about the schema removes them first
    "strict": re.compile(r"\bstrict\b"),
    "stream": re.compile(r"\bstream\b"),
    "system": re.compile(
        r"\bsystem\b.{0,40}(?:role|message|prompt|support)|role.{0,60}\bsystem\b", re.I
    ),
}


class RequestRejected(ModelFailed):
    """The server rejects a part of the request."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"status-{status}", setting=find_setting(detail), detail=detail)
        self.too_long = status == 413 or bool(TOO_LONG.search(detail))


def find_setting(detail: str) -> ModelSetting:
    """Return the setting that an error is about, "" for none."""
    return next((name for name, pattern in SETTINGS.items() if pattern.search(detail)), "")


def extract_error(body: bytes) -> str:
    """Return the description of an error, without fields that repeat the request."""
    try:
        text = " ".join(_list_error_parts(msgspec.json.decode(body)))
    except (msgspec.DecodeError, RecursionError):
        text = body[:MAX_ERROR_CHARS].decode("utf-8", "replace")
    return text[:MAX_ERROR_CHARS]


def _list_error_parts(part: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(part, str):
        yield part[:MAX_ERROR_CHARS]
    elif depth < MAX_DEPTH and isinstance(part, list):
        for item in part[:MAX_DEPTH]:
            yield from _list_error_parts(item, depth + 1)
    elif depth < MAX_DEPTH and isinstance(part, dict):
        for name in ERROR_FIELDS:
            yield from _list_error_parts(part.get(name), depth + 1)


def negotiate(
    request: CompletionRequest, rejection: RequestRejected, protocol: ModelProtocol
) -> CompletionRequest:
    """Return the next request to try. Raises the rejection where there is none.

    Every step removes something for good, so that the number of steps is limited.
    """
    if rejection.too_long and not request.is_short:
        return replace(request, is_short=True)
    current = request.capabilities
    for name in protocol.list_optional(current):
        if PARAMETERS[name].search(rejection.detail):
            unsupported = current.unsupported | {name}
            return replace(request, capabilities=replace(current, unsupported=unsupported))
    looser_forms = protocol.forms[protocol.forms.index(current.form) + 1 :]
    if looser_forms and FORM.search(rejection.detail):
        return replace(request, capabilities=replace(current, form=looser_forms[0]))
    raise rejection
