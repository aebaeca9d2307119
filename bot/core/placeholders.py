"""Texts that stand in documents where a secret belongs: published, so that everybody knows them."""

from __future__ import annotations

import re

PROSE_WORDS = 3  # a text of so many words is a sentence, no secret
LONGEST = 100  # characters that are looked at for stock words; no example is longer
BLANKS_AND_QUOTES = " \t\r\n\"'`#=;"

# `${NAME}`, `$NAME`, `<secret>`, `{{ secret }}`, `[token]`, `%NAME%`.
TEMPLATE = re.compile(r"\$\{.*\}|\$[A-Z][A-Z_]*|<.*>|\{.*\}|\[.*\]|%\w+%", re.DOTALL)
PATH = re.compile(
    r"(?:~|\.{1,2}|%s|/(?:run|etc|opt|var|data|home|usr|tmp)(?=/|$))(?:/[\w.-]+)*", re.IGNORECASE
)
NUMBER = re.compile(r"[0-9]{1,5}")
# What tokens begin with, a part that shows nothing of the secret.
PREFIX = re.compile(r"(?:sk|ant|proj|api03|gh[oprsu]|github_pat|glpat|glptt|whsec)[-_]")
# One sign again and again, such as xxxx, ******** or xxxx-xxxx; base64 may end with =.
REPEATED = re.compile(r"([^\s_.-])(?:[\s_.-]*\1){2,}=*")
DOTS = re.compile(r"[.…_-]*")
# A signing token comes from GitLab, not from a person: zero bytes, `whsec_AAAA...`, may be one.
SIGNING = "whsec_"
STOCK = re.compile(
    r"(?:a(?!a)|an|the|my|your|our|this|me|it|is|in|with|here|goes|please|some|own|real|random|long"
    r"|change|replace|insert|enter|paste|put|fill|add|set|use|generate|needed|required|todo|tbd"
    r"|example|sample|placeholder|redacted|value|string|text|xxx+"
    r"|secrets?|tokens?|keys?|password|passphrase|credentials?"
    r"|api|app|web|hook|signing|access|private|personal|project|group|admin|metrics|bearer"
    r"|github|gitlab|openai|anthropic|llm|tagline|bot)+"
)
# What our documents set other variables to, and what these may be set to.
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
    """Return whether this is a description or an example rather than a secret.

    Quotes, blanks, comment signs and case around or in it make no difference.
    """
    text = value.strip(BLANKS_AND_QUOTES)
    if not text:
        return bool(value.strip())
    is_example = (
        len(text.split()) >= PROSE_WORDS
        or "..." in text
        or "://" in text
        or text.lower() in OTHER_SETTINGS
        or any(kind.fullmatch(text) for kind in (TEMPLATE, PATH, NUMBER))
    )
    return is_example or _is_stock(text.lower())


def _is_stock(text: str) -> bool:
    """Whether nothing but stock words or one repeated sign stands behind a token's prefix."""
    bare = text
    while prefix := PREFIX.match(bare):
        bare = bare[prefix.end() :]
    words = re.sub(r"[\W_]+", "", bare[:LONGEST])
    return bool(
        DOTS.fullmatch(bare)
        or (REPEATED.fullmatch(bare) and not text.startswith(SIGNING))
        or (len(bare) <= LONGEST and STOCK.fullmatch(words))
    )
