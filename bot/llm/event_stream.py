"""Server-sent events of a completion → the same completion as one response.

https://platform.openai.com/docs/api-reference/chat-streaming
"""

from __future__ import annotations

from typing import Any

from bot.core.text.lenient_json import decode_leniently

END = "[DONE]"
TEXTS = ("content", "reasoning", "reasoning_content", "refusal")


def join_events(body: bytes) -> dict[str, Any]:
    """Return the response; an event with an error as it is. Raises `DECODE_ERRORS`.

    KeyError, TypeError, IndexError and AttributeError mean another shape.
    """
    message: dict[str, str] = {}
    finish: str | None = None
    usage: object = None
    for line in body.decode("utf-8", "replace").splitlines():
        field, _, value = line.partition(":")
        if field != "data" or value.strip() in ("", END):
            continue
        event = decode_leniently(value.strip())
        if event.get("error"):
            return dict(event)
        usage = event.get("usage") or usage
        for choice in event.get("choices", ())[:1]:
            part = choice.get("delta") or choice.get("message") or {}
            for name in TEXTS:
                if isinstance(text := part.get(name), str):
                    message[name] = message.get(name, "") + text
            finish = choice.get("finish_reason") or finish
    choice = {"message": message, "finish_reason": finish}
    return {"choices": [choice], "usage": usage}
