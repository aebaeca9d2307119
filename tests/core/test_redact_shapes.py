"""Secrets in the notations in which issues carry them, and harmless text of the same notations."""

from __future__ import annotations

import pytest

from bot.core.text.redact import redact

WORD = "Wq7tLm4" + "ZsKd9"
LONG = "pZ4cV8nB2mX6" + "qW1eR5tY9uI3oP7a"
HEX = "3f9c0a7be1d2" + "48560f9e8d7c6b5a4132"
BASE64 = "b3BlbnNzaC1rZXktdjEA" + "AAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZWQy"
ENCODED_KEY = "LS0tLS1CRUdJTiBQUklW" + "QVRFIEtFWS0tLS0tCk1JSUV2UUlCQURBTkJna3Foa2lHOXcwQkFRRUZB"
CERTIFICATE = "LS0tLS1CRUdJTiBDRVJU" + "SUZJQ0FURS0tLS0tCk1JSURCVENDQWUyZ0F3SUJBZ0lVU2"
UUID = "7d1f0c3e-5a6b-4c8d-9e0f-" + "1a2b3c4d5e6f"

# The text with `{}` in place of the secret, and the secret.
FORMS = (
    "### Password\n\n{}\n\n### Version\n\n1.2.3",
    "### Password\r\n\r\n{}\r\n\r\n### Version\r\n\r\n1.2.3",
    "## Admin password (optional)\n\n{}\n",
    "### What is your password?\n\n`{}`\n",
    "**Password**\n\n{}\n",
    "**Password:**\n{}\n",
    "Password\n--------\n\n{}\n",
    "### Database password\n\n```shell\n{}\n```\n",
    "Password:\n    {}\n",
    "Password:\n- {}\n",
    "> ### Password\n>\n> {}\n",
    "API key:\n```\n{}\n```",
    "### Access token\n\n{}\n",
    "### Client secret\n\n{}",
    "### Passwort\n\n{}",
    "### Contraseña\n\n{}",
)
TABLES = (
    "| name | value |\n|---|---|\n| password | {} |\n| user | ada |",
    "| setting | value |\n|---|---|\n| `DB_PASSWORD` | `{}` |",
    "|password|{}|",
    "| **API key** | {} |",
    "| user | password | role |\n|:--|:-:|--:|\n| ada | x | admin |\n| bob | {} | user |",
    "user | password\n--- | ---\nada | {}",
    " id | password | user\n----+----------+------\n  1 | {} | ada\n(1 row)",
    "+------+--------------+\n| user | password     |\n+------+--------------+\n| ada  | {} |",
    "user,password,role\nada,{},admin\n",
    "user;password;role\nada;{};x\n",
    "user\tapi_key\nada\t{}\n",
    "<table><tr><th>user</th><th>password</th></tr><tr><td>ada</td><td>{}</td></tr></table>",
    '<table>\n<tr>\n<td>password</td>\n<td class="x">{}</td>\n</tr>\n</table>',
    "<tr><td><b>Password</b></td><td><code>{}</code></td></tr>",
    "<dl><dt>Password</dt><dd>{}</dd></dl>",
    '<property name="password">{}</property>',
    '<add key="ApiKey" value="{}" />',
    '<entry key="db.password">{}</entry>',
)
BLOCKS = (
    "password: |\n  {}\n",
    "password: >-\n  {}\nuser: ada\n",
    "db:\n  password: |-\n    {}\n  user: ada\n",
    'db:\n  "password": |2 # never shown\n      {}\n  user: ada\n',
    "secret: |+\r\n  {}\r\nuser: ada\r\n",
    "stringData:\n  api-key: >\n    {}\n",
)
CALLS = (
    'ds.setPassword("{}");',
    "builder.user('u').password('{}').build()",
    'withPassword( "{}" )',
    'put("password", "{}")',
    "config.set('auth.token', '{}')",
    "define('DB_PASSWORD', '{}');",
    'os.environ["API_KEY"] = "{}"',
    'new NetworkCredential("ada", "{}")',
    "requests.get(url, auth=('ada', '{}'))",
    'HttpHeaders.setBasicAuth("ada", "{}")',
    "HTTPBasicAuth('ada', '{}')",
    'new PasswordAuthentication("ada", "{}".toCharArray())',
    'smtp.login("ada@example.invalid", "{}")',
    "ConvertTo-SecureString -String '{}' -AsPlainText -Force",
    'ConvertTo-SecureString "{}" -AsPlainText',
    "set_token(b'{}')",
    'client.setApiKey("{}")',
)
SOURCES = (
    "ada:{}@tcp(db.example:3306)/app?parseTime=true",
    'sql.Open("mysql", "ada:{}@unix(/run/mysqld.sock)/app")',
    "ada:{}@/app",
    "dsn = ada:{}@(10.0.0.5:3306)/app",
    "jdbc:oracle:thin:scott/{}@db:1521:xe",
    "jdbc:oracle:thin:scott/{}@//db:1521/xe",
    "sqlplus scott/{}@db",
    "sqlplus -S system/{}@//localhost:1521/XEPDB1",
    "host=db user=ada password={} dbname=app",
    "host=db user=ada password='{}' dbname=app",
    "Driver={{ODBC Driver 18}};Server=db;Uid=sa;Pwd={{{}}};",
    "odbc_connect=DRIVER%3Dx%3BUID%3Dsa%3BPWD%3D{}%3B",
    "jdbc:sqlserver://db:1433;user=sa;password={};encrypt=true",
    "mongodb+srv://ada:{}@cluster0.example.net/app",
    "machine api.example login ada password {}",
    "machine api.example\n  login ada\n  password {}\n",
    "default login ada password {}",
    "db.example:5432:app:ada:{}",
    "*:*:*:ada:{}",
    "localhost:5433:*:postgres:{}\n",
)
HTTP = (
    "curl 'https://x.example' -b 'sid={}; theme=dark'",
    'curl --cookie "sid={}" https://x.example',
    "curl -b sid={} https://x.example",
    "curl -u 'ada:{}' https://x.example",
    "curl -H 'cookie: sid={}' https://x.example",
    '{{"name": "Cookie", "value": "sid={}; a=b"}}',
    '{{"name": "authorization", "value": "Bearer {}"}}',
    '"cookies": [{{"name": "JSESSIONID", "value": "{}", "path": "/"}}]',
    '{{\n  "name": "session_token",\n  "value": "{}"\n}}',
    "JSESSIONID={}",
    "PHPSESSID={}; path=/",
    "Ocp-Apim-Subscription-Key: {}",
    "x-functions-key: {}",
    "Fastly-Key: {}",
    "X-Auth-Key: {}",
    "cf-access-client-secret: {}",
    "X-Hasura-Admin-Secret: {}",
    "X-MBX-APIKEY: {}",
    "DD-APPLICATION-KEY: {}",
)
COMMANDS = (
    "sshpass -p '{}' ssh root@10.0.0.1",
    "sshpass -p{} ssh root@10.0.0.1",
    "redis-cli -h c -a {} ping",
    "valkey-cli -a '{}'",
    "docker login -u ada -p {} ghcr.io",
    "helm registry login -u ada -p {} x.example",
    "az login -u ada -p {}",
    "mongosh -u root -p {} --host x",
    "mongodump --host x -u root -p '{}'",
    "mysqldump -u root -p'{}' app",
    "mariadb -uroot -p{} app",
    "sqlcmd -S db -U sa -P {}",
    "mosquitto_pub -h x -u ada -P {} -t a -m b",
    "ldapsearch -x -D cn=admin -w {}",
    "keytool -list -keystore a.jks -storepass {}",
    "openssl pkcs12 -in a.p12 -passin pass:{}",
    "xfreerdp /u:ada /p:{} /v:x",
    "skopeo copy --creds ada:{} a b",
    "tool --api-key {}",
)
PROSE = (
    *("with password {} it fails", "password '{}' is rejected", "the token `{}` gives 401"),
    *("API key {}", "Das Passwort lautet {}", "пароль {}", "set password {}", "ENV TOKEN {}"),
    *("<b>Password</b>: {}", "<b>Password:</b> <code>{}</code>", "<h3>Password</h3>\n\n{}\n"),
    *("<password>\n  {}\n</password>", "<Password><![CDATA[{}]]></Password>", "login: ada / {}"),
    *(
        "Password for ada: {}",
        "Passwort für ada: {}",
        "the password of the db is {}",
        "Password - {}",
    ),
    *('"password":\n  "{}",\n', "setPassword(\n  '{}'\n)", "&quot;password&quot;: &quot;{}&quot;"),
    *('{{"name":"password","value":"{}"}}', "%22password%22%3A%22{}%22", "bearer: {}"),
    *("password: !vault |\n  {}", 'password: &pw "{}"', 'let password: &str = "{}";', "pw: {}"),
)
SERVERS = (
    *("CREATE USER 'a'@'%' IDENTIFIED BY '{}';", "ALTER ROLE ada WITH PASSWORD '{}'"),
    *('mysqli_connect("localhost", "root", "{}")', 'new PDO($dsn, "root", "{}")'),
    *("requirepass {}", "snmp-server community {} RO", "crypto isakmp key {} address 10.0.0.1"),
    *("rabbitmqctl add_user ada {} x", "htpasswd -bB file ada {} ", "zip -P {} a.zip b"),
    *("smbclient //h/s -U ada%{}", "lftp -u ada,{} ftp://h", "http -a ada:{} GET h"),
    *("echo {} | docker login -u ada --password-stdin", 'echo "{}" | sudo -S ls'),
)
HASHES = (
    "ada:{}",
    "root:{}:19000:0:99999:7:::",
    'password_hash = "{}"',
)
LANGUAGES = (
    *("Passwort: {}", "Kennwort = {}", "contraseña: {}", "senha: {}", "mot de passe : {}"),
    *("Mot de passe: {}", "пароль: {}", "Пароль - это пароль: {}", "密码：{}", "密碼: {}"),
    *("パスワード：{}", "パスワードは {}", "비밀번호: {}", "hasło: {}", "heslo: {}", "jelszó: {}"),
    *("lösenord: {}", "adgangskode: {}", "passord: {}", "salasana: {}", "wachtwoord: {}"),
    *("şifre: {}", "mật khẩu: {}", "kata sandi: {}", "סיסמה: {}", "كلمة المرور: {}", "parola: {}"),
    *("κωδικός πρόσβασης: {}", "पासवर्ड: {}", "รหัสผ่าน: {}", "密码是{}", "clave: {}", "токен: {}"),
)
TOKENS = (
    *(
        "h" + "f_" + "QwErTyUiOpAsDfGhJkLzXcVbNmQwErTyUi",
        "gl" + "wt-" + LONG,
        "sb_" + "secret_" + LONG,
    ),
    *(
        "sq" + "p_" + HEX + "ab12cd34",
        "xkey" + "sib-" + HEX * 2 + "-" + WORD,
        "pat-" + "na1-" + UUID,
    ),
    *("nf" + "p_" + LONG, "re" + "_" + LONG[:8] + "_" + LONG, "ops_" + "eyJ" + LONG * 2),
    *("csk" + "-" + LONG, "nva" + "pi-" + LONG, "tvly-" + "dev-" + LONG, "vc" + "p_" + LONG),
    *(
        "pat" + LONG[:14] + "." + HEX * 2,
        "lsv2_" + "pt_" + HEX + "_" + HEX[:10],
        "AK" + "Cp" + LONG,
    ),
    *(
        "sha256" + "~" + LONG,
        "FlyV1 " + "fm2_" + LONG,
        "dt0" + "c01." + LONG[:24].upper() + "." + LONG,
    ),
    *(
        "LTAI" + LONG[:20],
        "eyJ" + "rIjoi" + LONG * 3,
        "sntr" + "ys_" + LONG,
        "CLO" + "JARS_" + LONG,
    ),
)

