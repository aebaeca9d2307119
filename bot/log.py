"""Writes one structured line per event to stderr, with known and likely secrets masked."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable, MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Protocol

import msgspec
import structlog

MASK = "[masked]"
LIKELY_SECRET = re.compile(
    r"\bgh[opusr]_[\w.-]+|\bgithub_pat_\w+|\bglpat-[\w.-]+|\bwhsec_[\w+/=-]+|\bsk-[\w-]{8,}"
    r"|(?<=[Bb]earer )[^\s\"]+|-----BEGIN[^-]{0,40}-----[^-]*"
)
LITERALS = (  # each match of the pattern contains one
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    *("github_pat_", "glpat-", "whsec_", "sk-", "earer ", "-----BEGIN"),
)
SHORT = 8  # characters; a shorter secret is masked as a whole word only
# Dramatiq logs it every three seconds; `queue/watch.py` logs it once.
REPEATED = "Consumer encountered a connection error"
LIBRARIES = ("dramatiq", "uvicorn", "httpx", "httpcore", "redis", "asyncio")


class Stream(Protocol):
    """What the log needs of a file."""

    def write(self, text: str, /) -> object: ...

    def flush(self) -> None: ...

    def isatty(self) -> bool: ...


_logger: Any = structlog.get_logger()
_added_secrets: list[str] = []


def configure(
    level: str = "info",
    form: str = "json",
    secrets: Iterable[str] = (),
    stream: Stream | None = None,
) -> None:
    """Write our events and the warnings of libraries to `stream` (stderr) as masked lines.

    `form` is "json", "text" for developers or "plain" for people who call a command.
    """
    global _logger  # noqa: PLW0603 - one log per process
    out = stream or sys.stderr
    lines: Any = _LossyStream(out)
    _logger = structlog.wrap_logger(
        structlog.WriteLogger(lines),
        processors=[
            structlog.processors.add_log_level,
            *_make_renderers(form, out),
            _masker(secrets),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
    ).bind()
    handler = _LibraryHandler()
    for name in LIBRARIES:
        library = logging.getLogger(name)
        library.handlers, library.propagate = [handler], False
        library.setLevel(logging.WARNING)


def mask_also(secrets: Iterable[str]) -> None:
    """Mask further secrets, beside those that were given to `configure`."""
    known = {*_added_secrets}
    _added_secrets.extend(form for s in secrets for form in _forms(s) if form not in known)
    _added_secrets.sort(key=len, reverse=True)


def get() -> Any:
    """Return the log as last configured."""
    return _logger


def frames(trace: TracebackType | None) -> list[str]:
    """Return file, line and function of each frame, without values."""
    return [
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(trace)
    ]


class _LossyStream:
    """Drops lines that cannot be written: a full disk must not fail jobs."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


class _LibraryHandler(logging.Handler):
    """Logs records of libraries as our events; of an exception only type and frames."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage().startswith(REPEATED):
            return
        fields: dict[str, Any] = {"logger": record.name}
        if record.exc_info and record.exc_info[0]:
            fields["error"] = record.exc_info[0].__name__
            fields["frames"] = frames(record.exc_info[2])[-8:]
        log_event = get().error if record.levelno >= logging.ERROR else get().warning
        log_event(record.getMessage()[:500], **fields)


def _make_renderers(form: str, out: Stream) -> list[Any]:
    """Return the processors that make a line of an event, with its time unless it is "plain"."""
    if form == "plain":
        return [_render_plain]
    if form == "json":
        return [_render_json]
    colors = out.isatty() and not os.environ.get("NO_COLOR")
    time = structlog.processors.TimeStamper(fmt="iso", utc=True)
    return [time, structlog.dev.ConsoleRenderer(colors=colors)]


def _render_json(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> str:
    """Return JSON for any event: an error here would fail the job.

    msgspec writes a time as `TimeStamper` does, in a third of the time.
    """
    now = datetime.now(UTC)
    try:
        return msgspec.json.encode({**event, "timestamp": now}, enc_hook=str).decode()
    except (TypeError, ValueError):
        return json.dumps({**event, "timestamp": now.isoformat()}, default=str)


def _render_plain(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> str:
    """Return a line for a person: level, event and fields, without the time."""
    level, what = str(event.pop("level")).capitalize(), event.pop("event")
    fields = ", ".join(f"{key} {value}" for key, value in event.items() if value not in ("", None))
    return f"{level}: {what}" + (f" ({fields})" if fields else "")


def _forms(secret: str) -> tuple[str, ...]:
    return secret, json.dumps(secret)[1:-1], repr(secret)[1:-1]


def _mask(secret: str, line: str) -> str:
    """Return the line without a secret; of a short one, letters of other words stay.

    A number as a value of JSON stays too: masked, the line would not be JSON.
    """
    if len(secret) >= SHORT:
        return line.replace(secret, MASK)
    number = r'(?<!":)(?<![\[,.])' if secret.isdecimal() else ""
    return re.sub(rf"(?<!\w){number}{re.escape(secret)}(?!\w)", MASK, line)


def _masker(secrets: Iterable[str]) -> Callable[[Any, str, Any], str]:
    """Return a function that masks known secrets, also in JSON and repr spelling, and likely ones.

    Its arguments are those of a processor of structlog.
    """
    known = {form for secret in secrets for form in _forms(secret)}
    longest_first = sorted(known, key=len, reverse=True)

    def process(_logger: Any, _name: str, line: Any) -> str:
        for secret in (*longest_first, *_added_secrets):
            if secret in line:
                line = _mask(secret, line)
        # Searching for a few literals is much faster than the pattern.
        has_literal = any(map(line.__contains__, LITERALS))
        return LIKELY_SECRET.sub(MASK, line) if has_literal else line

    return process
