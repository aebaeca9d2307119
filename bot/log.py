"""One structured line per event on stderr; known secrets and anything shaped like one are masked."""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import Callable, Iterable, MutableMapping
from types import TracebackType
from typing import Any, TextIO

import structlog

SHAPES = re.compile(
    r"gh[a-z]_[\w.-]+|github_pat_\w+|glpat-[\w.-]+|whsec_[\w+/=-]+|sk-[\w-]{8,}"
    r"|(?<=[Bb]earer )\S+|-----BEGIN[^-]{0,40}-----[^-]*"
)
LIBRARIES = ("dramatiq", "uvicorn", "httpx", "httpcore", "redis", "asyncio")

Event = MutableMapping[str, Any]


def configure(
    level: str = "info",
    form: str = "json",
    secrets: Iterable[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Send our own events and the libraries' warnings to `stream` (stderr) as masked lines."""
    out = stream or sys.stderr
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=True)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=out.isatty())
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _masker(tuple(sorted(set(secrets), key=len, reverse=True))),
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    handler = _Bridge()
    for name in LIBRARIES:
        library = logging.getLogger(name)
        library.handlers, library.propagate = [handler], False
        library.setLevel(logging.WARNING)


def get() -> Any:
    return structlog.get_logger()


def frames(trace: TracebackType | None) -> list[str]:
    """Where an exception came from: file, line and function, without any value."""
    return [
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(trace)
    ]


class _Bridge(logging.Handler):
    """Library records as events of ours; of an exception only its type and frames."""

    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, Any] = {"logger": record.name}
        if record.exc_info and record.exc_info[0]:
            fields["error"] = record.exc_info[0].__name__
            fields["frames"] = frames(record.exc_info[2])[-8:]
        say = get().error if record.levelno >= logging.ERROR else get().warning
        say(record.getMessage()[:500], **fields)


def mask(text: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, "[masked]")
    return SHAPES.sub("[masked]", text)


def _masker(secrets: tuple[str, ...]) -> Callable[[Any, str, Event], Event]:
    def masked(value: Any) -> Any:
        if isinstance(value, str):
            return mask(value, secrets)
        if isinstance(value, list | tuple):
            return [masked(item) for item in value]
        return value

    def process(_logger: Any, _name: str, event: Event) -> Event:
        return {key: masked(value) for key, value in event.items()}

    return process
