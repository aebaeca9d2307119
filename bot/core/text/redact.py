"""Replaces secrets, e-mail addresses and the like by `[redacted:type]`, from one table of patterns.

Each takes linear time: runs are bounded, or possessive and begun where no run goes on. Most begin
with a letter or a class of them, and look behind it only then: `re` skips to those at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Literal, NamedTuple

from bot.core.text.bounded import HEAD, TAIL
from bot.core.text.condense import UNSEEN

RedactionKind = Literal["secrets", "emails"]
Keeps = Callable[[re.Match[str]], bool]

_EDGE = 4_000  # read beyond a cut and dropped again, so that no half of a secret stays
_HEAD, _TAIL = (
    HEAD - _EDGE,
    TAIL - _EDGE,
)  # less than `condense` reads, so that it makes no cut of its own
_ROUNDS = 3
_REACH = 300

# A replacement may uncover what was glued to it; how often that is looked for bounds the time.
_GLUED = re.compile(r"\[(?:(?<=\w\w.)redacted:|redacted:[a-z-]{1,30}\][.+-]*+\w)")

# What stands where a secret would: an example's stand-in, a type or a word, an expression of code.
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
_FILE_NAME = re.compile(
    r"(?i).*\.(?:png|jpe?g|gif|svg|webp|ico|[cm]?[jt]sx?|s?css|html?|json|ya?ml|vue|toml|lock)"
)


class Row(NamedTuple):
    """`pattern` is tried where a cue occurs; its group `value`, else all of it, is replaced."""

    name: str
    cues: tuple[str, ...]
    pattern: re.Pattern[str]
    keeps: Keeps


def redact(text: str, kinds: Collection[RedactionKind] = ("secrets", "emails")) -> str:
    """`text` with `[redacted:type]` for each secret; "emails" means what leads to a person."""
    for _ in range(_ROUNDS):
        before, text = text, _once(text, kinds)
        if text == before or not _GLUED.search(text):
            break
    return text


def excerpt(
    body: str, kinds: Collection[RedactionKind] = ("secrets", "emails"), missing: int = 0
) -> str:
    """The body, of a very long one its head and tail, redacted and without half a secret.

    `missing` is how many characters `bounded` has taken out of its middle already.
    """
    body = UNSEEN.sub("", body)
    cut = len(body) + missing - _HEAD - _TAIL
    if cut <= 2 * _EDGE:
        return redact(body, kinds)
    head = redact(body[: _HEAD + _EDGE], kinds)[:-_EDGE]
    tail = redact(body[-_TAIL - _EDGE :], kinds)[_EDGE:]
    return f"{head}\n[… {cut} characters cut]\n{tail}"


def _once(text: str, kinds: Collection[RedactionKind]) -> str:
    lowered = text.lower()
    rows = _SECRETS * ("secrets" in kinds) + _PERSONAL * ("emails" in kinds)
    for row in rows:
        if any(map(lowered.__contains__, row.cues)):
            text = row.pattern.sub(_replacement(row), text)
    return text


def _replacement(row: Row) -> Callable[[re.Match[str]], str]:
    group = _group(row.pattern)

    def instead(found: re.Match[str]) -> str:
        if row.keeps(found):
            return found[0]
        start, end = found.span(group)
        before, after = found.string[found.start() : start], found.string[end : found.end()]
        return f"{before}[redacted:{row.name}]{after}"

    return instead


def _group(pattern: re.Pattern[str]) -> str | int:
    return "value" if "value" in pattern.groupindex else 0


def _is_placeholder(found: re.Match[str]) -> bool:
    return bool(_PLACEHOLDER.fullmatch(found[_group(found.re)]))


def _is_ordinary(found: re.Match[str]) -> bool:
    value = found[_group(found.re)]
    return any(pattern.fullmatch(value) for pattern in (_PLACEHOLDER, _WORD, _CODE))


def _is_plain(found: re.Match[str]) -> bool:
    """Ordinary, or without a digit, as a word of prose is and a generated token seldom."""
    return not _DIGIT.search(found["value"]) or _is_ordinary(found)


def _is_no_password(found: re.Match[str]) -> bool:
    return _is_plain(found) if found["said"] else _is_ordinary(found)


def _is_no_token(found: re.Match[str]) -> bool:
    """Ordinary, a number, a phrase, or a short word that is neither quoted nor right after `=`."""
    value = found["value"]
    if " " in value or _NUMBER.fullmatch(value) or _is_no_password(found):
        return True
    is_set = found["quote"] or found.string[found.start("value") - 1] in "=>"
    return not is_set and len(value) < 20 and not _DIGIT.search(value)


def _is_no_mailbox(found: re.Match[str]) -> bool:
    return found[0].startswith("git@") or bool(_FILE_NAME.fullmatch(found[0]))


def _is_no_public_address(found: re.Match[str]) -> bool:
    return not _PUBLIC.fullmatch(found[0]) or _is_version(found)


def _is_version(found: re.Match[str]) -> bool:
    """Four numbers that count releases: after a word that says so, in a list, or ending in 0."""
    before = found.string[max(0, found.start() - _REACH) : found.start()]
    after = found.string[found.end() : found.end() + 1]
    if after == ":":
        return False
    line = before.rpartition("\n")[2].lower()
    listed = line.endswith(", ") and "version" in line
    named = before.lower().rstrip(" \t\r\n:=\"'`(*").endswith(_VERSION_WORDS)
    return named or listed or (after != "/" and found[0].endswith(".0"))


def _row(name: str, cues: str, pattern: str, keeps: Keeps = _is_placeholder) -> Row:
    return Row(name, tuple(cues.split()), re.compile(pattern), keeps)


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
# What a name may end in and still name a secret: API_KEY_2, secret_key_base, passwordConfirm.
_END = (
    r"(?:[_.-]?(?i:access|key|value|base|hash|prod|dev|test|live|string|confirm|v?\d{1,3})){0,3}s?"
)
# Between a name and its value, in prose, Markdown, env files, JSON, YAML, code and XML.
_IS = (
    r"(?:(?:[\"'`]\]|[\\\"'`*_]{0,4})[ \t]{0,8}"
    r"(?::[ \t]?[a-z]{3,12}[ \t]?=(?!=)|:=|=>|=(?!=)|[:：](?!:))[*_]{0,2}[ \t]{0,8}[*_]{0,2}"
    r"|(?P<said>[ \t]+(?:is|was|ist)[ \t]*:?[ \t]+)|>(?=[^<>\s]{4,200}+</)"
    r"|[\"'`]?,?\s{1,20}[\"']?value[\"']?[ \t]?[:=][ \t]?)"
)
_VALUE = (
    r"(?:[bfru]{0,2}(?P<quote>\\?[\"'`]))?+"
    r"(?P<value>(?(quote)(?![),;+\s\]}])(?:(?!(?P=quote)).)++|[^\s\"'`<>;&]{3,}(?<![.,)\]}:])))"
)
_SCHEME = r"[aA](?i:uthorization)[\\\"'`]{0,3}[ \t]{0,8}[:=][ \t]{0,8}[\\\"'`]{0,3}"

_SECRETS = (
    _row(
        "private-key",
        "private",
        r"-----BEGIN[ A-Z0-9]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:[^-]*+(?:-(?!----)[^-]*+)*+-----END[ A-Z0-9]{0,40}(?:-----)?"
        r"|(?:[\s>|\"'+,\\]*+[A-Za-z0-9+/=]{16,}+)*+(?:\s+[A-Za-z0-9+/]{1,15}={1,2})?)",
    ),
    _row(
        "aws-secret",
        "akia asia",
        r"(?:AKIA|ASIA)[A-Z0-9]{12,20}+[\s\"',:/|]{1,20}+(?P<value>[A-Za-z0-9/+]{40})(?![\w/+=])",
    ),
    _row(
        "aws-key",
        "akia asia abia acca aroa aida",
        r"A(?:KI|SI|BI|CC|RO|ID)A(?<![A-Za-z0-9]....)[A-Z0-9]{12,}",
    ),
    _row("github-token", "gh", r"gh[oprsu]_(?:\d{1,20}_eyJ[\w.-]{16,}(?<!\.)|[A-Za-z0-9]{16,})"),
    _row("github-token", "github_pat_", r"github_pat_\w{20,}"),
    _row(
        "gitlab-token",
        "gl gr1348941",
        r"(?:gl(?<![A-Za-z0-9]gl)(?:pat|ptt|dt|rt|rtr|cbt|ft|imt|agent|oas|soat|ffct)-|GR1348941)"
        r"[\w.-]{16,}(?<!\.)",
    ),
    _row("npm-token", "npm_", r"npm_[A-Za-z0-9]{24,}"),
    _row("pypi-token", "pypi-age", r"pypi-AgE[\w-]{16,}"),
    _row("slack-token", "xox xapp-", r"(?:xox[a-z]|xapp)(?:\.xox[a-z])?-[\w-]{10,}"),
    _row("stripe-key", "k_live_ k_test_", r"[prs]k_(?:live|test)_[A-Za-z0-9]{10,}"),
    _row("webhook-secret", "whsec_", r"whsec_[\w+/=-]{16,}"),
    _row("anthropic-key", "sk-ant-", r"sk-ant-[\w-]{12,}"),
    _row("openai-key", "sk-", r"sk-(?<![\w-]sk-)(?=[A-Za-z_-]{0,30}+\d)[\w-]{16,}"),
    _row("google-key", "aiza", r"AIza[\w-]{30,}"),
    _row(
        "google-token", "ya29. gocspx- 1//0", r"ya29\.[\w-]{16,}|GOCSPX-[\w-]{16,}|1//0[\w-]{24,}"
    ),
    _row("azure-secret", "q~", r"\dQ~[\w.~-]{28,}"),
    _row("twilio-key", "sk ac", r"(?:SK|AC)(?<!\w..)[0-9a-f]{32}(?!\w)"),
    _row("sendgrid-key", "sg.", r"SG\.(?<![A-Za-z0-9]...)[\w-]{16,}+\.[\w-]{16,}"),
    _row("telegram-token", ":aa", r"[0-9](?<!\d.)\d{7,9}+:AA[\w-]{30,}"),
    _row("discord-token", ".", r"[MNO](?<![\w.-].)[\w-]{22,27}+\.[\w-]{6}\.[\w-]{27,}"),
    _row("mailgun-key", "key-", r"key-(?<!\w....)[0-9a-f]{32}(?!\w)"),
    _row("mailchimp-key", "-us", r"[0-9a-f](?<!\w.)[0-9a-f]{31}-us\d{1,2}(?!\w)"),
    _row("square-token", "sq0 eaaa", r"sq0[a-z]{3}-[\w-]{22,}|EAAA(?<![\w+/]....)[\w-]{60,}"),
    _row("shopify-token", "shp", r"shp(?:at|ca|pa|ss|tka)_[0-9a-fA-F]{24,}"),
    _row("digitalocean-token", "_v1_", r"do[opr]_v1_[0-9a-f]{32,}"),
    _row("heroku-key", "hrku-", r"HRKU-[\w-]{30,}"),
    _row("atlassian-token", "atatt3 atctt3 atbb", r"(?:ATATT3|ATCTT3|ATBB)[\w=+/-]{20,}"),
    _row(
        "api-key",
        "hf_ gsk_ r8_ xai- pplx- nrak- lin_api_ glsa_ glc_ hvs. hvb. figd_ dckr_ rubygems_ sntry"
        " sbp_ pul- tskey- ntn_ pmak- dp. ccipat_ pscale_ age-secret dapi",
        r"(?:h(?<!\w.)f_|g(?<!\w.)sk_|r(?<!\w.)8_|x(?<!\w.)ai-|p(?<!\w.)ul-|pplx-|NRAK-|lin_api_"
        r"|glsa_|glc_|hvs\.|hvb\.|figd_|dckr_[op]at_|rubygems_|sntry[su]_|sbp_|tskey-[a-z]{3,8}-"
        r"|ntn_|PMAK-|dp\.(?:pt|st|ct|sa|scim|audit)\.|CCIPAT_|pscale_[a-z]{2,6}_|AGE-SECRET-KEY-|dapi)"
        r"(?=[A-Za-z_-]{0,30}+\d)[\w.+/=-]{20,}(?<!\.)",
    ),
    _row("jwt", "eyj", r"eyJ(?<![\w-]...)[\w-]{8,}+(?:\.[\w=-]++){1,4}"),
    _row(
        "webhook-url",
        "hook trigger/",
        r"(?:hooks\.slack(?:-gov)?\.com/[a-z]+/|discord(?:app)?\.com/api/(?:v\d+/)?webhooks/"
        r"|\.office(?:365)?\.com/webhook[a-z0-9]*/|hooks\.zapier\.com/hooks/catch/"
        r"|maker\.ifttt\.com/trigger/|webhook\.site/|/open-apis/bot/v2/hook/"
        r"|/hooks/(?=[a-z0-9]{17,30}+(?:/[a-z0-9]{30}|(?![\w./-]))))(?P<value>[^\s\"'`<>()\[\]]{8,})",
    ),
    _row("telegram-token", "telegram", r"api\.telegram\.org/bot(?P<value>\d[\w:-]{16,})"),
    _row(
        "url-token",
        "://",
        r"://(?P<value>[\w.~%+-]{16,}+(?::(?:x-oauth-basic|x)?)?)@",
    ),
    _row(
        "url-token",
        "=",
        r"[?&;](?i:key|sig|signature|auth|sid|jwt|code|[a-z_-]{0,20}token|x-(?:amz|goog)-[a-z-]+)"
        r"=(?P<value>[\w%.~+/=-]{12,})",
    ),
    _row(
        "cookie",
        "cookie",
        r"[cC](?i:ookie2?)(?<!-[cC]ookie)[\"'`]{0,2}[ \t]{0,8}[:=][ \t]{0,8}[\"'`]?"
        r"(?P<value>[\w.$!%-]{1,80}+=[^\r\n\"'`]{3,})",
    ),
    _row(
        "cookie",
        "set-cookie",
        r"[sS](?i:et-cookie2?)[\"'`]{0,2}[ \t]{0,8}[:=][ \t]{0,8}[\"'`]?[\w.$!%-]{1,80}+="
        r"(?P<value>[^\s;\"'`]{3,})",
    ),
    _row("bearer", "bearer", r"[bB](?i:earer)\s{1,20}+(?P<value>[\w.~+/=-]{8,})", _is_plain),
    _row(
        "basic-auth", "basic", r"[bB](?i:asic)[ \t]+(?P<value>[A-Za-z0-9+/]{8,}={0,2})", _is_plain
    ),
    _row(
        "authorization",
        "authorization",
        _SCHEME + r"(?i:bearer|basic|token|api-?key|negotiate|ntlm)[ \t]+"
        r"(?P<value>[^\s\"'`<>,;]{6,})",
        _is_ordinary,
    ),
    _row(
        "authorization",
        "authorization",
        _SCHEME + r"(?i:digest|aws4-hmac-sha256|hmac|signature)[ \t]+(?P<value>[^\r\n`<>]{8,})",
    ),
    _row(
        "basic-auth",
        "-u --user --proxy-user",
        r"-(?:u|-user|-proxy-user)[ =]?[\"']?(?P<user>[\w.@+-]{1,100}+):(?!\d|(?P=user)\b)"
        r"(?P<value>[^\s\"']{3,})",
        _is_ordinary,
    ),
    _row(
        "docker-auth", '"auth"', r"\"auth\"[ \t]{0,8}:[ \t]{0,8}\"(?P<value>[A-Za-z0-9+/]{12,}=*)"
    ),
    _row(
        "password",
        "passw passphrase pwd kennwort contrase passe senha пароль 密码",
        rf"{_PASSWORD}{_END}{_IS}{_VALUE}",
        _is_no_password,
    ),
    _row("password", "pass", rf"(?:_PASS|_pass|[Pp](?<!\w.)ass){_IS}{_VALUE}", _is_plain),
    _row(
        "token",
        "secret token key session sessid auth credential",
        rf"{_TOKEN}{_END}{_IS}{_VALUE}",
        _is_no_token,
    ),
    _row(
        "password",
        "--",
        r"--[a-z-]{0,20}(?:password|passwd|passphrase|token|secret|api-?key)[ \t]+[\"']?"
        r"(?P<value>[^\s\"'`<>-][^\s\"'`<>]{3,})",
        _is_plain,
    ),
    _row("password", "mysql", r"mysql[^\n]{0,30}?[ \t]-p(?P<value>[^\s\"']{4,})"),
    _row(
        "url-password",
        "://",
        r"://[^\s/:@\"'`<>\[\]]{0,200}+:(?P<value>[^\s/\"'`<>]{1,200})@(?!sha256:)(?=[\w.\[$-])",
    ),
)
_PERSONAL = (
    _row(
        "email",
        "@ %40",
        r"[\w.+-](?<![\w.+-].)[\w.+-]*+(?:@|%40)(?!v?\d+\.\d|\d+x\.)[\w.-]*\.[^\W\d_]{2,24}(?!\w)",
        _is_no_mailbox,
    ),
    _row(
        "ip",
        ".",
        r"[0-9](?<![\w.@^~-].)(?<![=<>~!]=.)(?<![\w.-]/.)[0-9]{0,2}+(?:\.[0-9]{1,3}+){3}"
        r"(?!\.?\w|-[A-Za-z]|=)",
        _is_no_public_address,
    ),
    _row(
        "ip",
        ":",
        r"[23](?<![\w:.].)(?!001:0?db8:)[0-9a-fA-F]{3}:"
        r"(?=[0-9a-fA-F:]{0,34}::|(?:[0-9a-fA-F]{1,4}:){6})[0-9a-fA-F:]{1,34}(?!\w)",
    ),
    _row(
        "phone",
        "+",
        r"\+(?<![\w+./=*)-].)(?!(?:19|20)\d\d-)[1-9](?:[ .()/-]{0,2}\d){8,13}(?!\d)",
    ),
)
