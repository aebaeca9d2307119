"""Secrets that stand beside or below their names, such as `password: x`, in every notation."""

from __future__ import annotations

from bot.core.text.redaction import harmless
from bot.core.text.redaction.row import Row, build_row
from bot.core.text.redaction.words import (
    FOREIGN_PASSWORD_WORDS,
    FOREIGN_TOKEN_WORDS,
    KEY_WORDS,
    OTHER_SCRIPT_PASSWORD_WORDS,
    PASSWORD_WORDS,
    SECRET_WORDS,
    TOKEN_WORDS,
    WEAK_PASSWORD_WORDS,
    compile_keys,
    compile_words,
    list_literals,
)

# Suffixes after which a name still names a secret: API_KEY_2, secret_key_base, passwordConfirm.
_END = (
    r"(?:[_.-]?(?i:access|key|value|base|hash|prod|dev|test|live|string|confirm|data|v?\d{1,3}))"
    r"{0,3}s?"
)
_CLOSING = r"(?:</[a-z0-9]{1,10}>){0,2}"
# Separators of a name and its value in prose, Markdown, env files, JSON, YAML, code and XML; `call`
# are those of arguments, columns and elements, where many other things stand.
_IS = (
    rf"(?:(?:[\"'`]\]|%22|&quot;|[\\\"'`*_]{{0,4}}){_CLOSING}[ \t]{{0,8}}"
    r"(?::[ \t]?(?:[a-z]{3,12}[ \t]?|&?[A-Za-z][\w.<>?]{1,30}[ \t])=(?!=)|:=|=>|=(?!=)|%3[aAdD]"
    r"|[:：](?!:))[*_]{0,2}[ \t]{0,8}[*_]{0,2}(?:(?:!![a-z]+|!vault|&\w{1,30})[ \t]{1,4})?"
    rf"{_CLOSING}[ \t]{{0,8}}(?:<[a-z]{{1,10}}>){{0,2}}"
    r"|(?P<verb>[ \t]+(?:is|was|ist|lautet|es|est|é|är|jest|(?:(?:is|was)[ \t]+)?set[ \t]+to|->|→)"
    r"[ \t]*:?[ \t]+|[是为為は은는][ \t]*[「『“]?)"
    r"|>\s{0,20}(?:<!\[CDATA\[)?(?=[^<>\s]{4,200}+(?:>\s{0,20}|\s{0,20})</)"
    r"|[\"'`]?,?\s{0,20}[\"']?value[\"']?[ \t]?[:=][ \t]?"
    r"|(?P<call>\(\s{0,20}(?=[brfu]{0,2}\\?[\"'`])|\\?[\"'`][ \t]{0,4},\s{0,20}(?=\\?[\"'`])"
    r"|[\"']>(?=[^<>\s]{4,200}+</)))"
)
_VALUE = (
    r"(?:[bfru]{0,2}(?P<quote>\\?[\"'`]|%22|&quot;|&#3[49];))?+"
    r"(?P<value>(?(quote)(?![),;+\s\]}])(?:(?!(?P=quote)).)++|[^\s\"'`<>;&]{3,}(?<![.,)\]}:])))"
)
# The end of a name, the ends of lines, quotes or a code fence, and a value alone on its line.
_BELOW = (
    r"[ \t]{0,4}(?:[(（][^()（）\n]{1,40}[)）][ \t]{0,4})?[\"'`*_#:：?.]{0,6}"
    rf"{_CLOSING}[ \t]{{0,8}}\r?\n"
    r"(?:[ \t>]{0,8}[-=]{3,80}[ \t]{0,8}\r?\n)?(?:[ \t>]{0,8}\r?\n){0,3}"
    r"(?:[ \t>]{0,8}(?:`{3,5}|~{3,5})[\w-]{0,20}[ \t]{0,4}\r?\n)?[ \t>]{0,12}(?:[-*+][ \t]{1,4})?"
    r"[\"'`*_]{0,3}(?P<below>[^\s\"'`|<>]{4,300}+(?<![\"'`*:]))[\"'`*_]{0,3}[,;]?[ \t]{0,8}"
    r"(?=\r?\n|\Z)"
)
# A YAML block scalar: the lines with at least the indent of its first one.
_BLOCK = (
    r"[\"']?[ \t]{0,4}:[ \t]{1,4}(?:(?:!![a-z]+|!vault|&\w{1,30})[ \t]{1,4})?[|>][-+\d]{0,2}"
    r"[ \t]{0,8}(?:\#[^\n]{0,80})?\r?\n"
    r"(?P<indent>[ \t]{1,40}+)(?P<block>[^\s][^\r\n]{0,2000}"
    r"(?:\r?\n(?P=indent)[^\r\n]{0,2000}){0,80})"
)
# Cells of a Markdown or HTML table, or terms of a list: the name's and the value's.
_CELL = (
    r"[\"'`*_]{0,4}(?:[ \t]{0,40}\|[ \t]{0,40}[\"'`*_]{0,4}(?P<cell>[^\s|\"'`]{4,300}+)"
    r"[\"'`*_]{0,4}[ \t]{0,40}(?:\||\r?\n|\Z)"
    r"|[ \t:]{0,4}(?:</[a-z]{1,8}>\s{0,20}){1,3}(?:<[a-z]{1,8}(?:\s[^<>]{0,200})?>\s{0,20}){1,3}"
    r"(?P<element>[^\s<>]{4,300}+)[ \t]{0,8}</)"
)

