"""A summary in another language than its issue is detected, and only where that is certain."""

from __future__ import annotations

import pytest

from bot.core.text.language import differ

GERMAN = (
    "Beim Anmelden stürzt die Seite ab, wenn das Feld leer ist und der Nutzer auf Enter drückt."
)
ENGLISH = "The page crashes on login when the field is empty and the user presses enter."
FRENCH = "La page plante quand le champ est vide et que l'utilisateur appuie sur la touche Entrée."
CHINESE = "升级之后登录按钮没有任何反应，浏览器控制台显示一个错误。"
JAPANESE = "アップグレード後、ログインボタンが反応しません。"
RUSSIAN = "После обновления кнопка входа не работает в браузере."


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ENGLISH, CHINESE),
        (CHINESE, ENGLISH),
        (ENGLISH, RUSSIAN),
        (ENGLISH, GERMAN),
        (GERMAN, ENGLISH),
        (FRENCH, ENGLISH),
    ],
)
def test_a_summary_in_another_language_is_detected(one: str, other: str) -> None:
    assert differ(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ENGLISH, ENGLISH),
        (GERMAN, GERMAN),
        (CHINESE, CHINESE),
        (CHINESE, JAPANESE),  # one script may be both: not sure
        ("Login crash", CHINESE[:4]),
        ("TypeError: x is undefined", GERMAN),
        (CHINESE, f"{CHINESE}\n```\nTypeError: form.requestSubmit is not a function\n```"),
        (f"{CHINESE} `LoginButton` Firefox", f"Login {CHINESE}"),
        ("", ENGLISH),
        ("1234 5678", "!!!"),
    ],
)
def test_where_it_is_not_certain_the_languages_do_not_differ(one: str, other: str) -> None:
    assert not differ(one, other)


def test_names_in_a_foreign_text_do_not_change_its_language() -> None:
    assert not differ(f"Firefox Chrome Safari: {RUSSIAN}", f"Login Button {RUSSIAN}")
