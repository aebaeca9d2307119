"""Tables on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.cli.bootstrap import measure_width, pad


def format_table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Yield the lines of a table. What a terminal would obey is shown as a question mark."""
    widths = [max(map(measure_width, column)) for column in zip(*rows, strict=True)]
    for cells in rows:
        line = "  ".join(pad(cell, width) for cell, width in zip(cells, widths, strict=True))
        yield "".join(x if x.isprintable() else "?" for x in line.rstrip())
