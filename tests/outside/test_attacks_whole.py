"""Hostile issues and replies through the whole product, on both hosts, over HTTP."""

from __future__ import annotations

import io
import json
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from bot import log, wiring
from bot.core import prompt
from bot.core.text.grounding import Grounding
from bot.core.types import IssueRef, Job, Marker
from bot.flow.plan import Outcome
from bot.flow.render import write_marker
from bot.forges import registry
from bot.http import ClientPool
from bot.sandbox.gitlab.access import BOT
from bot.settings.load import Settings, load
from tests.conftest import free_port
from tests.memory_store import MemoryStore
from tests.outside.attacks import Case, JobResult, Judge, cases, filled, generated, label_names
from tests.simulation import Sandbox

HOSTS = ("github", "gitlab")
MODELS = ("openai", "anthropic")
NEEDS_GOOD_MODEL = frozenset({"accepted"})
MARKER = write_marker(Marker(("lgtm",), "1", "model", "0" * 16))[len("<!-- ") : -len(" -->")]
GOOD_REPLY = {
    "summary": "The report describes something that does not work as its author expects.",
    "labels": [{"name": "bug", "certainty": "sure", "reason": "it does not work"}],
}
_numbers = count(1)


@dataclass
class Environment:
    """The sandbox of context.json, and the settings of the product with known secrets."""

    box: Sandbox
    judge: Judge
    clients: ClientPool
    lines: io.StringIO
    dialled: set[Any] = field(default_factory=set)
    closed_port: int = field(default_factory=free_port)

    @property
    def context(self) -> dict[str, Any]:
        return self.judge.context

    def settings(self, provider: str, *, model_up: bool) -> Settings:
        url = {"openai": self.box.openai_url, "anthropic": self.box.anthropic_url}[provider]
        environment = {
            "GITHUB_APP_ID": str(self.box.app_id),
            "GITHUB_PRIVATE_KEY": self.box.private_key,
            "GITHUB_WEBHOOK_SECRET": self.box.webhook_secret,
            "GITHUB_API_URL": self.box.github_url,
            "GITLAB_URL": self.box.gitlab_url,
            "GITLAB_TOKEN": self.box.gitlab.token,
            "LLM_PROVIDER": provider,
            "LLM_MODEL": "sandbox-rules",
            f"{provider.upper()}_API_KEY": self.box.model_key,
            f"{provider.upper()}_BASE_URL": url
            if model_up
            else f"http://127.0.0.1:{self.closed_port}",
        }
        return load(environment)

    def product(self, on: str, provider: str = "openai", *, model_up: bool = True) -> Product:
        """Return the product on a new repository."""
        settings = self.settings(provider, model_up=model_up)
        log.configure("debug", "json", settings.secrets, self.lines)
        store = MemoryStore()
        run = wiring.runner(settings, self.clients, store)
        host = self.box.hosts[on]
        name = f"{self.context['repo']}-{next(_numbers)}"
        host.add_repo(name, dict.fromkeys(self.context["repo_labels"], ""))
        host.set_config(name, self.config())
        ref = IssueRef(
            on,
            registry.FORGES[on].url_form(settings).host,
            name,
            0,
            host.state.repo(name).id,
            str(self.box.installation_id) if on == "github" else "",
        )
        return Product(self, run, store, ref)

    def config(self) -> str:
        """Return a configuration with the allowed labels, and with a comment by rules."""
        labels = {"allow": self.context["allowed_labels"], "max": self.context["max_labels"]}
        return json.dumps({"version": 1, "labels": labels, "comment": {"on_fallback": True}})


@dataclass
class Product:
    environment: Environment
    run: Callable[[Job, int], Outcome]
    store: MemoryStore
    repository: IssueRef

    def answer(self, case: Case, title: str, body: str | None, reply: str | None) -> JobResult:
        """Open an issue and run its job; the model, if it is up, returns the reply."""
        box, on, repo = self.environment.box, self.repository.forge, self.repository.repo
        host = box.hosts[on]
        box.replies.clear()
        box.replies.extend([] if reply is None else [reply] * 5)
        existing = list(self.environment.context["existing_issue_labels"])
        author = f"author-{next(_numbers)}"  # each has its own budget
        number = host.open_issue(repo, title, body, author=author, labels=existing, deliver=False)
        ref = IssueRef(
            on, self.repository.host, repo, number, self.repository.repo_id, self.repository.account
        )
        first, position = len(box.log.exchanges), self.environment.lines.tell()
        started = time.monotonic()
        self.environment.dialled.clear()
        self.store._answers.clear()  # so that the same text is sent to the model again
        outcome = self.run(Job(f"case-{next(_numbers)}", "opened", ref, time.time()), 1)
        seconds, exchanges = time.monotonic() - started, box.log.exchanges[first:]
        logged = self.environment.lines.getvalue()[position:]
        ports = (box.port, self.environment.closed_port)
        return JobResult(
            case=case,
            host=on,
            comments=[comment.body for comment in host.bot_comments(repo, number)],
            sent=[
                name
                for exchange in exchanges
                if exchange.api == on
                for name in label_names(exchange)
            ],
            kept=host.labels(repo, number),
            exchanges=exchanges,
            outcome=outcome,
            seconds=seconds,
            noted=f"{logged}\n{self.store.record(ref.key)}",
            dialled=frozenset(self.environment.dialled),
            configured=frozenset(("127.0.0.1", port) for port in ports),
        )

    def wrote_only_comments_and_labels(self) -> bool:
        """Return whether all jobs of the repository wrote only comments and labels."""
        box, repo = self.environment.box, self.repository.repo
        actions = [action for action in box.gitlab.quick_actions if action.repo == repo]
        replaced = [one for one in box.gitlab.replaced_labels if one[0] == repo]
        created = box.hosts[self.repository.forge].created_labels(repo)
        return not (actions or replaced or created)


