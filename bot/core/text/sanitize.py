"""Makes untrusted text safe to post: one line, no markup, no mentions, links or bot commands."""

from __future__ import annotations

import html
import re
import unicodedata
from itertools import pairwise

ELLIPSIS = "…"
ZERO_WIDTH = "\u200b"
HIDDEN_BREAK = "&#x200B;"  # the same character, written so that no raw text has it within a word

_DECODE_ROUNDS = 4
_MAX_MARKS = 2  # on a letter
_MAX_SCRIPT_MARKS = 5  # of a script whose letters are written with several
_MAX_RUN = 48  # characters without a blank
_MAX_WIDTH = 96  # with zero-width characters; the forges' pages scroll sideways beyond
_MAX_HASH = 6  # the forges link seven hex digits and more
_BREAK = "\ue000"  # stands for a hidden break until the text is escaped; never in a visible text
_WIDENED = "@#!~%&$::>"  # escaping adds a zero-width character for each, two for a colon

# All but most letters and punctuation, which are visible and no marks.
_NOT_PLAIN = re.compile(
    "[^ -~\u00a1-\u00ac\u00ae-\u02ff\u0370-\u0482\u048a-\u0530\u2010-\u2027\u3001-\u3029"
    "\u3041-\u3098\u309b-\u3163\u3400-\u9fff\uac00-\ud7a3]+"
)
# Removed although their categories are visible: fillers, variation selectors, tag characters.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufffb"
    "\U000e0000-\U000e0fff]"
)
# Formatting elements are always removed, others only with attributes: a bare `<button>` is a word.
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
_HIDDEN = {"Cc", "Cf", "Cs", "Co"}  # Unicode categories
# A joiner between such letters, or between parts of an emoji, carries meaning.
_JOINING = re.compile("[\u0600-\u0dff\u0f00-\u109f\u1780-\u18aa\ufb50-\ufdff\ufe70-\ufefc]")
_NONJOINER, _JOINER = "\u200c", "\u200d"
_DIACRITIC = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_TAG = re.compile(
    rf"(?i)</?(?:{'|'.join(_FORMATTING.split())})(?=[\s/>])[^<>]*>"
    rf"|<(?:{'|'.join(_ELEMENTS.split())})\s[^<>]*>"
)
_COMMENT = re.compile(r"<!(?=--).*?-->", re.DOTALL)
_COMMENT_END = re.compile(r"<!--|--!?>")
_LONG_RUN = re.compile(rf"\S{{{_MAX_RUN + 1},}}")
_PART = re.compile(rf".{{12,{_MAX_RUN - 1}}}?[。！？，、；：]|.{{1,{_MAX_RUN}}}")

# References without a sign, from GitHub's "Autolinked references" and GitLab's "GitLab-specific
# references", and what makes them text: addresses without a scheme, GH-1 and GL-1, advisories and
# the keys of external trackers (but not names such as UTF-8), commit hashes of 7 digits and more.
_AUTOLINKS = (
    (re.compile(r"(?i)(?<![^\W_])www\."), ""),
    (re.compile(r"(?i)(?<![a-z0-9_])(g[hl]|ghsa)-(?=[a-z0-9])"), rf"\1-{_BREAK}"),
    (
        re.compile(
            r"(?<![A-Za-z0-9_])(?!(?:UTF|ISO|IEC|SHA|RFC|CVE|HTTP|TLS)-)([A-Z][A-Z0-9_]{1,30})-(?=\d)"
        ),
        rf"\1-{_BREAK}",
    ),
    (re.compile(rf"([0-9a-fA-F]{{{_MAX_HASH}}})[0-9a-fA-F]{{34,}}"), rf"\1{ELLIPSIS}"),
)
_HASH = re.compile(rf"(?<![A-Za-z0-9_])[0-9a-fA-F]{{{_MAX_HASH + 1},40}}+(?![A-Za-z0-9_])")
_HASH_PART = re.compile(rf"[0-9a-fA-F]{{{_MAX_HASH}}}(?!$)")
# What a zero-width character breaks after, in this order: references such as @name and #1;
# `://x` and `group/project>`, which GitLab links, and emoji codes; colons; `[issue: 1]`.
_BREAKS = (
    (re.compile(r"""[#!~%&](?=[\w"'\[#])|[@$](?=\S)"""), rf"\g<0>{ZERO_WIDTH}"),
    (re.compile(r":(?=//|[\w+\-]+:)|/(?=[\w.\-]+>)"), rf"\g<0>{ZERO_WIDTH}"),
    (re.compile(r"(?<=[\w+.\-]):(?=\S)"), f"{ZERO_WIDTH}:"),
    (re.compile(r"\[\w+(?=:$)"), rf"\g<0>{ZERO_WIDTH}"),
)
_SPECIAL = re.compile(r"[\\`*_\[\]<>|~$&#!]")
_LIST_NUMBER = re.compile(r"\d{1,9}(?=[.)])")
_BOT_COMMAND = re.compile(
    r"(?i)(?:bors|homu|prow|mergify|mergifyio|dependabot|renovate|coderabbit|coderabbitai|rustbot"
    r"|jenkins|retest|recheck|r\?)(?!\w)"
)


def to_one_line(text: str, max_chars: int = 4000) -> str:
    """Return at most `max_chars` characters of `text` as one line without HTML, not escaped."""
    text = _decode_entities(_drop_invisible(text[:max_chars]))
    return " ".join(_normalize(_drop_html(text)).split())


