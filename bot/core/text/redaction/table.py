"""The table of what `redact` replaces: secrets by their form, secrets by their place, addresses.

Each pattern takes linear time: its repeats are bounded, or possessive and started only where no
longer match can start. Most patterns start with a literal or a character class and put lookbehinds
after it, because `re` then searches for these characters directly.
"""

from __future__ import annotations

from bot.core.text.redaction import harmless, named, personal
from bot.core.text.redaction.row import build_row
from bot.core.text.redaction.words import TOKEN_PREFIXES, compile_prefixes

_SCHEME = (
    r"[aA](?i:uthorization)[\\\"'`]{0,3}[ \t]{0,8}"
    r"(?:[:=]|,\s{0,20}[\"']value[\"'][ \t]?:)[ \t]{0,8}[\\\"'`]{0,3}"
)
_COOKIE_IS = r"[\"'`]{0,2}[ \t]{0,8}(?:[:=]|,\s{0,20}[\"']value[\"'][ \t]?:)[ \t]{0,8}[\"'`]?"
_BASE64_LINES = r"(?:[\s>|\"'+,\\]*+[A-Za-z0-9+/=]{16,}+)*+(?:\s+[A-Za-z0-9+/]{1,15}={1,2})?"
_KEY = r"(?i:PRIVATE KEY|OpenVPN Static key V1|OpenVPN tls-crypt-v2 (?:client|server) key)"
# Commands, and the option that precedes a password.
_COMMAND_OPTIONS = (
    ("sshpass", "-p"),
    ("mongo, mongosh, mongodump, mongorestore, mongoexport, mongoimport, cqlsh, twine", "-p"),
    ("docker login, podman login, nerdctl login, buildah login, skopeo login", "-p"),
    ("registry login, oras login, az login, oc login, cf login", "-p"),
    ("redis-cli, valkey-cli, keydb-cli, redis-benchmark", "-a"),
    ("sqlcmd, bcp, mosquitto_pub, mosquitto_sub, ipmitool, tsql", "-P"),
    ("ldapsearch, ldapadd, ldapmodify, ldapwhoami, ldapdelete", "-w"),
    ("keytool, jarsigner, apksigner", "-(?:store|key|deststore|destkey|srcstore|srckey)pass"),
    ("openssl", "-pass(?:in|out)?[ ]pass:"),
    ("influx, clickhouse-client", "-{1,2}password"),
    ("xfreerdp, wlfreerdp, signtool", "/p:"),
    ("zip, unzip", "-P"),
    ("7z, 7za, unrar", "-p"),
    ("ssh-keygen", "-N"),
    ("openssl enc", "-k"),
    ("smbclient", r"-U[ ]?[\w\\.@-]{1,60}%"),
    ("lftp", r"-u[ ]?[\w.@-]{1,60},"),
    ("http -a, https -a", r"[\w.@-]{1,60}:"),
    ("rabbitmqctl add_user, rabbitmqctl change_password", r"[\w.@-]{1,60}(?=[ ])"),
    ("htpasswd, mosquitto_passwd", r"-\w{0,6}b\w{0,6}[ ][^\s]{1,200}[ ][^\s]{1,60}(?=[ ])"),
    ("mc alias set", r"[^\s]{1,60}[ ]https?://[^\s]{1,200}[ ][^\s]{1,100}(?=[ ])"),
    ("requirepass, masterauth", ""),
    ("snmp-server community, isakmp key, enable secret, enable password", r"(?:\d[ ])?"),
    ("pre-shared-key ascii-text, pre-shared-key", ""),
)
_ARGUMENT = r"[ \t=]{0,4}\$?[\"']?(?P<value>[^\s\"'-][^\s\"']{2,})"
_PREFIX = compile_prefixes(TOKEN_PREFIXES)