WHOLE = (
    (
        "PuTTY-User-Key-File-3: ssh-rsa\nComment: x\nPublic-Lines: 1\nAAAA\nPrivate-Lines: 2\n{}\n"
        "Private-MAC: 3f9c",
        BASE64 + "\n" + BASE64[:20],
    ),
    ("---- BEGIN SSH2 PRIVATE KEY ----\nComment: x\n{}\n---- END SSH2 PRIVATE KEY ----", BASE64),
    (
        "<tls-auth>\n-----BEGIN OpenVPN Static key V1-----\n{}\n"
        "-----END OpenVPN Static key V1-----\n</tls-auth>",
        HEX,
    ),
    ("client-key-data: {}", ENCODED_KEY),
    ("client-key-data:\n      {}", ENCODED_KEY),
    ("client-key-data: >\n      {}\n    user: x", ENCODED_KEY + "\n      " + BASE64),
    (".dockerconfigjson: {}", "eyJhdXRocyI6" + BASE64),
    ('"auths": {{"x": {{"auth":\n "{}"}}}}', "YWRhOldxN3RM" + "bTRac0tkOQ=="),
    ('{{"kty":"OKP","d":"{}","x":"11qYAYKxCrfVS"}}', LONG),
    ('network={{\n  ssid=x\n  psk="{}"\n}}', WORD),
    (': PSK "{}"', WORD),
    ("PresharedKey = {}=", LONG),
)