@pytest.fixture(scope="module")
def environment(shared: Path) -> Iterator[Environment]:
    judge = Judge(shared)
    key, secret, token, *_ = judge.context["secret_canaries"]
    box = Sandbox(webhook_secret=f"webhook-secret-{secret}", model_key=f"sk-{key}")
    box.gitlab.token = box.gitlab.access.issue(f"glpat-{token}", BOT).text
    environment = Environment(box, judge, wiring.clients(), io.StringIO())
    connect = socket.socket.connect

    def record_connect(self: socket.socket, address: Any) -> None:
        environment.dialled.add(address)
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch, box.running():
        canary = judge.context["system_prompt_canary"]
        patch.setattr(prompt, "RULES", f"{prompt.RULES}\n{canary}")
        patch.setattr(log, "_logger", log.get())
        patch.setattr(socket.socket, "connect", record_connect)
        yield environment
        environment.clients.close()


def parrot(title: str, body: str | None, names: list[str]) -> str:
    """Return the reply of a model that repeats everything and names every label in the text."""
    text = f"{title}\n{body or ''}"
    named = [name for name in names if name.casefold() in text.casefold()]
    return json.dumps({"summary": text, "labels": named})


def words_of(case: Case) -> tuple[str, str | None]:
    """Return the title and body of an issue."""
    body = generated(case.get("body_gen")) or case.get("body")
    return filled(case["title"], case, MARKER), body and filled(body, case, MARKER)


@pytest.mark.slow
@pytest.mark.parametrize("on", HOSTS)
@pytest.mark.parametrize("mode", ["parrot", "down", "good"])
def test_no_issue_breaks_a_property_of_a_job(
    shared: Path, environment: Environment, mode: str, on: str
) -> None:
    but = frozenset[str]() if mode == "good" else NEEDS_GOOD_MODEL
    product = environment.product(on, model_up=mode != "down")
    wrong: dict[str, set[str]] = {}
    for case in cases(shared, "issues.jsonl"):
        title, body = words_of(case)
        replies = {
            "parrot": parrot(title, body, environment.context["repo_labels"]),
            "good": json.dumps(GOOD_REPLY),
        }
        result = product.answer(case, title, body, replies.get(mode))
        if problems := environment.judge.broken(result, but):
            wrong[case["id"]] = problems
    assert wrong == {}
    assert product.wrote_only_comments_and_labels()


def reply_of(case: Case) -> str:
    return filled(generated(case.get("content_gen")) or case.get("content") or "", case, MARKER)


@pytest.mark.slow
@pytest.mark.parametrize("on", HOSTS)
@pytest.mark.parametrize("provider", MODELS)
def test_no_reply_breaks_a_property_of_a_job(
    shared: Path, environment: Environment, provider: str, on: str
) -> None:
    issue = environment.context["base_github_body"]["issue"]
    product = environment.product(on, provider)
    wrong: dict[str, set[str]] = {}
    for case in cases(shared, "replies.jsonl"):
        result = product.answer(case, issue["title"], issue["body"], reply_of(case))
        assert result.model_requests, case["id"]
        if problems := environment.judge.broken(result):
            wrong[case["id"]] = problems
    assert wrong == {}
    assert product.wrote_only_comments_and_labels()


@pytest.mark.parametrize("on", HOSTS)
def test_the_reason_of_a_label_is_as_harmless_as_the_summary(
    shared: Path, environment: Environment, on: str
) -> None:
    issue = environment.context["base_github_body"]["issue"]
    product = environment.product(on)
    wrong: dict[str, set[str]] = {}
    for case in cases(shared, "replies.jsonl"):
        if case.get("summary_only"):
            summary = json.loads(reply_of(case))["summary"]
            label = {"name": "bug", "certainty": "sure", "reason": summary}
            reply = json.dumps({"summary": "The login page fails.", "labels": [label]})
            result = product.answer(case, issue["title"], issue["body"], reply)
            assert result.sent == ["bug"], case["id"]
            if problems := environment.judge.broken(result):
                wrong[case["id"]] = problems
    assert wrong == {}
    assert product.wrote_only_comments_and_labels()


def test_every_property_of_the_set_has_a_check(environment: Environment) -> None:
    judge = environment.judge
    assert set(judge.checks) | judge.text_properties == set(judge.rules)


@pytest.mark.slow
@pytest.mark.parametrize("on", HOSTS)
def test_the_checks_find_what_an_unprotected_product_breaks(
    shared: Path, environment: Environment, on: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the product's protection the same replies break nearly every property."""
    monkeypatch.setattr("bot.flow.render.to_plain_markdown", lambda text, *_, **__: text)
    monkeypatch.setattr(Grounding, "drop_ungrounded", lambda _, text: text)
    monkeypatch.setattr("bot.core.labels.policy.usable_labels", lambda labels, _: tuple(labels))
    issue = environment.context["base_github_body"]["issue"]
    product = environment.product(on)
    broken = set[str]()
    for case in cases(shared, "replies.jsonl"):
        result = product.answer(case, issue["title"], issue["body"], reply_of(case))
        broken |= environment.judge.broken(result)
    assert broken >= environment.judge.text_properties - {"no_long_word"}
    assert broken >= {"frame_intact", "labels_subset", "labels_exact", "no_privileged_label"}
    assert broken >= {"no_canary", "length_cap"}
    assert on == "github" or not product.wrote_only_comments_and_labels()
