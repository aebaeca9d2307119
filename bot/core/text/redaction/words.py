"""The words that name secrets, in many languages, and the prefixes of the vendors' tokens."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

PASSWORD_WORDS = ("password", "passwort", "passwd", "passphrase", "passord", "pwd")
FOREIGN_PASSWORD_WORDS = (
    *("kennwort", "contraseña", "contrasena", "contrasenya", "senha", "palavra-passe", "lozinka"),
    *(
        "palavra passe",
        "mot de passe",
        "wachtwoord",
        "lösenord",
        "losenord",
        "adgangskode",
        "hasło",
    ),
    *("salasana", "jelszó", "slaptažodis", "şifre", "mật khẩu", "kata sandi"),
    *("clave de acceso", "wlan-schlüssel", "wlan schlüssel", "wifi-passwort"),
)
OTHER_SCRIPT_PASSWORD_WORDS = (
    *("пароль", "пароля", "лозинка", "парола", "κωδικός πρόσβασης", "סיסמה", "סיסמא"),
    *("كلمة المرور", "كلمة السر", "رمز عبور", "पासवर्ड", "รหัสผ่าน", "密码", "密碼", "口令"),
    *("パスワード", "暗証番号", "비밀번호", "암호"),
)
# Words that mean other things too, or are parts of other words: only with a digit in the value.
WEAK_PASSWORD_WORDS = (
    *("pass", "pw", "psk", "mdp", "clave", "parola", "parole", "parool", "heslo", "haslo", "geslo"),
    *("jelszo", "sifre", "sandi", "κωδικός", "passcode", "pin code"),
)
TOKEN_WORDS = ("token", "authorization", "credential", "sessid", "session id")
SECRET_WORDS = ("secret",)
KEY_WORDS = (
    *("private", "encryption", "session", "signing", "api", "app", "access", "account", "auth"),
    *("license", "master", "subscription", "function", "functions", "fastly", "application"),
    *(
        "admin",
        "storage",
        "service",
        "role",
        "consumer",
        "client",
        "shared",
        "wpa",
        "wifi",
        "instrumentation",
    ),
)
FOREIGN_TOKEN_WORDS = (
    *("api-schlüssel", "zugangsschlüssel", "clé api", "clé d'api", "clave api", "clave de api"),
    *("chave api", "chave de api", "chiave api", "api-sleutel", "api-nyckel", "klucz api"),
    *("ключ api", "api-ключ", "api ключ", "токен", "секрет", "密钥", "令牌", "金鑰", "apiキー"),
    *("トークン", "api 키", "api키", "토큰"),
)
# What may follow a prefix: letters, digits and these, 16 or more, with digits among them.
TOKEN_PREFIXES = (
    *("hf_", "api_org_", "gsk_", "csk-", "r8_", "xai-", "pplx-", "tvly-", "nvapi-", "pcsk_", "fw_"),
    *("rpa_", "tgp_v1_", "lsv2_pt_", "lsv2_sk_", "wandb_v1_", "e2b_", "bb_live_"),
    *("pul-", "NRAK-", "NRII-", "lin_api_", "lin_oauth_", "glsa_", "glc_", "hvs.", "hvb.", "hvr."),
    *("figd_", "figu_", "figo_", "dckr_pat_", "dckr_oat_", "rubygems_", "sntrys_", "sntryu_"),
    *("sbp_", "sb_secret_", "tskey-", "ntn_", "PMAK-", "dp.pt.", "dp.st.", "dp.ct."),
    *(
        "dp.sa.",
        "dp.scim.",
        "dp.audit.",
        "CCIPAT_",
        "CCIPRJ_",
        "pscale_",
        "AGE-SECRET-KEY-",
        "dapi",
    ),
    *("sqp_", "sqa_", "squ_", "xkeysib-", "xsmtpsib-", "nfp_", "nfc_", "nfo_", "nfu_", "ops_eyJ"),
    *("vcp_", "vck_", "vci_", "vca_", "vcr_", "cfut_", "cfat_", "cfk_", "FlyV1 ", "fm1r_", "fm2_"),
    *("fo1_", "napi_", "phx_", "phs_", "pnu_", "pnb_", "polar_oat_", "rdme_", "rnd_", "sgp_"),
    *("shippo_live_", "shippo_test_", "duffel_live_", "duffel_test_", "dt0c01.", "dt0s01."),
    *("dt0s16.", "CFPAT-", "CLOJARS_", "bkua_", "bkpt_", "ddp_", "ddw_", "ico-", "mdb_sa_sk_"),
    *("snyk_uat.", "sha256~", "aio_", "LTAI", "AKID", "AQVN", "AKCp", "cmVmdGtu", "EZAK", "EZTK"),
    *("FLWSECK", "pat-na1-", "pat-na2-", "pat-eu1-", "pat-ap1-", "tfp_", "zpka_", "s-s4t2ud-"),
    *("s-s4t2af-", "fio-u-", "dnkey-", "tk-us-", "sl.u.", "sl.B", "AQ.Ab", "ABSK", "pk-lf-"),
    *("tr_dev_", "tr_prod_", "sk_prod_", "EAAC", "EAAM", "EAAG", "EAAB", "eyJrIjoi"),
)


def compile_words(words: Iterable[str], *, is_whole: bool = False) -> str:
    """Return a pattern of the words in upper and lower case, with `_`, `-` or no blank in them.

    It starts with one character class. If `is_whole`, no letter or digit may precede it.
    """
    rests: dict[str, list[str]] = defaultdict(list)
    for word in words:
        rests[word[0]].append("[ _-]?".join(map(re.escape, word[1:].split(" "))))
    firsts = "".join(first + first.upper() * (first != first.upper()) for first in rests)
    boundary = r"(?<![^\W_].)" if is_whole else ""
    branches = "|".join(
        f"(?<=[{first}{first.upper()}])(?i:{'|'.join(sorted(rest, key=len, reverse=True))})"
        for first, rest in rests.items()
    )
    return f"[{firsts}]{boundary}(?:{branches})"


def compile_prefixes(prefixes: Iterable[str]) -> str:
    """Return a pattern of the texts, in branches by their first characters."""
    rests: dict[str, list[str]] = defaultdict(list)
    for prefix in prefixes:
        rests[prefix[0]].append(re.escape(prefix[1:]))
    return "|".join(f"{first}(?:{'|'.join(rest)})" for first, rest in rests.items())


def compile_keys(qualifiers: Iterable[str]) -> str:
    """Return a pattern of "key" after one of the words, as in `api-key`, `APIKEY` and `Api key`."""
    before = (rf"(?<=(?i:{word})[ _-]..)|(?<=(?i:{word})..)" for word in qualifiers)
    return rf"[kK](?:[eE])(?:{'|'.join(before)})[yY]"


def list_literals(words: Iterable[str]) -> tuple[str, ...]:
    """Return the longest parts of the words, in lower case, one of which each match contains."""
    return tuple(dict.fromkeys(max(word.lower().split(" "), key=len) for word in words))