KEPT = (
    "### Password\n\n_No response_\n\n### Version\n\n1.2.3",
    "### Password\n\nI forgot it\n",
    "### Token\n\nExpired\n",
    "### API key\n\nYes\n",
    "The login asks for a password\n\nSteps:\n",
    "### Secret\n\nN/A",
    "token:\n  name: x\n  key: y\n",
    "credentials:\n  secretKeyRef:\n    name: x\n",
    "| password | The user's password |\n| token | string |",
    "| option | password |\n|---|---|\n| required | yes |\n| type | string |",
    "| tokens | 4096 |",
    "| Token | Id |\n|---|---|\n| hello | 7592 |\n| world | 2088 |",
    "name,token\nx,some words, and more\n",
    "password: |\n",
    'label("password", "Enter your password")',
    't("password", "Password")',
    'getpass("Password: ")',
    "validate(password, token)",
    "setPassword(password)",
    '<input type="password" name="password">',
    '<label for="password">Password</label>',
    '<button type="password">Show</button>',
    "user@1000.service: Failed, getty@tty1.service, app@2.socket, run-user@0.mount",
    "this@Activity.scope and this@MainActivity.finish() and super@Outer.run and return@launch.x",
    "x = +1.234567890e-05, y = +0.1234567890",
    "+48.8583701, +2.2944813",
    "at +1700000000 and +1700000000000 and +2147483648",
    "@@ -12345,7 +12345,9 @@ and 12:34:56.789 +0200",
    "credentials: 'include', credentials: \"same-origin\", credentials: 'omit'",
    "secrets: inherit, id-token: write",
    "xoxo-hugs-and-kisses",
    "hf_hub_download and hf_transformers_version, re_compile_pattern_cache_size",
    "jackson 2.10.5.1, from 2.9.10.5 to 2.9.10.7, esdk-obs-java:jar:3.20.4.2:compile",
    "see section 4.2.1.3 and chapter 10.1.2.4",
    "nvidia-cublas-cu117       11.10.1.25    pypi_0",
    "APP_VERSION_NAME=1.5.4.6",
    "RDD$$anonfun$map$1$$anonfun$apply$23.apply and lambda$run$5$Fragment0.call(X.java:1)",
    "s/(a)(b)/$1$2/ and $5.00 and echo $1",
    "[jetty-util-9.4.31.v20200723.jar:9.4.31.v20200723]",
    "docker run -p 8080:80 x, ssh -p 2222 host, mkdir -p some/folder1, git checkout -b fix=x1",
    "redis-cli -h db -p 6379 ping",
    "mysql -u root -p app",
    "AuthMethod TOKEN: code=82",
    "All tests pass: 324 Ruby specs",
    "execute_one_pass (pass=0xe3de80) at x.c:1",
    "file.java:1234:in:foo",
    f"certificate-authority-data: {CERTIFICATE}",
    "-----BEGIN CERTIFICATE-----\nMIIDBTCCAe2gAwIBAgIUS2\n-----END CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----\nMIIDBTCCAe2gAwIBAgIUS2\n-----END PUBLIC KEY-----",
    "primary key: user_id1, foreign key = order_id2, cache-key: page1",
    "phone: iPhone 12 mini, Mobile/15E148 Safari/604.1, tel: see below",
    "cell 12 of 1024, mobile 1080 x 1920",
    "object@meta.data and x@assays.RNA and ada@host.local:~$ ls and foo@bar.baz()",
    "password: !Ref DBPassword, password=%(password)s, PWD=/app and OLDPWD=/root",
    "OPENAI_API_KEY=sk-... or public_key_token=31bf3856ad364e35",
    'login("user", "page"), authenticate("jwt", "local"), connect("a", "b", "c")',
    "user:group@/path and IDENTIFIED BY it",
    "4.18.0.305 and 10.0.19045.3803 and 1.3.6.1.4.1.311",
    "take 1234567 rows",
)

