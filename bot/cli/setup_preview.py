"""The preview on the setup page: the newest issues, compared as `tagline preview` does it."""

from __future__ import annotations

from bot import wiring
from bot.cli import bootstrap
from bot.cli.batch import PatientModel
from bot.cli.comparison import ComparisonOptions, compare_recent
from bot.cli.preview_report import build_report
from bot.core import refs
from bot.core.config import parser
from bot.core.setup import PreviewedIssue, SetupPreview, SetupProblem
from bot.core.text.money import format_usd
from bot.flow.load_config import choose_model
from bot.http import ClientPool
from bot.settings.load import Settings

ISSUES = 10
MAX_USD = 0.10


def preview_issues(settings: Settings, clients: ClientPool, repository: str) -> SetupPreview:
    """Return what Tagline would set, beside what the issues have. Raises the errors of a forge."""
    try:
        given = refs.repository(repository.strip(), wiring.url_forms(settings))
    except ValueError as error:
        raise SetupProblem(f"The repository cannot be read: {error}.") from None
    forge, ref = bootstrap.open_forge(settings, clients, given)
    services = wiring.models(settings.model, clients, wiring.no_store())
    models = {name: PatientModel(model) for name, model in services.items()}
    config = parser.restrict_models(parser.read(forge.get_config_text(ref)), models).config
    service = choose_model(config, models)
    name = next((name for name, model in models.items() if model is service), "")
    options = ComparisonOptions(limit=ISSUES, model=service, model_name=name, max_usd=MAX_USD)
    report = build_report(compare_recent(forge, ref, config, options))
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
