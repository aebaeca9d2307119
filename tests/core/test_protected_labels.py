"""Labels that only people set are protected in every spelling; similar ordinary ones are not."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.config.schema import LabelRules
from bot.core.labels.policy import usable_labels
from bot.core.types import Label

# By meaning; two blanks separate the spellings of a row.
PROTECTED_ROWS = {
    "wontfix": "wontfix  WontFix  status: wontfix  Won't Fix  won’t-fix  WONT_FIX  WoNtFiX  "
    "will not fix  closed/wont fix  status: 🚫 won't fix  resolution::wontfix  "
    "Resolution-Won't Do  wontfix (by design)",
    "duplicate": "duplicate  resolution/duplicate  Duplicate!  R-duplicate  possible duplicate  "
    "closed as duplicate  is:dupe  duplicate of #12  duplicate-issue  not a duplicate  "
    "bug (duplicate)  *duplicate*",
    "invalid": "invalid  Invalid ❌  state/invalid  closed: invalid  invalid/not-a-bug  {invalid}",
    "stale": "stale  status::stale  stale 💤  lifecycle/stale  no-stale  2.status: stale  "
    "Stale::Closed  stale closing soon  ＳＴＡＬＥ",
    "spam": "spam  spam?  [Spam]  marked as spam  likely-spam  s.p.a.m",
    "good first issue": "good first issue  GoodFirstIssue  good_first_issue  goodfirstissue  "
    "good.first.issue  :wave: Good First Issues  D-Good-First-Issue  good first bug  "
    "docs: good 1st issue  first-timers-only  good—first—issue",
    "help wanted": "help wanted  Help Wanted!  help_wanted  HelpWanted  E-help-wanted  "
    "help\u2011wanted 🙋",
    "triage/accepted": "Triage: Accepted  triage-accepted  ✔ triage accepted",
    "priority": "priority: high  priority/p2  P0  p4  Priority - High  high-priority  "
    "HighPriority  highpriority  priority_critical  prio/1  Prio1  Prio: Low  pri-1  "
    "Priority: Medium (P2)  [P1] crash  P:1  P-2  p 3  P_4  P1: must fix  P0-critical  P0/P1  "
    "p-medium  bug-p1  🅿️0  P 0️⃣  Ⓟ①  Priorität: hoch  priority (queue)  top priority  "
    "needs-priority",
    "severity": "severity-1  SEV: 3  sev1  sev-2  Severity High 🔥  high severity  "
    "severity: blocker  1.severity: mass-rebuild",
    "security": "security  security-fix  Security 🔒  :lock: security  #security  ~security  "
    "type=>security  type > security  type-security  TYPE_SECURITY  [security] login  "
    "bug, security  🛡 potential security issue  SecurityFix  needs-security-review  sécurity  "
    "sec\u200burity  sec\u00adurity  ѕесurіty  ꜱᴇᴄᴜʀɪᴛʏ  s e c u r i t y  s\u0336e\u0336curity  "
    "label： security  x∕security  security-vulnerability  :package: security",
    "release": "release-blocker  release/2.0  Release 1.2  release2024  release candidate  "
    "needs-release  🚢 release  next release  v2-release  publish-release  blocks release  "
    "release-note-none",
    "backport": "backport 1.2  back-port  BackportToV2  auto-backport  backport requested (1.x)  "
    "no-backport  branch-4-backport",
    "lgtm": "lgtm  LGTM 👍  👍 lgtm  L.G.T.M.  lgtm/alice  looks good to me",
    "approved": "approved  ✅ Approved  approved-by-me  pre-approved  api-approved  "
    "CherryPickApproved",
    "ok-to-test": "ok-to-test  OK_to_test  okToTest  oktotest  ok\u00a0to\u00a0test ✅  "
    "needs-ok-to-test  safe to test",
    "automerge": "automerge  AutoMerge  auto merge  auto-merge-squash  automerge: rebase  "
    "AUTO_MERGE 🤖  enable auto-merge  merge: auto",
    "deploy": "deploy-preview  deploy: staging  DeployToProd  ready-to-deploy  🚀deploy  "
    "re-deploy  cloud-deploy  deploy 🚦 preview",
    "do-not-merge": "do-not-merge  Do Not Merge ⛔  DoNotMerge  donotmerge  DON'T MERGE  "
    "dont_merge  DNM  do-not-merge/on-ice  pr: do not merge yet",
    "machines": "ai-review  AI: triage  ai/fix  ai_fix  AIFix  A.I. fix  🤖 ai-fix  "
    "needs-ai-review  @claude  Claude Code  agent: claude-fix  copilot  Copilot/fix",
}
ORDINARY_ROWS = {
    "other words": "bug  area/login  reproducible  mail  enhancement  api  test  merge  "
    "merge-conflict  auto  autoscaling  hold  work-in-progress  critical  urgent  high  "
    "needs-review  cloud  kind/regression",
    "invalid": "invalid-url  invalid-input  InvalidDate  invalid-token  invalidation  validated",
    "duplicate": "duplicate-key  DuplicateKey  duplicated rows  duplication  deduplicate",
    "stale": "stale-cache  stale data  stale-while-revalidate  staleness  stalled",
    "spam": "spam-filter  anti-spam  spammy",
    "invitations": "first issue  good second issue  helper  second-opinion-wanted",
    "triage": "accepted  needs-triage  triage/needs-information",
    "priority": "prioritize-queue  I-prioritize  priority-queue  PriorityQueue  priority inbox  "
    "thread-priority  P5  p5  p10  p2p  p99-latency  p3-lib  p4-plugin  integration: p1_monitor  "
    "mp4",
    "severity": "severe  severity-levels-ui  log-severity",
    "security": "secure  insecure  security-headers  SecurityManager  cybersecurity  "
    "web-security  bug::vulnerability",
    "release": "released  unreleased  releases  pre-release  release-notes",
    "backport": "backporting  backported",
    "approved": "approver  approval-flow  unapproving",
    "automerge": "auto-merge conflicts  automerger",
    "deploy": "deployment  deployer  kind/deployments  deploy-key",
    "machines": "AI  aid  aidriven  airflow  aiohttp  openai  AI/ML  maintainer  generative ai",
    "below an area": "area/deployment  area/deploy  area-System.Security  Area: Security  "
    "area: P0  🔒 area/security  :lock: area/security  AREA_SECURITY  areas/release  "
    "component: security  component/deploy  Component - Priority  module: security  "
    "package release  pkg:release  "
    "packages/backport  pkg-security  topic/priority  6.topic: security  topic::severity  "
    "scope: ai-engine  scope(security)",
}


def rows(table: dict[str, str]) -> list[Any]:
    return [
        pytest.param(name, id=f"{meaning}-{number}")
        for meaning, row in table.items()
        for number, name in enumerate(row.split("  "))
    ]


PROTECTED, ORDINARY = [*rows(PROTECTED_ROWS), "Good  First Issue"], rows(ORDINARY_ROWS)


@pytest.mark.parametrize("name", PROTECTED)
def test_a_label_is_protected_in_every_spelling(name: str) -> None:
    label = Label(name)
    assert usable_labels([label], LabelRules()) == ()
    assert usable_labels([label], LabelRules(allow=("*", f"{name[:3]}*"))) == ()


@pytest.mark.parametrize("name", PROTECTED)
def test_its_exact_name_permits_a_protected_label_unless_it_is_denied(name: str) -> None:
    label = Label(name)
    assert usable_labels([label], LabelRules(allow=(f" {name.upper()} ",))) == (label,)
    assert usable_labels([label], LabelRules(allow=(name,), deny=("*",))) == ()


def test_the_exact_name_of_one_spelling_permits_no_other() -> None:
    labels = [Label("type: security"), Label("type/security"), Label("security")]
    assert usable_labels(labels, LabelRules(allow=("type: security",))) == (labels[0],)


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_label_that_looks_similar_stays_usable(name: str) -> None:
    assert usable_labels([Label(name)], LabelRules()) == (Label(name),)


@pytest.mark.parametrize(
    "name", ["", " ", "/", "::", "[]", "🔥", "☃ ☂", "バグ", "пример", "\ud800", "`x` ``y"]
)
def test_a_name_without_protected_words_stays_usable(name: str) -> None:
    assert usable_labels([Label(name)], LabelRules()) == (Label(name),)


def test_the_tables_have_enough_rows() -> None:
    assert len(PROTECTED) >= 150
    assert len(ORDINARY) >= 80


@pytest.mark.parametrize("part", ["need to ", "a/", ":a:", "priority-queue ", "- ", "é", "p "])
def test_very_long_names_are_compared_too(part: str) -> None:
    name = part * 20_000
    assert usable_labels([Label(name)], LabelRules()) == (Label(name),)
    assert usable_labels([Label(f"{name}/wontfix")], LabelRules()) == ()
