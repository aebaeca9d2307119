"""Replaces secrets, e-mail addresses and similar text by `[redacted:type]`, from one table.

Each pattern takes linear time: its repeats are bounded, or possessive and started only where no
longer match can start. Most patterns start with a literal or a character class and put lookbehinds
after it, because `re` then searches for these characters directly.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import partial
from typing import Literal, NamedTuple

from bot.core.text.condense import HEAD_CHARS, INVISIBLE, TAIL_CHARS

RedactionKind = Literal["secrets", "emails"]
MatchPredicate = Callable[[re.Match[str]], bool]

# Scanned beyond a cut and then dropped, so that no part of a secret stays at the cut.
_MARGIN = 4_000
# Shorter than what `condense` keeps, so that `condense` cuts nothing more.
_HEAD, _TAIL = HEAD_CHARS - _MARGIN, TAIL_CHARS - _MARGIN
_MAX_PASSES = 3
_CONTEXT_CHARS = 300

# A replacement next to a word: another pass may find a secret there.
_ADJACENT = re.compile(r"\[(?:(?<=\w\w.)redacted:|redacted:[a-z-]{1,30}\][.+-]*+\w)")

# Values that are no secrets: placeholders of examples, type names and words, code expressions.
_PLACEHOLDER = re.compile(
    r"(?i)(?:[a-z]+ )?\[redacted:[a-z-]*\]?(?:\\n)*|\[[a-z .…_-]*\]?|<.*|\{.*|\$[{(].*"
    r"|\$(?-i:[A-Z][A-Z0-9_]*|[a-z_]+)|%[a-z]%?|%\w{3,}%|[x*.…•?#_-]{3,}"
    r"|(?:[a-z]{1,10}[-_]){1,3}[x*.…•?#_-]{3,}"
    r"|(?:[a-z]{1,12}[-_]){0,3}(?:your|my|some|the|insert|enter|replace)[-_ ][\w -]*"
    r"|your\w*|\w*(?:placeholder|redacted|hidden|masked|removed|change_?me)\w*"
)
_WORD = re.compile(
    r"(?i)(?:string|str|text|none|null|nil|true|false|yes|no|not|undefined|int|integer|number|bool"
    r"|boolean|any|object|bytes|u?int\d+|float\d+|required|optional|empty"
    r"|unset|unknown|missing|invalid|incorrect|wrong|expired|default|field|input|prompt|secret"
    r"|password|passwd|token|basic|bearer|env|the)[?!]?"
)
_CODE = re.compile(
    r"[A-Za-z_$][A-Za-z_.$]*[(\[].*|new|await|async|function|typeof|return|https?://.*"
    r"|(?:[a-z]+[_.])+(?:password|token|secret|key)|[a-z]+(?:Password|Token|Secret|Key)"
    r"|(?:~|\.{1,2})?/(?:etc|home|var|usr|opt|tmp|run|root|path|Users|app|srv|mnt|proc|data)/.*"
    r"|(?:process|os|env|self|this|config|cfg|settings|secrets|request|req|res|resp|response|users?"
    r"|data|args|options|opts|props|params|context|ctx|app|form|event|state|store|vars?|inputs"
    r"|credentials|auth|session|vault|steps|github)(?:\.|\?\.|->|::)[\w.>?:-]*"
)
_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_LOCAL = (  # private, loopback, link-local, documentation, benchmark and multicast networks
    r"(?:0|10|127|22[4-9]|2[345]\d)\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\."
    r"|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|192\.0\.[02]\.|198\.(?:1[89]|51\.100)\."
    r"|203\.0\.113\."
)
_PUBLIC = re.compile(rf"(?!{_LOCAL})(?:{_OCTET}\.){{3}}{_OCTET}")
_VERSION_WORDS = (" v", "ver", "ver.", "version", "versions", "release", "releases", "build")
_DIGIT = re.compile(r"\d")
_NUMBER = re.compile(r"[\d.,]+")
_FILENAME = re.compile(
    r"(?i).*\.(?:png|jpe?g|gif|svg|webp|ico|[cm]?[jt]sx?|s?css|html?|json|ya?ml|vue|toml|lock)"
)


class Row(NamedTuple):
    """`pattern` is searched only in texts with one of `literals` (in lower case).

    Its group `value`, or all of the match, is replaced, except where `is_harmless` is true.
    """

    name: str
    literals: tuple[str, ...]
    pattern: re.Pattern[str]
    is_harmless: MatchPredicate


def redact(text: str, kinds: Collection[RedactionKind] = ("secrets", "emails")) -> str:
    """Return the text with `[redacted:type]` for each secret.

    The kind "emails" covers e-mail and IP addresses and phone numbers.
    """
    for _ in range(_MAX_PASSES):
        before, text = text, _redact_once(text, kinds)
        if text == before or not _ADJACENT.search(text):
            break
    return text


def redact_excerpt(
    body: str, kinds: Collection[RedactionKind] = ("secrets", "emails"), missing: int = 0
) -> str:
    """Return the redacted body, or head and tail of a very long one, without parts of secrets.

    `missing` is the number of characters that `bound_body` has already cut from the middle.
    """
    body = INVISIBLE.sub("", body)
    cut = len(body) + missing - _HEAD - _TAIL
    if cut <= 2 * _MARGIN:
        return redact(body, kinds)
    head = redact(body[: _HEAD + _MARGIN], kinds)[:-_MARGIN]
    tail = redact(body[-_TAIL - _MARGIN :], kinds)[_MARGIN:]
    return f"{head}\n[… {cut} characters cut]\n{tail}"


def _redact_once(text: str, kinds: Collection[RedactionKind]) -> str:
    lowered = text.lower()
    for row in _SECRETS * ("secrets" in kinds) + _PERSONAL * ("emails" in kinds):
        if any(map(lowered.__contains__, row.literals)):
            text = row.pattern.sub(partial(_replace, row), text)
    return text


def _replace(row: Row, match: re.Match[str]) -> str:
    if row.is_harmless(match):
        return match[0]
    start, end = match.span(_get_value_group(match))
    before, after = match.string[match.start() : start], match.string[end : match.end()]
    return f"{before}[redacted:{row.name}]{after}"


def _get_value_group(match: re.Match[str]) -> str | int:
    return "value" if "value" in match.re.groupindex else 0


def _is_placeholder(match: re.Match[str]) -> bool:
    return bool(_PLACEHOLDER.fullmatch(match[_get_value_group(match)]))


def _is_ordinary(match: re.Match[str]) -> bool:
    value = match[_get_value_group(match)]
    return any(pattern.fullmatch(value) for pattern in (_PLACEHOLDER, _WORD, _CODE))


def _has_no_digit(match: re.Match[str]) -> bool:
    """Return whether the value is ordinary or has no digit; generated tokens mostly have one."""
    return not _DIGIT.search(match["value"]) or _is_ordinary(match)


def _is_no_password(match: re.Match[str]) -> bool:
    return _has_no_digit(match) if match["verb"] else _is_ordinary(match)


def _is_no_token(match: re.Match[str]) -> bool:
    """Return whether the value is ordinary, a number, a phrase, or a short unquoted word."""
    value = match["value"]
    if " " in value or _NUMBER.fullmatch(value) or _is_no_password(match):
        return True
    is_assigned = match["quote"] or match.string[match.start("value") - 1] in "=>"
    return not is_assigned and len(value) < 20 and not _DIGIT.search(value)


def _is_no_mailbox(match: re.Match[str]) -> bool:
    return match[0].startswith("git@") or bool(_FILENAME.fullmatch(match[0]))


def _is_no_public_address(match: re.Match[str]) -> bool:
    return not _PUBLIC.fullmatch(match[0]) or _is_version(match)


def _is_version(match: re.Match[str]) -> bool:
    """Return whether four numbers are a version: after such a word, in a list, or ending in 0."""
    before = match.string[max(0, match.start() - _CONTEXT_CHARS) : match.start()]
    after = match.string[match.end() : match.end() + 1]
    if after == ":":
        return False
    line = before.rpartition("\n")[2].lower()
    is_listed = line.endswith(", ") and "version" in line
    is_named = before.lower().rstrip(" \t\r\n:=\"'`(*").endswith(_VERSION_WORDS)
    return is_named or is_listed or (after != "/" and match[0].endswith(".0"))


def _build_row(
    name: str, literals: str, pattern: str, is_harmless: MatchPredicate = _is_placeholder
) -> Row:
    return Row(name, tuple(literals.split()), re.compile(pattern), is_harmless)


_PASSWORD = (
    r"(?:[pP](?i:assw(?:or)?[dt]|assphrase|wd)|[kK](?i:ennwort)|[cC](?i:ontrase[nñ]a)|[sS](?i:enha)"
    r"|[mM](?i:ot de passe)|[пП](?i:ароль)|密码)"
)
_TOKEN = (
    r"(?:[sS](?i:ecret|ession[_-]?(?:id|key)|essid|igning[_ -]?key)"
    r"|[tT](?i:oken)(?<!(?i:publickeytoken))"
    r"|[aA](?i:(?:pi|pp|ccess|ccount|uth)[_ -]?key|uthorization)|_(?i:auth)"
    r"|[pP](?i:rivate[_ -]?key)|[cC](?i:redentials?)|[eE](?i:ncryption[_ -]?key)"
    r"|[lLmM](?i:icense|aster)[_ -]?(?i:key))"
)
# Suffixes after which a name still names a secret: API_KEY_2, secret_key_base, passwordConfirm.
_END = (
    r"(?:[_.-]?(?i:access|key|value|base|hash|prod|dev|test|live|string|confirm|v?\d{1,3})){0,3}s?"
)
# Separators of a name and its value in prose, Markdown, env files, JSON, YAML, code and XML.
_IS = (
    r"(?:(?:[\"'`]\]|[\\\"'`*_]{0,4})[ \t]{0,8}"
    r"(?::[ \t]?[a-z]{3,12}[ \t]?=(?!=)|:=|=>|=(?!=)|[:：](?!:))[*_]{0,2}[ \t]{0,8}[*_]{0,2}"
    r"|(?P<verb>[ \t]+(?:is|was|ist)[ \t]*:?[ \t]+)|>(?=[^<>\s]{4,200}+</)"
    r"|[\"'`]?,?\s{1,20}[\"']?value[\"']?[ \t]?[:=][ \t]?)"
)
_VALUE = (
    r"(?:[bfru]{0,2}(?P<quote>\\?[\"'`]))?+"
    r"(?P<value>(?(quote)(?![),;+\s\]}])(?:(?!(?P=quote)).)++|[^\s\"'`<>;&]{3,}(?<![.,)\]}:])))"
)
_SCHEME = r"[aA](?i:uthorization)[\\\"'`]{0,3}[ \t]{0,8}[:=][ \t]{0,8}[\\\"'`]{0,3}"

_SECRETS = (
    _build_row(
        "private-key",
        "private",
        r"-----BEGIN[ A-Z0-9]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:[^-]*+(?:-(?!----)[^-]*+)*+-----END[ A-Z0-9]{0,40}(?:-----)?"
        r"|(?:[\s>|\"'+,\\]*+[A-Za-z0-9+/=]{16,}+)*+(?:\s+[A-Za-z0-9+/]{1,15}={1,2})?)",
    ),
    _build_row(
        "aws-secret",
        "akia asia",
        r"(?:AKIA|ASIA)[A-Z0-9]{12,20}+[\s\"',:/|]{1,20}+(?P<value>[A-Za-z0-9/+]{40})(?![\w/+=])",
    ),
    _build_row(
        "aws-key",
        "akia asia abia acca aroa aida",
        r"A(?:KI|SI|BI|CC|RO|ID)A(?<![A-Za-z0-9]....)[A-Z0-9]{12,}",
    ),
    _build_row(
        "github-token", "gh", r"gh[oprsu]_(?:\d{1,20}_eyJ[\w.-]{16,}(?<!\.)|[A-Za-z0-9]{16,})"
    ),
    _build_row("github-token", "github_pat_", r"github_pat_\w{20,}"),
    _build_row(
        "gitlab-token",
        "gl gr1348941",
        r"(?:gl(?<![A-Za-z0-9]gl)(?:pat|ptt|dt|rt|rtr|cbt|ft|imt|agent|oas|soat|ffct)-|GR1348941)"
        r"[\w.-]{16,}(?<!\.)",
    ),
    _build_row("npm-token", "npm_", r"npm_[A-Za-z0-9]{24,}"),
    _build_row("pypi-token", "pypi-age", r"pypi-AgE[\w-]{16,}"),
    _build_row("slack-token", "xox xapp-", r"(?:xox[a-z]|xapp)(?:\.xox[a-z])?-[\w-]{10,}"),
    _build_row("stripe-key", "k_live_ k_test_", r"[prs]k_(?:live|test)_[A-Za-z0-9]{10,}"),
    _build_row("webhook-secret", "whsec_", r"whsec_[\w+/=-]{16,}"),
    _build_row("anthropic-key", "sk-ant-", r"sk-ant-[\w-]{12,}"),
    _build_row("openai-key", "sk-", r"sk-(?<![\w-]sk-)(?=[A-Za-z_-]{0,30}+\d)[\w-]{16,}"),
    _build_row("google-key", "aiza", r"AIza[\w-]{30,}"),
    _build_row(
        "google-token", "ya29. gocspx- 1//0", r"ya29\.[\w-]{16,}|GOCSPX-[\w-]{16,}|1//0[\w-]{24,}"
    ),
    _build_row("azure-secret", "q~", r"\dQ~[\w.~-]{28,}"),
    _build_row("twilio-key", "sk ac", r"(?:SK|AC)(?<!\w..)[0-9a-f]{32}(?!\w)"),
    _build_row("sendgrid-key", "sg.", r"SG\.(?<![A-Za-z0-9]...)[\w-]{16,}+\.[\w-]{16,}"),
    _build_row("telegram-token", ":aa", r"[0-9](?<!\d.)\d{7,9}+:AA[\w-]{30,}"),
    _build_row("discord-token", ".", r"[MNO](?<![\w.-].)[\w-]{22,27}+\.[\w-]{6}\.[\w-]{27,}"),
    _build_row("mailgun-key", "key-", r"key-(?<!\w....)[0-9a-f]{32}(?!\w)"),
    _build_row("mailchimp-key", "-us", r"[0-9a-f](?<!\w.)[0-9a-f]{31}-us\d{1,2}(?!\w)"),
    _build_row("square-token", "sq0 eaaa", r"sq0[a-z]{3}-[\w-]{22,}|EAAA(?<![\w+/]....)[\w-]{60,}"),
    _build_row("shopify-token", "shp", r"shp(?:at|ca|pa|ss|tka)_[0-9a-fA-F]{24,}"),
    _build_row("digitalocean-token", "_v1_", r"do[opr]_v1_[0-9a-f]{32,}"),
    _build_row("heroku-key", "hrku-", r"HRKU-[\w-]{30,}"),
    _build_row("atlassian-token", "atatt3 atctt3 atbb", r"(?:ATATT3|ATCTT3|ATBB)[\w=+/-]{20,}"),
    _build_row(
        "api-key",
        "hf_ gsk_ r8_ xai- pplx- nrak- lin_api_ glsa_ glc_ hvs. hvb. figd_ dckr_ rubygems_ sntry"
        " sbp_ pul- tskey- ntn_ pmak- dp. ccipat_ pscale_ age-secret dapi",
        r"(?:h(?<!\w.)f_|g(?<!\w.)sk_|r(?<!\w.)8_|x(?<!\w.)ai-|p(?<!\w.)ul-|pplx-|NRAK-|lin_api_"
        r"|glsa_|glc_|hvs\.|hvb\.|figd_|dckr_[op]at_|rubygems_|sntry[su]_|sbp_|tskey-[a-z]{3,8}-"
        r"|ntn_|PMAK-|dp\.(?:pt|st|ct|sa|scim|audit)\.|CCIPAT_|pscale_[a-z]{2,6}_|AGE-SECRET-KEY-|dapi)"
        r"(?=[A-Za-z_-]{0,30}+\d)[\w.+/=-]{20,}(?<!\.)",
    ),
    _build_row("jwt", "eyj", r"eyJ(?<![\w-]...)[\w-]{8,}+(?:\.[\w=-]++){1,4}"),
    _build_row(
        "webhook-url",
        "hook trigger/",
        r"(?:hooks\.slack(?:-gov)?\.com/[a-z]+/|discord(?:app)?\.com/api/(?:v\d+/)?webhooks/"
        r"|\.office(?:365)?\.com/webhook[a-z0-9]*/|hooks\.zapier\.com/hooks/catch/"
        r"|maker\.ifttt\.com/trigger/|webhook\.site/|/open-apis/bot/v2/hook/"
        r"|/hooks/(?=[a-z0-9]{17,30}+(?:/[a-z0-9]{30}|(?![\w./-]))))(?P<value>[^\s\"'`<>()\[\]]{8,})",
    ),
    _build_row("telegram-token", "telegram", r"api\.telegram\.org/bot(?P<value>\d[\w:-]{16,})"),
    _build_row(
        "url-token",
        "://",
        r"://(?P<value>[\w.~%+-]{16,}+(?::(?:x-oauth-basic|x)?)?)@",
    ),
    _build_row(
        "url-token",
        "=",
        r"[?&;](?i:key|sig|signature|auth|sid|jwt|code|[a-z_-]{0,20}token|x-(?:amz|goog)-[a-z-]+)"
        r"=(?P<value>[\w%.~+/=-]{12,})",
    ),
    _build_row(
        "cookie",
        "cookie",
        r"[cC](?i:ookie2?)(?<!-[cC]ookie)[\"'`]{0,2}[ \t]{0,8}[:=][ \t]{0,8}[\"'`]?"
        r"(?P<value>[\w.$!%-]{1,80}+=[^\r\n\"'`]{3,})",
    ),
    _build_row(
        "cookie",
        "set-cookie",
        r"[sS](?i:et-cookie2?)[\"'`]{0,2}[ \t]{0,8}[:=][ \t]{0,8}[\"'`]?[\w.$!%-]{1,80}+="
        r"(?P<value>[^\s;\"'`]{3,})",
    ),
    _build_row(
        "bearer", "bearer", r"[bB](?i:earer)\s{1,20}+(?P<value>[\w.~+/=-]{8,})", _has_no_digit
    ),
    _build_row(
        "basic-auth",
        "basic",
        r"[bB](?i:asic)[ \t]+(?P<value>[A-Za-z0-9+/]{8,}={0,2})",
        _has_no_digit,
    ),
    _build_row(
        "authorization",
        "authorization",
        _SCHEME + r"(?i:bearer|basic|token|api-?key|negotiate|ntlm)[ \t]+"
        r"(?P<value>[^\s\"'`<>,;]{6,})",
        _is_ordinary,
    ),
    _build_row(
        "authorization",
        "authorization",
        _SCHEME + r"(?i:digest|aws4-hmac-sha256|hmac|signature)[ \t]+(?P<value>[^\r\n`<>]{8,})",
    ),
    _build_row(
        "basic-auth",
        "-u --user --proxy-user",
        r"-(?:u|-user|-proxy-user)[ =]?[\"']?(?P<user>[\w.@+-]{1,100}+):(?!\d|(?P=user)\b)"
        r"(?P<value>[^\s\"']{3,})",
        _is_ordinary,
    ),
    _build_row(
        "docker-auth", '"auth"', r"\"auth\"[ \t]{0,8}:[ \t]{0,8}\"(?P<value>[A-Za-z0-9+/]{12,}=*)"
    ),
    _build_row(
        "password",
        "passw passphrase pwd kennwort contrase passe senha пароль 密码",
        rf"{_PASSWORD}{_END}{_IS}{_VALUE}",
        _is_no_password,
    ),
    _build_row("password", "pass", rf"(?:_PASS|_pass|[Pp](?<!\w.)ass){_IS}{_VALUE}", _has_no_digit),
    _build_row(
        "token",
        "secret token key session sessid auth credential",
        rf"{_TOKEN}{_END}{_IS}{_VALUE}",
        _is_no_token,
    ),
    _build_row(
        "password",
        "--",
        r"--[a-z-]{0,20}(?:password|passwd|passphrase|token|secret|api-?key)[ \t]+[\"']?"
        r"(?P<value>[^\s\"'`<>-][^\s\"'`<>]{3,})",
        _has_no_digit,
    ),
    _build_row("password", "mysql", r"mysql[^\n]{0,30}?[ \t]-p(?P<value>[^\s\"']{4,})"),
    _build_row(
        "url-password",
        "://",
        r"://[^\s/:@\"'`<>\[\]]{0,200}+:(?P<value>[^\s/\"'`<>]{1,200})@(?!sha256:)(?=[\w.\[$-])",
    ),
)
_PERSONAL = (
    _build_row(
        "email",
        "@ %40",
        r"[\w.+-](?<![\w.+-].)[\w.+-]*+(?:@|%40)(?!v?\d+\.\d|\d+x\.)[\w.-]*\.[^\W\d_]{2,24}(?!\w)",
        _is_no_mailbox,
    ),
    _build_row(
        "ip",
        ".",
        r"[0-9](?<![\w.@^~-].)(?<![=<>~!]=.)(?<![\w.-]/.)[0-9]{0,2}+(?:\.[0-9]{1,3}+){3}"
        r"(?!\.?\w|-[A-Za-z]|=)",
        _is_no_public_address,
    ),
    _build_row(
        "ip",
        ":",
        r"[23](?<![\w:.].)(?!001:0?db8:)[0-9a-fA-F]{3}:"
        r"(?=[0-9a-fA-F:]{0,34}::|(?:[0-9a-fA-F]{1,4}:){6})[0-9a-fA-F:]{1,34}(?!\w)",
    ),
    _build_row(
        "phone",
        "+",
        r"\+(?<![\w+./=*)-].)(?!(?:19|20)\d\d-)[1-9](?:[ .()/-]{0,2}\d){8,13}(?!\d)",
    ),
)
