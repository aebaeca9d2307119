"""One line per event; secrets are masked anywhere in it."""

from __future__ import annotations

import contextlib
import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bot import log

SECRET = "quokkaberry-0123456789"
MULTILINE = "-----BEGIN RSA PRIVATE KEY-----\nquokka+berry/=\n-----END RSA PRIVATE KEY-----"
QUOTED = 'quokka"berry\\0123'

Lines = Callable[..., io.StringIO]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Return a function that configures the log and returns its output stream."""

    def configure(level: str = "info", form: str = "json") -> io.StringIO:
        stream = io.StringIO()
        log.configure(level, form, (SECRET, MULTILINE, QUOTED), stream)
        return stream

    yield configure
    log.configure()


def events(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_line_of_json(lines: Lines) -> None:
    stream = lines()
    log.get().info("accepted\nand more", issue="github:acme/widget#41", labels=2, cost=None)
    (event,) = events(stream)
    assert event.pop("timestamp")
    assert event == {
        "event": "accepted\nand more",
        "level": "info",
        "issue": "github:acme/widget#41",
        "labels": 2,
        "cost": None,
    }


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_events_below_the_level_are_not_written(lines: Lines, level: str, shown: list[str]) -> None:
    stream = lines(level)
    for name in ("debug", "info", "warning", "error"):
        getattr(log.get(), name)("event")
    assert [event["level"] for event in events(stream)] == shown


def test_the_text_form_is_readable(lines: Lines) -> None:
    stream = lines(form="text")
    log.get().warning("using fallback", why="timeout")
    assert "using fallback" in stream.getvalue()
    assert "why=timeout" in stream.getvalue()
    assert "{" not in stream.getvalue()


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize("secret", [SECRET, MULTILINE, QUOTED], ids=["plain", "lines", "quotes"])
@pytest.mark.parametrize(
    "wrap",
    [
        str,
        lambda secret: f"before {secret} after",
        lambda secret: [secret],
        lambda secret: {"key": secret},
        lambda secret: {secret: "value"},
        lambda secret: (["deep", {"er": secret}],),
        ValueError,
    ],
    ids=["text", "within", "list", "value", "key", "deep", "exception"],
)
def test_a_known_secret_is_masked_anywhere(
    lines: Lines, form: str, secret: str, wrap: Callable[[str], object]
) -> None:
    stream = lines(form=form)
    log.get().info("sample", what=wrap(secret))
    log.get().info(f"sample {secret}")
    assert stream.getvalue().count("[masked]") >= 2
    assert "quokka" not in stream.getvalue()


# Texts with the form of a secret, known or not.
SECRET_FORMS = [
    "ghp_quokkaberry0123456789",
    "ghs_12345_eyJquokkaberry.eyJ0.sig-nature_x",
    "github_pat_11AAAA_quokkaberry",
    "glpat-quokkaberry.01.0a",
    "whsec_quokkaberry+/=",
    "sk-proj-quokkaberry_0123",
    "Bearer quokkaberry.x.y",
    "Authorization: bearer quokkaberry",
    "-----BEGIN PRIVATE KEY-----\nquokkaberry\n-----END PRIVATE KEY-----",
]


@pytest.mark.parametrize("text", SECRET_FORMS)
@pytest.mark.parametrize("form", ["json", "text"])
def test_a_text_with_the_form_of_a_secret_is_masked(lines: Lines, form: str, text: str) -> None:
    stream = lines(form=form)
    log.get().info("sample", what=text)
    assert "quokkaberry" not in stream.getvalue()
    assert "quokkaberry" not in log._masker(())(None, "", text)


@pytest.mark.parametrize(
    "text", ["risk-assessment-done", "task-management-tool", "a bug in github", "high_score", "sk-"]
)
def test_ordinary_words_are_not_masked(text: str) -> None:
    assert log._masker((SECRET,))(None, "", text) == text


# A short secret, a text with it, and what is logged.
SHORT_SECRETS = [
    (
        "pw",
        "the password pw of redis://:pw@redis",
        "the password [masked] of redis://:[masked]@redis",
    ),
    ("pw", "pwd and spw stay", "pwd and spw stay"),
    ("a", "a bad start", "[masked] bad start"),
    ("o", "one or two", "one or two"),
    ("p#s!", "it is p#s!, not xp#s!", "it is [masked], not xp#s!"),
    ("1234", "port 12345, code 1234", "port 12345, code [masked]"),
    ("redis77", "redis77 and redis778", "[masked] and redis778"),
]


@pytest.mark.parametrize(("secret", "text", "masked"), SHORT_SECRETS)
def test_a_short_secret_is_masked_as_a_word_only(secret: str, text: str, masked: str) -> None:
    assert log._masker((secret,))(None, "", text) == masked


def test_a_long_secret_is_masked_within_words() -> None:
    assert log._masker((SECRET,))(None, "", f"x{SECRET}y") == "x[masked]y"


def test_a_short_number_leaves_the_line_json(lines: Lines) -> None:
    stream = lines()
    log.mask_also(("1234", "41"))
    try:
        log.get().info("code 1234", port=1234, ports=[1234, 41], why="41")
    finally:
        log._added_secrets.clear()
    (event,) = events(stream)
    assert (event["event"], event["why"]) == ("code [masked]", "[masked]")
    assert (event["port"], event["ports"]) == (1234, [1234, 41])


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize("value", [object(), {1, 2}, ("\ud800",), b"\xff", {1: 2}, 2**70, "a\0b"])
def test_any_value_in_an_event_is_one_line_without_an_error(
    lines: Lines, form: str, value: object
) -> None:
    stream = lines(form=form)
    log.get().info("sample", what=value)
    assert stream.getvalue().count("\n") == 1
    assert "sample" in stream.getvalue()


def test_a_masked_line_of_json_is_still_json(lines: Lines) -> None:
    stream = lines()
    log.get().info("sample", what=f"Bearer {SECRET}", more={"key": MULTILINE}, last=1)
    (event,) = events(stream)
    assert event["last"] == 1


@pytest.mark.parametrize("name", log.LIBRARIES)
def test_only_warnings_of_a_library_are_logged(lines: Lines, name: str) -> None:
    stream = lines()
    logging.getLogger(name).info("details of %s", SECRET)
    logging.getLogger(name).warning("a problem with %s", SECRET)
    (event,) = events(stream)
    assert (event["event"], event["level"]) == ("a problem with [masked]", "warning")
    assert event["logger"] == name


def test_an_exception_of_a_library_is_logged_without_values(
    lines: Lines,
) -> None:
    stream = lines()
    try:
        raise ZeroDivisionError("the title was: zanzibarfish")
    except ZeroDivisionError:
        logging.getLogger("dramatiq").exception("failed")
    (event,) = events(stream)
    assert (event["level"], event["error"]) == ("error", "ZeroDivisionError")
    assert event["frames"][-1].startswith("test_log.py:")
    assert "zanzibarfish" not in stream.getvalue()


def test_frames_name_file_line_and_function() -> None:
    def inner() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as error:
        inner()
    last = log.frames(error.value.__traceback__)[-1]
    assert last.startswith("test_log.py:")
    assert last.endswith(" inner")
    assert log.frames(None) == []


def test_a_full_disk_loses_lines_and_no_job(lines: Lines) -> None:
    full = open("/dev/full", "w")  # noqa: SIM115 - closing it fails too
    log.configure("info", "json", (), full)
    log.get().info("lost")
    log.configure()
    with contextlib.suppress(OSError):
        full.close()
