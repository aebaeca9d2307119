"""Makes untrusted text harmless: one line, no markup, nothing that a forge or a bot acts upon.

What is said, and where, is left to `flow/render.py`.
"""

from __future__ import annotations

import html
import re
import unicodedata

ELLIPSIS = "…"
ZERO_WIDTH = "\u200b"

_DECODE_ROUNDS = 4
_MAX_MARKS = 2
_LONG_RUN = 48
_MAX_WIDTH = 96  # of a rendered run without blanks; the forges' pages scroll sideways beyond
_COMMIT_SHOWN = 6  # the forges link seven hex digits and more
_WIDENED = "@#!~%&$::>"  # by a zero-width character each, a colon by two

# Removed whatever their category: invisible letters, variation selectors, tag characters.
_INVISIBLE = frozenset(
    chr(code)
    for span in (
        (0x034F, 0x034F),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x2800, 0x2800),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0F),
        (0xFFA0, 0xFFA0),
        (0xFFF0, 0xFFFB),
        (0xE0000, 0xE0FFF),
    )
    for code in range(span[0], span[1] + 1)
)
# Elements that only format go; others go with their attributes, since a bare `<button>` is a word.
_FORMATTING = (
    "b big blockquote br center code del details em font h1 h2 h3 h4 h5 h6 hr i ins kbd li ol p pre"
    " q s samp small strike strong sub summary sup tt u ul"
)
_ELEMENTS = (
    "a abbr address article aside audio body button canvas caption cite col dialog div dl embed"
    " fieldset figure footer form frame head header html iframe img input label legend link main"
    " map mark math meta nav noscript object option picture script section select source span style"
    " svg table tbody td template textarea th thead time title tr track var video"
)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_TAG = re.compile(
    rf"(?i)</?(?:{'|'.join(_FORMATTING.split())})(?=[\s/>])[^<>]*>"
    rf"|<(?:{'|'.join(_ELEMENTS.split())})\s[^<>]*>"
)
_COMMENT_END = re.compile(r"<!--|--!?>")
_LONG = re.compile(rf"\S{{{_LONG_RUN + 1},}}")
_PIECE = re.compile(rf".{{12,{_LONG_RUN - 1}}}?[。！？，、；：]|.{{1,{_LONG_RUN}}}")

# Left to right: what would still be live as rendered text, and what is written instead.
_DEFUSED = (
    (re.compile(r"(?i)(?<![^\W_])www\."), ""),
    (re.compile(r"(?i)(?<![a-z0-9_])(gh)-(?=\d)"), r"\1 "),
    (re.compile(rf"([0-9a-fA-F]{{{_COMMIT_SHOWN}}})[0-9a-fA-F]{{34,}}"), rf"\1{ELLIPSIS}"),
)
_LIVE_SIGIL = re.compile(r"""[#!~%&](?=[\w"'\[#])|[@$](?=\S)""")
# GitLab links `://x` without a scheme, and `group/project>`; both hosts draw `:name:`.
_LIVE_LEFT = re.compile(r":(?=//|[\w+\-]+:)|/(?=[\w.\-]+>)")
_LIVE_COLON = re.compile(r"(?<=[\w+.\-]):(?=\S)")
_NAMED_REFERENCE = re.compile(r"\[\w+(?=:$)")  # [issue: 1]
_SPECIAL = re.compile(r"[\\`*_\[\]<>|~$&#!]")
_LIST_NUMBER = re.compile(r"\d{1,9}(?=[.)])")
_BOT_COMMAND = re.compile(
    r"(?i)(?:bors|homu|prow|mergify|mergifyio|dependabot|renovate|coderabbit|coderabbitai|rustbot"
    r"|jenkins|retest|recheck|r\?)(?!\w)"
)


def one_line(text: str, max_chars: int = 4000) -> str:
    """At most `max_chars` characters of `text` as one line of plain text, not yet escaped."""
    text = _decoded(_visible(text[:max_chars]))
    return " ".join(_composed(_without_html(text)).split())