ADDRESSES = (
    ("mail ada.l@example.org, please", "ada.l@example.org", "email"),
    ("Call me at +49 170 1234567.", "+49 170 1234567", "phone"),
    ("tel +33 1 23 45 67 89", "+33 1 23 45 67 89", "phone"),
    ("reach +4917012345678 or", "+4917012345678", "phone"),
    ("US: +1 555-010-9999", "+1 555-010-9999", "phone"),
    ("it is +1 (555) 010-9999", "+1 (555) 010-9999", "phone"),
    ("phone: 0170 1234567", "0170 1234567", "phone"),
    ("Tel.: (030) 1234567", "(030) 1234567", "phone"),
    ("my phone number is 555-010-9999", "555-010-9999", "phone"),
    ("Mobile 07700 900123", "07700 900123", "phone"),
    ("WhatsApp: 5550109999", "5550109999", "phone"),
    ("Telefon 030/12345678", "030/12345678", "phone"),
    ("电话：13800138000", "13800138000", "phone"),
    ("the server at 51.15.42.7 answers", "51.15.42.7", "ip"),
    ("request from 93.184.216.34", "93.184.216.34", "ip"),
    ("host 5.9.1.2 is down", "5.9.1.2", "ip"),
    ("ping 8.8.4.4", "8.8.4.4", "ip"),
    ("at 3.5.7.9:8443", "3.5.7.9", "ip"),
)


