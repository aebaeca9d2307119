"""The preview on the setup page: the newest issues, compared as `tagline preview` does it."""

from __future__ import annotations

from bot import wiring
from bot.cli import bootstrap
from bot.cli.configured_preview import build_preview
from bot.core import refs
from bot.core.setup import PreviewedIssue, SetupPreview, SetupProblem
from bot.core.text.numbers import format_usd
from bot.http import ClientPool
from bot.settings.load import Settings

ISSUES = 10


def preview_issues(settings: Settings, clients: ClientPool, repository: str) -> SetupPreview:
    """Return what Tagline would set, beside what the issues have. Raises the errors of a forge."""
    try:
        given = refs.repository(repository.strip(), wiring.url_forms(settings))
    except ValueError as error:
        raise SetupProblem(f"The repository cannot be read: {error}.") from None
    forge, ref = bootstrap.open_forge(settings, clients, given)
    report = build_preview(forge, ref, settings, clients, limit=ISSUES)
    issues = [
        PreviewedIssue(
            issue["number"],
            issue["title"],
            tuple(label["name"] for label in issue["proposed"]),
            tuple(issue["actual"]),
            issue["summary"],
        )
        for issue in report["issues"]
    ]
    cost = format_usd(report["cost_usd"])
    return SetupPreview(report["repository"], report["sentence"], cost, tuple(issues))