def plain(text: str, max_chars: int = 600, max_words: int = 60) -> str:
    """`text` as one line of Markdown that both forges show as the plain text it is.

    The caps hold for the escaped line; what does not fit is cut at a word with an ellipsis.
    """
    words = _harmless(one_line(text)).split()
    line: list[str] = []
    room = max_chars
    for number, word in enumerate(words):
        escaped = _escaped(word, first=not line)
        rest_fits = number == len(words) - 1
        needed = len(escaped) + bool(line) + (0 if rest_fits else len(ELLIPSIS))
        if number >= max_words or needed > room:
            return _cut(line, word if number < max_words else "", room)
        line.append(escaped)
        room -= len(escaped) + (len(line) > 1)
    return " ".join(line)


def code(text: str, max_chars: int = 255) -> str:
    """`text` as an inline code span that nothing in it can end; "" where nothing is visible."""
    line = " ".join(_composed(text[:max_chars]).split()).replace("<!--", f"<!{ZERO_WIDTH}--")
    line = line.replace("tagline:v", f"tagline:{ZERO_WIDTH}v")  # no copy of our marker's text
    line = _LONG.sub(lambda run: _shortened(run[0]), line)
    if not line:
        return ""
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{pad}{line}{pad}{ticks}"


def _decoded(text: str) -> str:
    for _ in range(_DECODE_ROUNDS):
        decoded = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
        if decoded == text:
            break
        text = decoded
    return text


def _without_html(text: str) -> str:
    kept: list[str] = []
    position = 0
    while (start := text.find("<!--", position)) >= 0:
        kept.append(text[position:start])
        end = text.find("-->", start)
        position = start + 4 if end < 0 else end + 3
        if end < 0:
            break
    kept.append(text[position:])
    return _TAG.sub(" ", _COMMENT_END.sub(" ", " ".join(kept)))


def _composed(text: str) -> str:
    composed = unicodedata.normalize("NFC", _visible(text))
    return _visible(composed)  # some marks compose to more marks


def _visible(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    kept: list[str] = []
    marks = 0
    for char in text:
        category = unicodedata.category(char)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if char.isspace():
            kept.append(" ")
        elif marks <= _MAX_MARKS and not _dropped(char, category):
            kept.append(char)
    return "".join(kept)


def _dropped(char: str, category: str) -> bool:
    return category in {"Cc", "Cf", "Cs", "Co"} or char in _INVISIBLE


def _harmless(line: str) -> str:
    line = _LONG.sub(lambda run: _shortened(run[0]), line)
    for pattern, instead in _DEFUSED:
        line = pattern.sub(instead, line)
    return line


def _shortened(run: str) -> str:
    """A run without blanks: as it is, cut (Latin), or with blanks put in (scripts without)."""
    if len(run) + sum(map(run.count, _WIDENED)) <= _MAX_WIDTH:
        return run
    if run.isascii():
        return run[: _LONG_RUN - 8] + ELLIPSIS
    return " ".join(_PIECE.findall(run))


def _escaped(word: str, *, first: bool) -> str:
    broken = _LIVE_SIGIL.sub(rf"\g<0>{ZERO_WIDTH}", word)
    broken = _LIVE_LEFT.sub(rf"\g<0>{ZERO_WIDTH}", broken)
    broken = _LIVE_COLON.sub(f"{ZERO_WIDTH}:", broken)
    broken = _NAMED_REFERENCE.sub(rf"\g<0>{ZERO_WIDTH}", broken)
    escaped = _SPECIAL.sub(r"\\\g<0>", broken)
    return _escaped_start(escaped) if first else escaped


def _escaped_start(word: str) -> str:
    if word[0] in "-+=/":
        return "\\" + word
    if number := _LIST_NUMBER.match(word):
        return f"{number[0]}\\{word[number.end() :]}"
    if _BOT_COMMAND.match(word):
        return f"&#{ord(word[0])};{word[1:]}"
    return word


def _cut(line: list[str], word: str, room: int) -> str:
    """The line so far and, where a whole word would waste much room, the head of the next."""
    room -= len(ELLIPSIS) + bool(line)
    if not line or len(word) > _LONG_RUN // 2:
        while word and len(_escaped(word, first=not line)) > room:
            word = word[:-1]
        if word:
            line = [*line, _escaped(word, first=not line)]
    cut = " ".join(line).rstrip(f":,;{ZERO_WIDTH}")  # "https:…" would be a link
    return cut + ELLIPSIS if cut else ""
