"""Predicates for values that are no secrets, such as placeholders, words and code."""

from __future__ import annotations

import functools
import re

# The groups of a pattern of which one is what a row replaces; without them all of the match is.
VALUE_GROUPS = ("value", "block", "below", "cell", "element", "loose")

# Values that are no secrets: placeholders of examples, type names and words, code expressions.
_PLACEHOLDER = re.compile(
    r"(?i)(?:[a-z]+ )?\[redacted:[a-z-]*\]?(?:\\n)*|\[[a-z .…_-]*\]?|<.*|\W?\{.*|no-\w+|\$[{(].*"
    r"|\$(?-i:[A-Z][A-Z0-9_]*|[a-z_]+)|%[a-z]%?|%\w{3,}%|%\(\w+\)s|!\w+|[x*.…•?#_-]{3,}"
    r"|(?:[a-z]{1,10}[-_]){1,3}(?:[x*.…•?#_-]{3,}\W?)?"
    r"|(?:[a-z]{1,12}[-_]){0,3}(?:your|my|some|the|insert|enter|replace)[-_ ][\w -]*"
    r"|your\w*|\w*(?:placeholder|redacted|hidden|masked|removed|change_?me)\w*"
)
_WORD = re.compile(
    r"(?i)(?:string|str|text|none|null|nil|true|false|yes|no|not|undefined|int|integer|number|bool"
    r"|boolean|any|object|bytes|u?int\d+|float\d+|varchar|char|required|optional|empty"
    r"|unset|unknown|missing|invalid|incorrect|wrong|expired|default|field|input|prompt|secret"
    r"|password|passwd|token|basic|bearer|env|the|include|omit|same-origin|inherit|read|write"
    r"|n/a|base64|utf-?8|sha-?\d{1,3}|md5|oauth ?2?|saml ?2?|x509)[?!]?"
)
_CODE = re.compile(
    r"[A-Za-z_$][\w.$]*[(\[].*|(?:[a-z]\w*\.){2,}.*|[a-z]+=\d{1,5}|new|await|async|function|typeof|return|https?://.*"
    r"|varchar\d*\(.*|(?:[a-z]+[_.])+(?:password|token|secret|key)"
    r"|[a-z]+(?:Password|Token|Secret|Key)"
    r"|(?:~|\.{1,2})?/(?:etc|home|var|usr|opt|tmp|run|root|path|Users|app|srv|mnt|proc|data)/.*"
    r"|/[a-z]{2,12}(?:/[\w.@-]+)*"
    r"|(?:process|os|env|self|this|config|cfg|settings|secrets|request|req|res|resp|response|users?"
    r"|data|args|options|opts|props|params|context|ctx|app|form|event|state|store|vars?|inputs"
    r"|credentials|auth|session|vault|steps|github)(?:\.|\?\.|->|::)[\w.>?:-]*"
)
_HOST = re.compile(r"[ \t>`]*[\w*.-]+")
_MAX_HOST = 200
_DIGIT = re.compile(r"\d")
_NUMBER = re.compile(r"[\d.,:%x/ -]+[a-zA-Z%]{0,2}|0x[0-9a-fA-F]+|[\d.]+e[+-]?\d+")
_FILE_OR_ADDRESS = re.compile(
    r"(?i)(?:https?:|file:|\.{0,2}/|[a-z]:\\).*|[\w./\\-]+\.(?:[cm]?[jt]sx?|py|rb|go|rs|java|kt|cs"
    r"|php|json5?|ya?ml|toml|xml|html?|css|md|txt|log|sh|ps1|pem|crt|cer|key|env|ini|cfg|conf)"
)
# A version, date or name with a number, which a table or the line below a heading may hold.
_NUMBERED_WORD = re.compile(r"(?i)v?\d+(?:\.\w+)+|[a-z]+[-_ ./]?v?\d{1,4}(?:\.\d+)*[.,:)]?")
# Two digits apart between letters of both cases, as in generated values and hardly in names.
_GENERATED = re.compile(
    r"(?=[^a-z]*[a-z])(?=[^A-Z]*[A-Z])[\w+/=!@#$%^&*~-]*[A-Za-z]\d+[A-Za-z]+\d[\w+/=!@#$%^&*~-]*[.,]?"
    r"|(?=(?:[^\d]*\d){4})(?=(?:\d*[a-f]){4})[0-9a-f]{24,}[.,]?"
)
_ASSIGNMENT = re.compile(r"[A-Za-z_.]+[=:]")
_MIXED_LETTERS = re.compile(r"(?=[A-Za-z]*[a-z][A-Z])[A-Za-z]{30,}")
_MIN_TOKEN = 20  # characters; a shorter word without a digit is hardly a token
_MIN_WORD = 6  # of a token without a digit
_MIN_TOKEN_ALONE = 12  # in a table or on its own line
_MIN_DIGITS, _MIN_LETTERS = 3, 4  # of a generated value