SECRETS = (
    build_row(
        "private-key",
        "private static tls-crypt",
        rf"-{{4,5}} ?BEGIN[ A-Z0-9]{{0,40}}{_KEY}(?: BLOCK)? ?-{{4,5}}"
        rf"(?:[^-]*+(?:-(?!---)[^-]*+)*+-{{4,5}} ?END[ A-Z0-9]{{0,40}}(?:{_KEY})?(?: BLOCK)?"
        rf"(?: ?-{{4,5}})?|{_BASE64_LINES})",
    ),
    build_row(
        "private-key",
        "private-lines",
        r"Private-Lines:[ \t]*\d{1,4}(?P<value>(?:[\s>]*+[A-Za-z0-9+/=]{4,}+(?![:\w-]))++)",
    ),
    build_row(
        "private-key",
        "ls0tls1crudjti",
        r"LS0tLS1CRUdJTi(?!BDRVJUSUZJQ0FUR|BQVUJMSUMg|BURVUgQ0VSV)[A-Za-z0-9+/=]*+"
        r"(?:[\s\\>\"]{1,40}+[A-Za-z0-9+/=]{24,}+)*+(?:\s{1,40}[A-Za-z0-9+/]{1,23}={1,2})?",
    ),
    build_row(
        "private-key",
        '"kty"',
        r"\"(?:d|p|q|dp|dq|qi|k)\"\s{0,8}:\s{0,8}\"(?P<value>[\w-]{20,}+)",
    ),
    build_row(
        "aws-secret",
        "akia asia",
        r"(?:AKIA|ASIA)[A-Z0-9]{12,20}+[\s\"',:/|]{1,20}+(?P<value>[A-Za-z0-9/+]{40})(?![\w/+=])",
    ),
    build_row(
        "aws-key",
        "akia asia abia acca aroa aida",
        r"A(?:KI|SI|BI|CC|RO|ID)A(?<![A-Za-z0-9]....)[A-Z0-9]{12,}",
    ),
    build_row(
        "github-token", "gh", r"gh[oprsu]_(?:\d{1,20}_eyJ[\w.-]{16,}(?<!\.)|[A-Za-z0-9]{16,})"
    ),
    build_row("github-token", "github_pat_", r"github_pat_\w{20,}"),
    build_row(
        "gitlab-token",
        "gl gr1348941",
        r"(?:gl(?<![A-Za-z0-9]gl)(?:pat|ptt|dt|rt|rtr|cbt|ft|imt|agent|oas|soat|ffct|wt)-"
        r"|GR1348941)[\w.-]{16,}(?<!\.)",
    ),
    build_row("npm-token", "npm_", r"npm_[A-Za-z0-9]{24,}"),
    build_row("pypi-token", "pypi-age", r"pypi-AgE[\w-]{16,}"),
    build_row(
        "slack-token",
        "xox xapp-",
        r"(?:xox[a-z]|xapp)(?:\.xox[a-z])?-(?=[a-z-]*+[\dA-Z])[\w%-]{10,}",
    ),
    build_row("stripe-key", "k_live_ k_test_", r"[prs]k_(?:live|test)_[A-Za-z0-9]{10,}"),
    build_row("webhook-secret", "whsec_", r"whsec_[\w+/=-]{16,}"),
    build_row("anthropic-key", "sk-ant-", r"sk-ant-[\w-]{12,}"),
    build_row("openai-key", "sk-", r"sk-(?<![\w-]sk-)(?=[A-Za-z_-]{0,30}+\d)[\w-]{16,}"),
    build_row("google-key", "aiza", r"AIza[\w-]{30,}"),
    build_row(
        "google-token", "ya29. gocspx- 1//0", r"ya29\.[\w-]{16,}|GOCSPX-[\w-]{16,}|1//0[\w-]{24,}"
    ),
    build_row("azure-secret", "q~", r"\dQ~[\w.~-]{28,}"),
    build_row("twilio-key", "sk ac", r"(?:SK|AC)(?<!\w..)[0-9a-f]{32}(?!\w)"),
    build_row("sendgrid-key", "sg.", r"SG\.(?<![A-Za-z0-9]...)[\w-]{16,}+\.[\w-]{16,}"),
    build_row("telegram-token", ":aa", r"[0-9](?<!\d.)\d{7,9}+:AA[\w-]{30,}"),
    build_row("discord-token", ".", r"[MNO](?<![\w.-].)[\w-]{22,27}+\.[\w-]{6}\.[\w-]{27,}"),
    build_row("mailgun-key", "key-", r"key-(?<!\w....)[0-9a-f]{32}(?!\w)"),
    build_row("mailchimp-key", "-us", r"[0-9a-f](?<!\w.)[0-9a-f]{31}-us\d{1,2}(?!\w)"),
    build_row("square-token", "sq0 eaaa", r"sq0[a-z]{3}-[\w-]{22,}|EAAA(?<![\w+/]....)[\w-]{60,}"),
    build_row("shopify-token", "shp", r"shp(?:at|ca|pa|ss|tka)_[0-9a-fA-F]{24,}"),
    build_row("digitalocean-token", "_v1_", r"do[opr]_v1_[0-9a-f]{32,}"),
    build_row("heroku-key", "hrku-", r"HRKU-[\w-]{30,}"),
    build_row("atlassian-token", "atatt3 atctt3 atbb", r"(?:ATATT3|ATCTT3|ATBB)[\w=+/-]{20,}"),
    build_row(
        "api-key",
        " ".join(prefix.strip().lower() for prefix in TOKEN_PREFIXES),
        rf"(?:{_PREFIX})[\w.+/=~-]{{16,}}(?<!\.)",
        harmless.is_not_generated,
    ),
    build_row(
        "api-key",
        "re_ fc- api- a3- secret_ sk_ oy2 sec",
        r"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{20,}|fc-[0-9a-f]{32}|API-[A-Z0-9]{25,}|secret_\w{40,}"
        r"|A3(?:-[A-Z0-9]{5,6}){5,6}|sk_[A-Za-z0-9]{32,}|oy2[a-z0-9]{43}|SEC[0-9a-f]{64}",
        harmless.is_not_generated,
    ),
    build_row(
        "api-key",
        "pat",
        r"pat(?<![A-Za-z0-9]...)[A-Za-z0-9]{14}\.[0-9a-f]{64}",  # of Airtable
    ),
    build_row("api-key", "atlasv1", r"[\w](?<!\w.)[A-Za-z0-9]{13}\.atlasv1\.[\w-]{40,}"),
    build_row("api-key", "azdo", r"[A-Za-z0-9](?<!\w.)[A-Za-z0-9]{70,80}AZDO\w{4}"),
    build_row(
        "password-hash",
        "$apr1$ $1$ $2a$ $2b$ $2x$ $2y$ $5$ $6$ $7$ $y$ $gy$ $argon2 $scrypt $pbkdf2 $p$ $h$ $s$",
        r"\$(?<![\w$].)(?:apr1|1|2[abxy]|[567]|g?y|argon2(?:id|i|d)|scrypt|pbkdf2[\w-]{0,10}|[PHS])\$"
        r"(?=[^\s:]{0,60}[A-Za-z])[\w./+=,$-]{20,}",
    ),
    build_row(
        "password-hash",
        "sha} sha256} sha512} {smd5} {crypt} {md5} pbkdf2_ scram-sha- scrypt: bcrypt",
        r"(?:\{(?i:S?SHA(?:256|512)?|SMD5|CRYPT|MD5)\}|pbkdf2(?:_|:)sha\d{1,3}[$:]|scrypt:\d"
        r"|SCRAM-SHA-\d{1,3}\$|bcrypt(?:_sha256)?\$)(?P<value>[\w./+=,$:-]{16,})",
    ),
    build_row("jwt", "eyj", r"eyJ(?<![\w-]...)[\w-]{8,}+(?:\.[\w=-]++){1,4}"),
    build_row(
        "docker-auth",
        "eyjhdxroc ewogicjhdxroc ewogicagicjhdxroc ewojimf1dghz",
        r"(?:eyJhdXRoc|ewogICJhdXRoc|ewogICAgImF1dGhz|ewogICAgICJhdXRoc|ewoJImF1dGhz)"
        r"[A-Za-z0-9+/=]*+(?:[\s\\>\"]{1,40}+[A-Za-z0-9+/=]{24,}+)*+",
    ),
    build_row(
        "webhook-url",
        "hook trigger/",
        r"(?:hooks\.slack(?:-gov)?\.com/[a-z]+/|discord(?:app)?\.com/api/(?:v\d+/)?webhooks/"
        r"|\.office(?:365)?\.com/webhook[a-z0-9]*/|hooks\.zapier\.com/hooks/catch/"
        r"|maker\.ifttt\.com/trigger/|webhook\.site/|/open-apis/bot/v2/hook/"
        r"|/hooks/(?=[a-z0-9]{17,30}+(?:/[a-z0-9]{30}|(?![\w./-]))))(?P<value>[^\s\"'`<>()\[\]]{8,})",
    ),
    build_row("telegram-token", "telegram", r"api\.telegram\.org/bot(?P<value>\d[\w:-]{16,})"),
    build_row(
        "url-token",
        "://",
        r"://(?P<value>[\w.~%+-]{16,}+(?::(?:x-oauth-basic|x)?)?)@",
    ),
    build_row(
        "url-token",
        "=",
        r"[?&;](?i:key|sig|signature|auth|sid|jwt|code|[a-z_-]{0,20}token|x-(?:amz|goog)-[a-z-]+)"
        r"=(?P<value>[\w%.~+/=-]{12,})",
    ),
    build_row(
        "cookie",
        "cookie",
        rf"[cC](?i:ookie2?)(?<!-[cC]ookie){_COOKIE_IS}"
        r"(?P<value>[\w.$!%-]{1,80}+=[^\r\n\"'`]{3,})",
    ),
    build_row(
        "cookie",
        "set-cookie",
        rf"[sS](?i:et-cookie2?){_COOKIE_IS}[\w.$!%-]{{1,80}}+=(?P<value>[^\s;\"'`]{{3,}})",
    ),
    build_row(
        "cookie",
        "curl http",
        r"[ \t]-(?:b|-cookie)[ \t=]{0,4}(?:\$?[\"'](?P<value>[\w.$!%-]{1,80}+=[^\r\n\"'`]{3,})"
        r"|(?P<element>[\w.$!%-]{1,80}+=[^\s\"'`]{3,}))",
    ),
    build_row(
        "cookie",
        "sess sid token auth jwt csrf xsrf remember",
        r"\"[nN]ame\"\s{0,8}:\s{0,8}\"(?=[^\"\n]{0,80}(?i:sess|sid|token|auth|jwt|csrf|xsrf|remember))"
        r"[^\"\n]{1,80}\",\s{0,40}\"[vV]alue\"\s{0,8}:\s{0,8}\"(?P<value>[^\"\n]{8,})",
        harmless.has_no_digit,
    ),
    build_row(
        "cookie",
        "sessid sessionid session_id connect.sid _session hsid ssid sapisid .aspxauth",
        r"(?:SESSI(?:ON)?ID\w{0,24}|sessionid|ASP\.NET_SessionId|connect\.sid|\.ASPXAUTH|_session"
        r"|SSID|HSID|SAPISID|PSID)"
        r"=[\"']?(?P<value>[\w%.:+/=-]{8,})",
        harmless.has_no_digit,
    ),
    build_row(
        "bearer",
        "bearer",
        r"[bB](?i:earer)(?:[ \t]?[:=][ \t]{0,4}|\s{1,20}+)[\"']?(?P<value>[\w.~+/=-]{8,})",
        harmless.has_no_digit,
    ),
    build_row(
        "basic-auth",
        "basic",
        r"[bB](?i:asic)[ \t]+(?P<value>[A-Za-z0-9+/]{8,}={0,2})",
        harmless.has_no_digit,
    ),
    build_row(
        "authorization",
        "authorization",
        _SCHEME + r"(?i:bearer|basic|token|api-?key|negotiate|ntlm)[ \t]+"
        r"(?P<value>[^\s\"'`<>,;]{6,})",
        harmless.is_ordinary,
    ),
    build_row(
        "authorization",
        "authorization",
        _SCHEME + r"(?i:digest|aws4-hmac-sha256|hmac|signature)[ \t]+(?P<value>[^\r\n`<>]{8,})",
    ),
    build_row(
        "basic-auth",
        "-u --user --proxy-user --creds",
        r"-(?<![\w-].)(?:u|-user|-proxy-user|-creds)[ =]?\$?[\"']?(?P<user>[\w.@+-]{1,100}+)"
        r":(?!\d{1,5}(?!\S)|(?P=user)\b)(?P<value>[^\s\"']{3,})",
        harmless.is_ordinary,
    ),
    build_row(
        "docker-auth",
        "auth",
        r"[\"']auth[\"']\s{0,20}:\s{0,20}[\"'](?P<value>[A-Za-z0-9+/]{12,}+"
        r"(?:\\?\s{1,40}[A-Za-z0-9+/]{4,}+)*=*)",
    ),
    build_row(
        "docker-auth",
        "auth:",
        r"auth:(?<![\w-].{5})[ \t]{1,4}(?P<value>[A-Za-z0-9+/]{16,}={0,2})(?=\s|\Z)",
        harmless.has_no_digit,
    ),
    *named.ROWS,
    build_row(
        "password",
        "securestring",
        r"SecureString(?:[ \t]+-String)?[ \t(]{1,4}[\"'](?P<value>[^\"'\n]{3,})",
    ),
    build_row(
        "password",
        "auth credential login",
        r"[aAbBcClLhHnNuU](?i:(?:asic_?|httpbasic|ttpbasic)?auth(?:entication|enticate)?|uth"
        r"|redentials?(?:\.basic)?|etworkcredential|ogin|ser(?:name)?passwordcredential)\w{0,20}"
        r"[ \t]?[=:]?[ \t]?[\[(]\s{0,20}[\"'](?P<user>[^\"'\n]{1,80}+)[\"']\s{0,4},\s{0,20}"
        r"[\"'](?P<value>[^\"'\s]{3,100}+)[\"']",
        harmless.is_word,
    ),
    build_row(
        "password",
        "connect pdo mysqli",  # the third argument
        r"(?:[cC](?i:onnect(?:ion)?)|PDO|mysqli)\([^,\n()]{1,200}+,\s{0,20}[\"'][^\"'\n]{1,80}[\"']"
        r",\s{0,20}[\"'](?P<value>[^\"'\n]{4,100})[\"']",
        harmless.is_ordinary,
    ),
    build_row(
        "password",
        "identified password",  # SQL
        r"(?:[iI](?i:dentified[ ](?:with[ ]\w{1,40}[ ])?by)"
        r"|[uUrRlL](?i:ser|ole|ogin)[ ][^\n;]{1,80}?[ ](?i:password))"
        r"[ ]{1,4}[\"'](?P<value>[^\"'\n]{3,100})[\"']",
        harmless.is_ordinary,
    ),
    build_row(
        "password",
        "identified",
        r"[iI](?i:dentified[ ]by)[ ]{1,4}(?P<value>[^\s\"';]{4,100})",
        harmless.has_no_digit,
    ),
    build_row(
        "password",
        "password-stdin sudo",
        r"(?:echo|printf)[ \t]{1,4}(?:-n[ ])?[\"']?(?P<value>[^\s\"'|]{4,100}+)[\"']?[ \t]{0,4}\|"
        r"(?=[ \t]{0,4}(?:sudo[ ]-S|[^\n|]{1,120}--password-stdin))",
    ),
    build_row(
        "password",
        "user login cred zugang",
        r"(?:[uU](?i:ser(?:name)?)[ ]?/[ ]?(?i:pass(?:word)?|pwd|pw)|[cC](?i:red(?:ential)?s?)"
        r"|[lL](?i:ogin)|[zZ](?i:ugangsdaten))[\"'`*_]{0,3}[ \t]?[:=][ \t]?[\"'`*_]{0,3}"
        r"[\w.@+-]{1,60}+[\"'`]?"
        r"[ \t]?[/|:][ \t]?[\"'`]?(?P<value>[^\s\"'`|/:]{4,80}+)(?![|/:])",
        harmless.is_word_or_number,
    ),
    build_row(
        "password",
        "--",
        r"--[a-z-]{0,20}(?:password|passwd|passphrase|pass|token|secret|api-?key)[ \t]+[\"']?"
        r"(?P<value>[^\s\"'`<>-][^\s\"'`<>]{3,})",
        harmless.has_no_digit,
    ),
    build_row(
        "password",
        "mysql mariadb",
        r"(?:mysql|mariadb)[^\n]{0,60}?[ \t]-p(?P<quote>[\"']?)(?P<value>[^\s\"']{4,})",
    ),
    *(
        build_row(
            "password",
            tuple(names.split(", ")),
            rf"(?:{names.replace(', ', '|')})(?![\w-])[^\n|;&]{{0,200}}?[ \t]{option}{_ARGUMENT}",
            harmless.is_ordinary,
        )
        for names, option in _COMMAND_OPTIONS
    ),
    build_row(
        "password",
        "machine login",  # .netrc
        r"(?:machine|login|account)\s{1,20}+[^\s]{1,200}+\s{1,20}+(?:login\s{1,20}[^\s]{1,200}\s{1,20}"
        r"|account\s{1,20}[^\s]{1,200}\s{1,20})?password\s{1,20}+(?P<value>[^\s\"'`]{3,})",
    ),
    build_row(
        "password",
        ":",  # .pgpass
        r":(?:\d{4,5}|\*):(?=[^:\s]{0,60}[A-Za-z*])[\w*$.-]{1,63}+:(?=[^:\s]{0,60}[A-Za-z*])"
        r"[\w*@.$-]{1,63}+:(?P<value>[^\s\"'`]{4,})(?=\s|\Z)",
        harmless.is_not_after_host,
    ),
    build_row(
        "url-password",
        "@tcp @unix( @udp( @( @cloudsql",  # Go's drivers
        r"[\w](?<![\w.%@/:-].)[\w.%-]{0,64}+:(?!//)(?P<value>(?:[^\s\"'`@]|@(?![a-z0-9-]{0,16}[(/])){1,100}+)"
        r"@[a-z0-9-]{0,16}\(",
    ),
    build_row(
        "url-password",
        "@/",  # Go's drivers without a host
        r"[\w](?<![\w.%@/:-].)[\w.%-]{0,64}+:(?!//)(?P<value>[^\s\"'`@/]{3,100}+)@/(?=\w)",
        harmless.has_no_digit,
    ),
    build_row(
        "url-password",
        "oracle: sqlplus sqlldr sqlcl expdp impdp rman",
        r"(?:oracle:[a-z0-9]{1,8}:|(?:sqlplus|sqlldr|sqlcl|expdp|impdp|rman)[ \t]"
        r"(?:-[\w-]{1,12}[ \t]+){0,4}[\"']?(?:userid=)?)[\w$#]{1,60}+/"
        r"(?P<value>[^\s@/\"'`]{3,100}+)",
    ),
    build_row(
        "url-password",
        "@//",  # Oracle's easy connect
        r"[\w](?<![\w$#/.:-].)[\w$#]{0,30}+/(?P<value>[^\s@/\"'`:]{3,100}+)@//(?=[\w.-]{1,100}[:/])",
    ),
    build_row(
        "url-password",
        "pwd={ password={",  # ODBC
        r"[;\"'](?i:pwd|password)=\{(?P<value>[^{}\n]{3,100})\}",
    ),
    build_row("password", "psk", r"PSK[ \t]{1,4}[\"'](?P<value>[^\"'\n]{3,100})"),
    build_row(
        "url-password",
        "://",
        r"://[^\s/:@\"'`<>\[\]]{0,200}+:(?P<value>[^\s/\"'`<>]{1,200})@(?!sha256:)(?=[\w.\[$-])",
    ),
)
PERSONAL = personal.ROWS
