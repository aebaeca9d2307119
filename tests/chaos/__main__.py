"""`python -m tests.chaos SCENARIO ...`: run scenarios, print their figures, exit 1 on a failure."""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

import click

from tests.chaos.scenarios import SCENARIOS


@click.command()
@click.argument("names", nargs=-1, required=True, type=click.Choice(list(SCENARIOS)))
@click.option("--seed", type=int, default=None, help="Repeat the random choices of an earlier run.")
@click.option("--scale", type=float, default=1.0, help="Factor for the number of issues.")
@click.option(
    "--limit",
    type=float,
    default=None,
    help="Seconds in which every issue must reach its end state.",
)
def main(names: tuple[str, ...], seed: int | None, scale: float, limit: float | None) -> None:
    """Run scenarios in turn. Logs and Redis's files are kept in the folder that is printed."""
    passed = True
    for name in names:
        folder = Path(tempfile.mkdtemp(prefix=f"tagline-chaos-{name}-"))
        chosen = random.randrange(10**6) if seed is None else seed
        click.echo(f"== {name} (seed {chosen})")
        outcome = SCENARIOS[name](folder, chosen, scale, limit)
        for line in outcome.lines:
            click.echo(line)
        click.echo(f"{'passed' if outcome.passed else 'FAILED'}; logs are in {folder}\n")
        passed = passed and outcome.passed
    sys.exit(not passed)


if __name__ == "__main__":
    main()