def get_value_group(match: re.Match[str]) -> str | int:
    """Return the group of the text that may be a secret."""
    for name in _list_value_groups(match.re.pattern):  # the hash of a `Pattern` takes long
        if match[name] is not None:
            return name
    return 0


@functools.cache
def _list_value_groups(pattern: str) -> tuple[str, ...]:
    return tuple(name for name in VALUE_GROUPS if f"(?P<{name}>" in pattern)


def _get_value(match: re.Match[str]) -> str:
    return match[get_value_group(match)]


def is_placeholder(match: re.Match[str]) -> bool:
    return bool(_PLACEHOLDER.fullmatch(_get_value(match)))


def is_ordinary(match: re.Match[str]) -> bool:
    return _is_ordinary(_get_value(match))


def _is_ordinary(value: str) -> bool:
    return bool(_PLACEHOLDER.fullmatch(value) or _WORD.fullmatch(value) or _CODE.fullmatch(value))


def has_no_digit(match: re.Match[str]) -> bool:
    """Return whether the value is ordinary or has no digit; generated tokens mostly have one."""
    return not _DIGIT.search(_get_value(match)) or is_ordinary(match)


def is_word_or_number(match: re.Match[str]) -> bool:
    return has_no_digit(match) or bool(_NUMBER.fullmatch(_get_value(match)))


def is_not_generated(match: re.Match[str]) -> bool:
    """Return whether the whole match has few digits and no long run of mixed letters.

    A name in front of it that goes on to the left means that its prefix is a part of a word.
    """
    text = match[0]
    if match.start() and (match.string[match.start() - 1].isalnum()):
        return True
    digits = sum(map(str.isdigit, text))
    letters = sum(map(str.isalpha, text))
    is_generated = digits >= _MIN_DIGITS and letters >= _MIN_LETTERS
    return not is_generated and not _MIXED_LETTERS.search(text)


def is_no_password(match: re.Match[str]) -> bool:
    """Return whether a value near a name for passwords is none.

    After a verb or in the arguments of a call also words without a digit are none.
    """
    value = _get_value(match)
    if match["block"]:
        return is_placeholder(match)
    if match["loose"]:
        return not _GENERATED.fullmatch(value)
    if match["value"] is None:
        return is_no_cell(value, is_token=False)
    if match["call"]:
        return is_no_argument(value)
    return has_no_digit(match) if match["verb"] else _is_ordinary(value)


def is_no_token(match: re.Match[str]) -> bool:
    """Return whether the value is ordinary, a number, a phrase, or a short unquoted word."""
    value = _get_value(match)
    if match["cell"] or match["element"] or match["below"]:
        return is_no_cell(value, is_token=True)
    if match["value"] is None or is_no_password(match):
        return is_no_password(match)
    if " " in value or _NUMBER.fullmatch(value):
        return True
    if len(value) < _MIN_WORD and not _DIGIT.search(value):
        return True
    is_assigned = match["quote"] or match.string[match.start("value") - 1] in "=>"
    return not is_assigned and len(value) < _MIN_TOKEN and not _DIGIT.search(value)


def is_not_after_host(match: re.Match[str]) -> bool:
    """Return whether anything but a host stands before the match on its line."""
    before = match.string[max(0, match.start() - _MAX_HOST) : match.start()]
    return not _HOST.fullmatch(before.rpartition("\n")[2]) or is_ordinary(match)


def is_word(match: re.Match[str]) -> bool:
    return is_no_argument(_get_value(match))


def is_no_argument(value: str) -> bool:
    """Return whether a call's argument is a phrase, a word or a file."""
    is_plain = not _DIGIT.search(value) and not re.search(r"[^\w .,:;?()'-]", value)
    return (
        " " in value or is_plain or _is_ordinary(value) or bool(_FILE_OR_ADDRESS.fullmatch(value))
    )


def is_no_cell(value: str, *, is_token: bool) -> bool:
    """Return whether a value that stands alone, below or beside a secret's name, is no secret."""
    return (
        (is_token and len(value) < _MIN_TOKEN_ALONE)
        or not _DIGIT.search(value)
        or bool(_ASSIGNMENT.match(value))
        or value.endswith(":")
        or is_no_argument(value)
        or bool(_NUMBER.fullmatch(value))
        or bool(
            _NUMBERED_WORD.fullmatch(value) and (is_token or value[-1] in ".,:)" or "." in value)
        )
    )
