"""Detects placeholders and examples from documentation that were left in place of a secret."""

from __future__ import annotations

import re

MIN_SENTENCE_WORDS = 3
MAX_CHARS = 100  # that are compared with stock words; no example is longer
BLANKS_AND_QUOTES = " \t\r\n\"'`#=;"

# `${NAME}`, `$NAME`, `<secret>`, `{{ secret }}`, `[token]`, `%NAME%`, `github:OWNER/NAME`.
TEMPLATE = re.compile(
    r"\$\{.*\}|\$[A-Z][A-Z_]*|<.*>|\{.*\}|\[.*\]|%\w+%|(?:[a-z]+:)?[A-Z]+(?:/[A-Z]+)+", re.DOTALL
)
PATH = re.compile(
    r"(?:~|\.{1,2}|%s|/(?:run|etc|opt|var|data|home|usr|tmp)(?=/|$))(?:/[\w.-]+)*", re.IGNORECASE
)
NUMBER = re.compile(r"[0-9]{1,5}")
# Prefixes of tokens.
PREFIX = re.compile(r"(?:sk|ant|proj|api03|gh[oprsu]|github_pat|glpat|glptt|whsec)[-_]")
# One repeated character, such as xxxx, ******** or xxxx-xxxx; base64 may end with =.
REPEATED = re.compile(r"([^\s_.-])(?:[\s_.-]*\1){2,}=*")
DOTS = re.compile(r"[.…_-]*")
# GitLab makes signing tokens, so `whsec_AAAA...` may be a real one of zero bytes.
SIGNING_PREFIX = "whsec_"
STOCK = re.compile(
    r"(?:a(?!a)|an|the|my|your|our|this|me|it|is|in|with|here|goes|please|some|own|real|random|long"
    r"|change|replace|insert|enter|paste|put|fill|add|set|use|generate|needed|required|todo|tbd"
    r"|example|sample|placeholder|redacted|value|string|text|xxx+"
    r"|secrets?|tokens?|keys?|password|passphrase|credentials?"
    r"|api|app|web|hook|signing|access|private|personal|project|group|admin|metrics|bearer"
    r"|github|gitlab|openai|anthropic|llm|tagline|bot)+"
)
# Values of other settings in the documentation.
OTHER_SETTINGS = frozenset(
    (
        *("openai", "anthropic", "compatible"),
        *("gpt-6", "gpt-6-luna", "claude-haiku-5-5", "anthropic:claude-haiku-5-5"),
        *("issue", "task", "incident"),
        *("apply", "suggest", "dry-run", "off"),
        *("info", "debug", "warning", "error", "json", "text"),
        *("127.0.0.1", "0.0.0.0", "your.host"),  # noqa: S104 - a text, no socket
    )
)


def is_placeholder(value: str) -> bool:
    """Return whether the value is a description or an example; ignores quotes, blanks and case."""
    text = value.strip(BLANKS_AND_QUOTES)
    if not text:
        return bool(value.strip())
    is_example = (
        len(text.split()) >= MIN_SENTENCE_WORDS
        or "..." in text
        or "://" in text
        or text.lower() in OTHER_SETTINGS
        or any(kind.fullmatch(text) for kind in (TEMPLATE, PATH, NUMBER))
    )
    return is_example or _is_stock(text.lower())


def _is_stock(text: str) -> bool:
    """Return whether only stock words or one repeated character follow a token's prefix."""
    bare = text
    while prefix := PREFIX.match(bare):
        bare = bare[prefix.end() :]
    words = re.sub(r"[\W_]+", "", bare[:MAX_CHARS])
    return bool(
        DOTS.fullmatch(bare)
        or (REPEATED.fullmatch(bare) and not text.startswith(SIGNING_PREFIX))
        or (len(bare) <= MAX_CHARS and STOCK.fullmatch(words))
    )