# Names by the first letters of their patterns, so that each search starts with few of them.
_PASSWORDS = tuple(
    (compile_words(words), list_literals(words))
    for words in (PASSWORD_WORDS, FOREIGN_PASSWORD_WORDS, OTHER_SCRIPT_PASSWORD_WORDS)
)
_TOKENS = (
    (compile_words(SECRET_WORDS), SECRET_WORDS),
    (
        rf"(?:{compile_words(TOKEN_WORDS)})(?<!(?i:publickeytoken))(?<!(?i:public_key_token))",
        list_literals(TOKEN_WORDS),
    ),
    (compile_keys(KEY_WORDS), ("key",)),
    (r"_(?i:auth)", ("_auth",)),
    (compile_words(FOREIGN_TOKEN_WORDS), list_literals(FOREIGN_TOKEN_WORDS)),
)
# A value beside a name without a separator: only one that looks generated.
_LOOSE = (
    r"(?:[ \t](?:for|of|für|von|de|para|pour)[ \t][^\n:=]{1,40}?"
    r"(?:[:=]|[ ](?:is|ist|es|est)(?=[ ])))?"
    r"[ \t]{1,4}(?:[-–—][ \t]{1,4})?[\"'`(「]{0,2}(?P<loose>[^\s\"'`()<>「」]{8,200}+)"
)
_WEAK = compile_words(WEAK_PASSWORD_WORDS, is_whole=True)
_ANYWHERE = rf"{_END}(?:{_BLOCK}|{_IS}{_VALUE}|{_BELOW}|{_CELL}|{_LOOSE})"

ROWS: tuple[Row, ...] = (
    *(
        build_row("password", literals, rf"(?:{names}){_ANYWHERE}", harmless.is_no_password)
        for names, literals in _PASSWORDS
    ),
    build_row(
        "password",
        list_literals(WEAK_PASSWORD_WORDS),
        rf"(?:{_WEAK}){_IS}{_VALUE}",
        harmless.is_word_or_number,
    ),
    *(
        build_row("token", literals, rf"(?:{names}){_ANYWHERE}", harmless.is_no_token)
        for names, literals in _TOKENS
    ),
)


def _compile_column(names: tuple[tuple[str, tuple[str, ...]], ...], *others: str) -> str:
    patterns = "|".join([*(pattern for pattern, _ in names), *others])
    return rf"(?:[\w -]{{0,30}}[ _-])?(?:{patterns}){_END}"


# Names of columns whose cells are secrets: of passwords, of tokens.
COLUMN_NAMES = (
    ("password", _compile_column(_PASSWORDS, "(?i:pass)")),
    ("token", _compile_column(_TOKENS)),
)
COLUMN_LITERALS = tuple(
    literal for _, literals in (*_PASSWORDS, *_TOKENS) for literal in (*literals, "pass")
)