def to_plain_markdown(text: str, max_chars: int = 600, max_words: int = 60) -> str:
    """Return `text` as one line of Markdown that both forges render as plain text.

    The limits apply to the escaped line; a longer one ends after a word with an ellipsis.
    """
    line = _break_references(_shorten_runs(to_one_line(text)))
    words = line.split()
    kept: list[str] = []
    free = max_chars
    for number, word in enumerate(words):
        escaped = _escape(word, is_first=not kept)
        is_last = number == len(words) - 1
        needed = len(escaped) + bool(kept) + (0 if is_last else len(ELLIPSIS))
        if number >= max_words or needed > free:
            return _cut(kept, word if number < max_words else "", free)
        kept.append(escaped)
        free -= len(escaped) + (len(kept) > 1)
    return " ".join(kept)


def to_code_span(text: str, max_chars: int = 255) -> str:
    """Return `text` as one inline code span, "" where nothing of it is visible."""
    line = " ".join(_normalize(text[:max_chars]).split()).replace("<!--", f"<!{ZERO_WIDTH}--")
    line = line.replace("tagline:v", f"tagline:{ZERO_WIDTH}v")  # the start of the bot's marker
    line = _shorten_runs(line)
    if not line:
        return ""
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{pad}{line}{pad}{ticks}"


def _decode_entities(text: str) -> str:
    for _ in range(_DECODE_ROUNDS):
        text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    return text


def _drop_html(text: str) -> str:
    # A comment that is not closed has no match, and each would be searched to the end.
    closed, end, rest = text.rpartition("-->")
    text = _COMMENT.sub(" ", closed + end) + rest
    return _TAG.sub(" ", _COMMENT_END.sub(" ", text))


def _normalize(text: str) -> str:
    composed = unicodedata.normalize("NFC", _drop_invisible(text))
    return _drop_invisible(composed)  # some marks compose to more marks


def _drop_invisible(text: str) -> str:
    """Return the text without invisible characters and with few combining marks in a row."""
    return _NOT_PLAIN.sub(_drop_invisible_of_run, text)


def _drop_invisible_of_run(run: re.Match[str]) -> str:
    start, end = run.span()
    before, after = run.string[max(start - 1, 0) : start], run.string[end : end + 1]
    kept, marks = [before], 0
    for char, following in pairwise(run[0] + (after or "\0")):
        category = unicodedata.category(char)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        limit = _MAX_MARKS if _DIACRITIC.match(char) else _MAX_SCRIPT_MARKS
        if char.isspace():
            kept.append(" ")
        elif char in (_JOINER, _NONJOINER):
            kept.append(char if _joins(kept[-1:], char, following) else "")
        elif marks <= limit and category not in _HIDDEN and not _INVISIBLE.match(char):
            kept.append(char)
    return "".join(kept[1:])


def _joins(before: list[str], joiner: str, after: str) -> bool:
    """Return whether a joiner stands between letters that it joins, or inside an emoji."""
    if not before or not before[0]:
        return False
    if _JOINING.match(before[0]) and _JOINING.match(after):
        return True
    categories = {unicodedata.category(before[0]), unicodedata.category(after)}
    return joiner == _JOINER and categories <= {"So", "Sk"}


def _break_references(line: str) -> str:
    for pattern, replacement in _AUTOLINKS:
        line = pattern.sub(replacement, line)
    return _HASH.sub(lambda commit: _HASH_PART.sub(rf"\g<0>{_BREAK}", commit[0]), line)


def _shorten_runs(line: str) -> str:
    return _LONG_RUN.sub(lambda run: _shorten_run(run[0]), line)


def _shorten_run(run: str) -> str:
    """Return a run without blanks unchanged, cut (Latin) or divided (scripts without blanks)."""
    breaks = _break_references(run).count(_BREAK)
    if len(run) + breaks + sum(map(run.count, _WIDENED)) <= _MAX_WIDTH:
        return run
    if run.isascii():
        return run[: _MAX_RUN - 8] + ELLIPSIS
    return " ".join(_PART.findall(run))


def _escape(word: str, *, is_first: bool) -> str:
    for pattern, replacement in _BREAKS:
        word = pattern.sub(replacement, word)
    escaped = _SPECIAL.sub(r"\\\g<0>", word)
    escaped = _escape_start(escaped) if is_first else escaped
    return escaped.replace(_BREAK, HIDDEN_BREAK)


def _escape_start(word: str) -> str:
    """Return the first word of a line, escaped if it starts a list, heading or bot command."""
    if word[0] in "-+=/":
        return "\\" + word
    if number := _LIST_NUMBER.match(word):
        return f"{number[0]}\\{word[number.end() :]}"
    if _BOT_COMMAND.match(word):
        return f"&#{ord(word[0])};{word[1:]}"
    return word


def _cut(kept: list[str], word: str, free: int) -> str:
    """Return the kept words and, where the next one is long or the first, the start of it."""
    free -= len(ELLIPSIS) + bool(kept)
    if not kept or len(word) > _MAX_RUN // 2:
        while word and len(_escape(word, is_first=not kept)) > free:
            word = word[:-1].rstrip(_BREAK)
        if word:
            kept = [*kept, _escape(word, is_first=not kept)]
    cut = " ".join(kept).rstrip(f":,;{ZERO_WIDTH}")  # "https:…" would be a link
    return cut + ELLIPSIS if cut else ""
