"""The fallback summary: the issue's own first meaningful sentence, as plain text."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from bot.core.text.condense import Line, classify_lines
from bot.core.text.sanitize import ELLIPSIS, to_one_line

_MAX_PARAGRAPHS = 60
_MIN_WORDS = 4
_MIN_UNSPACED = 6  # letters of a script without blanks between words
_MAX_KEY_WORDS = 5
_MAX_VALUE_WORDS = 4

# Headings of sections about the environment, the steps or the rules of the repository.
_SKIPPED_SECTION = re.compile(
    r"(?i)\b(?:environment|versions?|system info(?:rmation)?|platform|setup|logs?"
    r"|config(?:uration)?|relevant log output|stack ?trace|traceback|output"
    r"|check ?list|before (?:you|opening|submit)|prerequisites?|pre-?flight"
    r"|code of conduct|acknowledg\w+|hardware|browsers?|os|device"
    r"|operating system|reproduction(?: link)?|link to|source code|desktop|smartphone"
    r"|installed from|what (?:browser|version|operating)|which version|issue type|custom code"
    r"|website or app|steps|how to reproduce|to reproduce|repro steps?|expected"
    r"|alternatives?|additional context|how often)\b"
)
_NOT_PROSE = re.compile(
    r"\s*(?:\||[-=_*~+#.]{3,}\s*$|\$ |>>> |\.\.\. |at \S+[(:]|File \"|Traceback |Caused by"
    r"|\[?\d{2,4}[-/:.]\d{2}[-/:.]|\[?(?:INFO|WARN|WARNING|ERROR|DEBUG|FATAL|TRACE)\b[\]:]|\d+ms\b"
    r"|(?:sudo|npm|npx|yarn|pip|pip3|git|docker|curl|cargo|go|make|brew|apt) [a-z-]+ ?\S*$"
    r"|https?://\S+\s*$|User-Agent:|Build Identifier:|\[… )"
)
_BOILERPLATE = re.compile(
    r"(?i)\b(?:a clear and concise|if applicable|add any other context|please (?:provide|describe"
    r"|make sure|include|fill|note that|check|search|read|complete|use this)|i have (?:searched"
    r"|read|checked|verified|tried searching)|i(?:'ve| have) already|i am on the|no similar"
    r"|thanks? (?:you )?for (?:taking|reporting|filing|opening|your)|click to expand|see above"
    r"|as above|no response|not applicable|do you want to (?:request|report)|in this repository"
    r"|as per our|your (?:bug|issue) will (?:get|be)|(?:short|brief) description|happy to make a"
    r"|is your feature request related|have you (?:read|searched|checked|reproduced)"
    r"|originally posted (?:by|in)|created from|moved from|transferred from|copied from"
    r"|github (?:issue )?tracker|existing issues?|issue tracker|same issue exists)\b"
)
_CODE = re.compile(
    r"\s*(?:.*[;{}]\s*$|#\s*(?:include|define|ifn?def|pragma)\b|(?:import|using|package) [\w.*]+$"
    r"|from \S+ import |@?[\w.]+\(.*\):?\s*$|[\w.\[\]]+\s*[-+*/|&]?=\s*\S|</?\w[^<>]*>\s*$"
    r"|(?:def|class|fn|func|function|for|while)\b.*[:){]\s*$|(?:if|for|while|switch)\s*\("
    r"|(?:public|private|protected|static|final|const|let|var|void)\s+\w+\s*[\w<\[]*\s*[=({:]"
    r"|(?:SELECT|INSERT|UPDATE|DELETE|CREATE)\s+\w+.*\b(?:FROM|INTO|SET|TABLE)\b)"
)
_GREETING = re.compile(
    r"(?i)(?:(?:hi|hello|hey|dear|greetings|good (?:morning|evening|day|afternoon))(?:[ ,]+(?:there"
    r"|all|everyone|everybody|guys|folks|team|devs?|developers|maintainers?|community|@\S+))*"
    r"|(?:many )?thanks|thank you|first of all|sorry[^,.!]{0,40}|tl;?dr)\s*[,.!:\-–…]+\s*"
)
_FIELD_NAME = re.compile(
    r"(?i)(?:describe the (?:bug|issue|problem)|description|summary|problem|issue|bug|question"
    r"|what happened|what is the (?:current|actual) behaviou?r|(?:current|actual|expected)"
    r" (?:behaviou?r|results?)|details|overview|feature(?: request)?|proposal|motivation|steps"
    r"|steps to reproduce|context|background|title|repro(?:duction)?|user story)\s*[?:：\-–]+\s*"
)
_KEY_VALUE = re.compile(r"([^:：=]{2,50})(?:[:：](?:\s|$)|=)\s*(\S.*)?")
_EMPHASIS = re.compile(r"(?<![\w`])(\*{1,3}|_{1,3})(?=\S)([^*_\n]{1,200}?)(?<=\S)\1(?![\w`])")
_MARKS = re.compile(r"\[image\]|`+|~~|\*\*")
_LINK = re.compile(r"!?\[([^\[\]]{0,300})\]\([^()\s]{1,2000}[^()]{0,200}\)")
_BULLET = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)])\s+")
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"')\]]*\s+|(?<=[。！？])")
_ABBREVIATION = re.compile(r"(?i)(?:^|[\s(])(?:e\.g|i\.e|etc|vs|cf|approx|no|fig|mr|mrs|dr|inc)\.$")
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
)
_URL = re.compile(r"https?://\S+")
_LETTERS = re.compile(r"[^\W\d_]{2,}")


def extract_summary(title: str, body: str, max_chars: int = 150) -> str:
    """Return a sentence of the body, else the title, in at most `max_chars`; not escaped."""
    for paragraph in itertools.islice(_split_paragraphs(body), _MAX_PARAGRAPHS):
        for sentence in _split_sentences(paragraph):
            if _is_meaningful(sentence):
                return _shorten(sentence.rstrip(" :：,"), max_chars)
    return _shorten(to_one_line(title), max_chars)


def _split_paragraphs(body: str) -> Iterator[str]:
    block: list[str] = []
    for line in itertools.chain(_select_prose(classify_lines(body)), [""]):
        if block and (not line or _BULLET.match(line)):
            yield to_one_line(" ".join(block))
            block = []
        if line:
            block.append(_BULLET.sub("", line))


def _select_prose(body: Iterator[Line]) -> Iterator[str]:
    """Yield lines that may be part of a sentence, and "" where a paragraph ends."""
    skipping = False
    for kind, line in body:
        if kind == "heading":
            skipping = bool(_SKIPPED_SECTION.search(line))
        clean = _MARKS.sub("", _EMPHASIS.sub(r"\2", _LINK.sub(r"\1", line))).strip()
        yield clean if kind == "prose" and not skipping and _is_prose(clean) else ""


def _is_prose(line: str) -> bool:
    text = _BULLET.sub("", line)
    if _NOT_PROSE.match(line) or _CODE.match(line):
        return False
    return bool(_FIELD_NAME.match(text)) or not _is_key_value(text)


def _split_sentences(paragraph: str) -> Iterator[str]:
    start = 0
    for end in _SENTENCE_END.finditer(paragraph):
        sentence = paragraph[start : end.start()]
        if not _ABBREVIATION.search(sentence[-12:]):
            yield _strip_lead(sentence)
            start = end.end()
    yield _strip_lead(paragraph[start:])


def _strip_lead(sentence: str) -> str:
    """Return the sentence without a greeting or the name of a template's field before it."""
    for lead in (_GREETING, _FIELD_NAME):
        sentence = lead.sub("", sentence.strip(), count=1) if lead.match(sentence) else sentence
    return sentence.strip().lstrip(")]}.,;:!?–—•- ")


def _is_meaningful(sentence: str) -> bool:
    if _BOILERPLATE.search(sentence) or _NOT_PROSE.match(sentence) or _is_key_value(sentence):
        return False
    text = _URL.sub("", sentence)
    words = len(_LETTERS.findall(text))
    unspaced = len(_UNSPACED.findall(text))
    letters = sum(map(str.isalpha, text))
    return (words >= _MIN_WORDS or unspaced >= _MIN_UNSPACED) and letters * 2 >= len(text)


def _is_key_value(sentence: str) -> bool:
    """Return whether this is a short name with a short value, such as `OS: Ubuntu 22.04`."""
    pair = _KEY_VALUE.fullmatch(sentence.strip())
    if not pair or _UNSPACED.search(sentence):
        return False
    key, value = pair[1].split(), (pair[2] or "").split()
    return len(key) <= _MAX_KEY_WORDS and len(value) <= _MAX_VALUE_WORDS


def _shorten(text: str, max_chars: int) -> str:
    if len(text) <= max_chars:
        return text
    head = text[: max_chars - len(ELLIPSIS)]
    words = head.rpartition(" ")[0]
    kept = words if len(words) * 2 > len(head) else head
    return kept.rstrip(" ,;:–-") + ELLIPSIS
