"""One structured line per event on stderr; known secrets and what looks like one are masked."""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Any, TextIO

import msgspec
import structlog

MASK = "[masked]"
SHAPES = re.compile(
    r"\bgh[a-z]_[\w.-]+|\bgithub_pat_\w+|\bglpat-[\w.-]+|\bwhsec_[\w+/=-]+|\bsk-[\w-]{8,}"
    r"|(?<=[Bb]earer )[^\s\"]+|-----BEGIN[^-]{0,40}-----[^-]*"
)
SIGNS = (
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    *("github_pat_", "glpat-", "whsec_", "sk-", "earer ", "-----BEGIN"),
)
LIBRARIES = ("dramatiq", "uvicorn", "httpx", "httpcore", "redis", "asyncio")

_logger: Any = structlog.get_logger()
_later: list[str] = []


def configure(
    level: str = "info",
    form: str = "json",
    secrets: Iterable[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Send our own events and the libraries' warnings to `stream` (stderr) as masked lines."""
    global _logger  # noqa: PLW0603 - there is one log
    out = stream or sys.stderr
    lines: Any = _Patient(out)
    renderer: Any = (
        structlog.processors.JSONRenderer(_json)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=out.isatty())
    )
    _logger = structlog.wrap_logger(
        structlog.WriteLogger(lines),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
            _masker(secrets),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
    ).bind()
    handler = _Bridge()
    for name in LIBRARIES:
        library = logging.getLogger(name)
        library.handlers, library.propagate = [handler], False
        library.setLevel(logging.WARNING)


def mask_also(secrets: Iterable[str]) -> None:
    """Secrets that came after `configure` are masked too; the old ones go on being so."""
    known = {*_later}
    _later.extend(form for s in secrets for form in _forms(s) if form not in known)
    _later.sort(key=len, reverse=True)


def get() -> Any:
    """The log as it was last configured."""
    return _logger


def frames(trace: TracebackType | None) -> list[str]:
    """Where an exception came from: file, line and function, without any value."""
    return [
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(trace)
    ]


class _Patient:
    """A stream whose disk may be full: lines are lost then, jobs are not."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


class _Bridge(logging.Handler):
    """Library records as events of ours; of an exception only its type and frames."""

    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, Any] = {"logger": record.name}
        if record.exc_info and record.exc_info[0]:
            fields["error"] = record.exc_info[0].__name__
            fields["frames"] = frames(record.exc_info[2])[-8:]
        say = get().error if record.levelno >= logging.ERROR else get().warning
        say(record.getMessage()[:500], **fields)


def _json(event: Any, **_: Any) -> str:
    """One line whatever the event holds: a log that raises would fail the job it tells of."""
    try:
        return msgspec.json.encode(event, enc_hook=str).decode()
    except (TypeError, ValueError):
        return json.dumps(event, default=str)


def mask(text: str, secrets: Iterable[str]) -> str:
    """Replace known secrets, also as JSON and repr write them, and what is shaped like one."""
    return _masker(secrets)(None, "", text)


def _forms(secret: str) -> tuple[str, ...]:
    return secret, json.dumps(secret)[1:-1], repr(secret)[1:-1]


def _masker(secrets: Iterable[str]) -> Callable[[Any, str, Any], str]:
    known = {form for secret in secrets for form in _forms(secret)}
    longest_first = sorted(known, key=len, reverse=True)

    def process(_logger: Any, _name: str, line: Any) -> str:
        for secret in (*longest_first, *_later):
            if secret in line:
                line = line.replace(secret, MASK)
        # Looking for a few plain texts is much cheaper than the pattern, and nearly always enough.
        return SHAPES.sub(MASK, line) if any(sign in line for sign in SIGNS) else line

    return process
