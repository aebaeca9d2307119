"""`python -m tests.chaos SCENARIO`: run it, print its figures, exit 1 on a broken promise."""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

import click

from tests.chaos.scenarios import SCENARIOS


@click.command()
@click.argument("names", nargs=-1, required=True, type=click.Choice(list(SCENARIOS)))
@click.option("--seed", type=int, default=None, help="Repeats the choices of an earlier run.")
@click.option("--scale", type=float, default=1.0, help="So many times as many issues.")
@click.option("--limit", type=float, default=None, help="Seconds until all must be at rest.")
def main(names: tuple[str, ...], seed: int | None, scale: float, limit: float | None) -> None:
    """Logs and Redis's files stay in a folder that is named at the end."""
    good = True
    for name in names:
        folder = Path(tempfile.mkdtemp(prefix=f"tagline-chaos-{name}-"))
        chosen = random.randrange(10**6) if seed is None else seed
        click.echo(f"== {name} (seed {chosen})")
        outcome = SCENARIOS[name](folder, chosen, scale, limit)
        for line in outcome.lines:
            click.echo(line)
        click.echo(f"{'good' if outcome.good else 'BROKEN'}; logs are in {folder}\n")
        good = good and outcome.good
    sys.exit(not good)


if __name__ == "__main__":
    main()
