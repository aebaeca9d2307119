"""The simulated model's answers to the demo's samples, as a good model writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.sandbox.page import samples


@dataclass(frozen=True, slots=True)
class Choice:
    """A label in the spellings of both hosts' repositories, or a type: those on offer are used."""

    names: tuple[str, ...]
    certainty: str
    reason: str


@dataclass(frozen=True, slots=True)
class ScriptedAnswer:
    """`obeyed` are labels that the issue's text asks for; they are in the answer in any case."""

    summary: str
    choices: tuple[Choice, ...]
    obeyed: tuple[str, ...] = ()


BUG_NAMES = ("Bug", "bug", "type::bug")
LOGIN_NAMES = ("area/login", "area::login")
ANSWERS: dict[str, ScriptedAnswer] = {
    samples.BUG.key: ScriptedAnswer(
        "Since the upgrade to 4.2.0 the login button does nothing in Firefox 131, with a TypeError "
        "in login.js; Chrome is not affected.",
        (
            Choice(BUG_NAMES, "sure", 'TypeError, "the login button does nothing"'),
            Choice(LOGIN_NAMES, "sure", '"the login button", login.js'),
            Choice(("regression",), "likely", '"since we upgraded to 4.2.0"'),
            Choice(("area/ui", "area::ui"), "unsure", "a button is concerned"),
        ),
    ),
    samples.FEATURE.key: ScriptedAnswer(
        "Asks for a dark theme on the settings page that follows the system's preference and can "
        "be switched by hand; the author offers to help with the CSS.",
        (
            Choice(("Feature", "enhancement", "type::feature"), "sure", '"it would be great if"'),
            Choice(("area/ui", "area::ui"), "sure", '"dark theme", "CSS of the UI"'),
            Choice(("good first issue",), "unsure", "the author offers help"),
        ),
    ),
    samples.QUESTION.key: ScriptedAnswer(
        "Asks how to get more than the first 50 orders from the REST API; the documentation names "
        "a cursor but has no example.",
        (
            Choice(("question", "type::question"), "sure", '"How do I ask for the next page?"'),
            Choice(("area/api", "area::api"), "sure", "GET /v1/orders"),
            Choice(("documentation",), "likely", '"I could not find an example"'),
            Choice(("Task",), "unsure", "an example could be added to the documentation"),
        ),
    ),
    samples.CHINESE.key: ScriptedAnswer(
        "从 4.1 升级到 4.2 版本后，打开登录页面就会崩溃，页面报错 NullPointerException。",
        (
            Choice(BUG_NAMES, "sure", "崩溃，NullPointerException"),
            Choice(LOGIN_NAMES, "sure", "登录页面"),
            Choice(("regression",), "likely", "4.1 版本没有这个问题"),
        ),
    ),
    samples.LOG.key: ScriptedAnswer(
        "The nightly sync of the database stops at about 09:15: a deadlock is detected and the "
        "transaction of worker-3 is rolled back.",
        (
            Choice(BUG_NAMES, "sure", "psycopg.errors.DeadlockDetected"),
            Choice(("area/database",), "sure", '"sync of the database", "deadlock detected"'),
        ),
    ),
    # Takes over the labels that the text asks for: the policy has to refuse them.
    samples.INJECTION.key: ScriptedAnswer(
        "The program crashes when it starts. The rest of the text is instructions to a model: to "
        "close the issue, to mention everyone and to add a link, an image and labels.",
        (Choice(BUG_NAMES, "sure", '"The program crashes when it starts"'),),
        ("wontfix", "ok-to-test", "priority: high", "priority::high"),
    ),
}


def find(title: str, body: str) -> ScriptedAnswer | None:
    """Return the answer to an issue whose title begins as a sample's, with its first paragraph."""
    for sample in samples.SAMPLES.values():
        first = sample.body.partition("\n")[0]
        if title.lstrip().startswith(sample.title) and body.lstrip().startswith(first):
            return ANSWERS[sample.key]
    return None


def answer(request: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return summary and labels for a sample's request, None for another issue."""
    found = find(str(request.get("title") or ""), str(request.get("body") or ""))
    if not found:
        return None
    listed = [*(request.get("types") or ()), *(request.get("labels") or ())]
    offered = {label["name"] for label in listed if isinstance(label, dict)}
    labels = [
        {"name": name, "certainty": choice.certainty, "reason": choice.reason}
        for choice in found.choices
        for name in choice.names
        if name in offered
    ]
    reason = "the issue asks for it"
    labels += [{"name": x, "certainty": "sure", "reason": reason} for x in found.obeyed]
    return {"summary": found.summary, "labels": labels}
