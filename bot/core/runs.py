"""What became of the labels of a job, by what people did with them since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.core.corrections import Correction, Verdict, select_latest
from bot.core.jobs import JobRecord
from bot.core.labels.names import fold

# Where a verdict is counted, and whether only labels that the job set are.
EFFECTS: Mapping[Verdict, tuple[str, bool]] = {
    "kept": ("kept", True),
    "removed": ("removed", True),
    "added": ("added", False),
    "approved": ("added", False),
}


@dataclass(frozen=True, slots=True)
class Run:
    """A job, and the labels of its issue that people kept, removed and added since it began."""

    job: JobRecord
    kept: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    @property
    def applied(self) -> tuple[str, ...]:
        """Return the labels that the bot set."""
        return tuple(one.label for one in self.job.choices if one.applied)


def make_run(job: JobRecord, corrections: Iterable[Correction]) -> Run:
    """Return a job with what people did since; `corrections` are those of its issue."""
    run = Run(job)
    if not job.choices:  # a job that chose no labels is not judged by them
        return run
    applied = {fold(name) for name in run.applied}
    found: dict[str, list[str]] = {"kept": [], "removed": [], "added": []}
    for one in select_latest(corrections):
        effect, is_of_bot = EFFECTS.get(one.verdict, ("", False))
        # A forge's times may be whole seconds.
        if effect and one.at >= int(job.started) and (fold(one.label) in applied or not is_of_bot):
            found[effect].append(one.label)
    return Run(job, *(tuple(names) for names in found.values()))