@pytest.mark.parametrize("secret", [WORD, LONG])
@pytest.mark.parametrize(
    "form",
    [*FORMS, *TABLES, *BLOCKS, *CALLS, *SOURCES, *HTTP, *COMMANDS, *LANGUAGES, *PROSE, *SERVERS],
)
def test_a_secret_is_found_in_every_notation(form: str, secret: str) -> None:
    redacted = redact(form.format(secret))
    assert secret not in redacted
    assert "[redacted:" in redacted


@pytest.mark.parametrize(("form", "secret"), WHOLE)
def test_no_line_of_a_key_stays(form: str, secret: str) -> None:
    redacted = redact(form.format(secret, LONG))
    assert not [line for line in secret.split() if line in redacted]


@pytest.mark.parametrize("form", HASHES)
@pytest.mark.parametrize(
    "password_hash",
    [
        "$ap" + "r1$Zq7tLm4s$kd9WXyZ01AbCdEfGhIjKl1",
        "$6$" + "Zq7tLm4sKd9$" + "aB3dE6gH9jK2mN5pQ8sT1vW4xY7zA0cD" * 2,
        "$2b" + "$12$" + "abcdefghijklmnopqrstuvWXYZ0123456789abcdefghijklmnopq",
        "$argon2id$v=19$m=65536,t=3,p=4$"
        + "c29tZXNhbHQxMjM0$"
        + "RdescudvJCsgt3ub+b5dWRWJTmaaJObG",
        "{SS" + "HA}" + "MGE1YzJmM2Q0ZTVmNjA3MTgyOTNhNGI1",
        "pbkdf2_sha256$600000$" + "Zq7tLm4sKd9W$" + "aB3dE6gH9jK2mN5pQ8sT1vW4xY7zA0cD",
    ],
)
def test_a_hash_of_a_password_is_replaced(form: str, password_hash: str) -> None:
    assert password_hash[-12:] not in redact(form.format(password_hash))


@pytest.mark.parametrize("token", TOKENS)
def test_a_token_is_known_by_its_prefix(token: str) -> None:
    for form in ("{}", "export X {}", "it is `{}`.", "a={}&b", "X_{}"):
        assert token[-12:] not in redact(form.format(token))


@pytest.mark.parametrize("text", KEPT)
def test_harmless_text_of_the_same_notations_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(("text", "address", "name"), ADDRESSES)
def test_an_address_in_running_text_is_replaced(text: str, address: str, name: str) -> None:
    assert redact(text) == text.replace(address, f"[redacted:{name}]")
    assert redact(text, ["secrets"]) == text


@pytest.mark.parametrize("form", [*FORMS, *TABLES, *BLOCKS])
def test_the_rest_of_a_form_or_table_stays(form: str) -> None:
    redacted = redact(form.format(LONG))
    kind = redacted.partition("[redacted:")[2].partition("]")[0]
    assert redacted == form.format(f"[redacted:{kind}]")
