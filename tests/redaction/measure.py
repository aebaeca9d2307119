"""Runs the redaction over the attack sets and over real issues, and counts."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.core.text.redact import redact
from tests.outside import attacks, second
from tests.redaction.reviewed import EXAMPLE_ADDRESS, RIGHT, WRONG
from tests.shared import require

ISSUES = 2_000
MAX_BODY = 64_000  # characters; more of a body is never in a prompt
MAX_FALSE_ALARMS = 1 / 200
CONTEXT_CHARS = 50
MARK = re.compile(r"\[redacted:([a-z-]+)\]")


@dataclass(frozen=True, slots=True)
class Finding:
    """A redaction in a real issue; `verdict` is right, false alarm, or unread for a new one."""

    kind: str
    value: str
    context: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Measurement:
    planted: int
    missed: list[str]
    harmless: int
    changed: list[str]
    issues: int
    issues_redacted: int
    false_alarms: int
    findings: list[Finding]

    @property
    def found(self) -> int:
        return self.planted - len(self.missed)

    @property
    def kept(self) -> int:
        return self.harmless - len(self.changed)


def measure(shared: Path, issues: int = ISSUES) -> Measurement:
    """Return the numbers; an unread redaction in a real issue counts as a false alarm."""
    planted = list(read_planted(shared))
    secrets = [(id_, text, s) for id_, text, values, _ in planted for s in values]
    harmless = [(id_, text, k) for id_, text, _, kept in planted for k in kept]
    texts = read_issues(shared, issues)
    findings = [list(find_redactions(text)) for text in texts]
    return Measurement(
        planted=len(secrets),
        missed=[f"{id_}: {s}" for id_, text, s in secrets if s in redact(text)],
        harmless=len(harmless),
        changed=[f"{id_}: {k}" for id_, text, k in harmless if k not in redact(text)],
        issues=len(texts),
        issues_redacted=sum(map(bool, findings)),
        false_alarms=sum(any(f.verdict != "right" for f in group) for group in findings),
        findings=list({(f.kind, f.value): f for group in findings for f in group}.values()),
    )


def read_planted(shared: Path) -> Iterator[tuple[str, str, list[str], list[str]]]:
    """Yield id, text, secrets and harmless texts of each case of both sets that has any."""
    for case in attacks.cases(shared, "issues.jsonl"):
        text = attacks.filled(f"{case['title']}\n{case.get('body') or ''}", case)
        yield case["id"], text, attacks.secrets_of(case), list(case.get("keep", ()))
    for hostile in second.read(require(shared / "attacks" / "second.jsonl")):
        wanted = hostile.wanted
        if "secrets" in wanted or "keeps" in wanted:
            expanded = hostile.expand()
            text = f"{expanded.title}\n{expanded.body}"
            yield hostile.id, text, wanted.get("secrets", []), wanted.get("keeps", [])


def read_issues(shared: Path, count: int) -> list[str]:
    """Return title and body of so many issues of all sets, chosen by the hash of their text."""
    texts = set[str]()
    for path in sorted(require(shared / "eval").glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as rows:
            texts |= {
                f"{row['title'] or ''}\n{row['body'] or ''}"[:MAX_BODY]
                for row in map(json.loads, rows)
                if "title" in row and "body" in row
            }
    return sorted(texts, key=lambda text: hashlib.sha256(text.encode()).hexdigest())[:count]


def find_redactions(text: str) -> Iterator[Finding]:
    """Yield what `redact` replaces, by comparing the parts that it keeps with the text."""
    kept = MARK.split(redact(text))
    position = len(kept[0])
    for kind, after in zip(kept[1::2], kept[2::2], strict=True):
        end = text.find(after, position + 1) if after else len(text)
        value = text[position:end]
        if value != EXAMPLE_ADDRESS:
            before = text[max(0, position - CONTEXT_CHARS) : position]
            context = f"{before}[{value}]{after[:CONTEXT_CHARS]}"
            yield Finding(kind, value, " ".join(context.split()), judge(kind, value))
        position = end + len(after)


def judge(kind: str, value: str) -> str:
    """Return the verdict of the person who read the redaction."""
    digest = hashlib.sha256(f"{kind}:{value}".encode()).hexdigest()[:16]
    if digest in WRONG:
        return "false alarm"
    return "right" if digest in RIGHT else f"unread {digest}"
