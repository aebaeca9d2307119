"""The plots of the admin page: bars per day, with the same numbers as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.core.day_figures import DayFigures
from bot.core.text.numbers import format_share, format_usd
from bot.core.text.sources import LABELLERS
from bot.web.admin.times import format_day, format_seconds

HEIGHT, STEP, WIDTH = 100.0, 10.0, 8.0  # in units of the drawing, which is stretched to its box


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a day's bar; `series` is the number of its color."""

    x: float
    y: float
    height: float
    series: int


@dataclass(frozen=True, slots=True)
class Plot:
    """`rows` are the table: a day and its cells. `top` is the value at the upper edge."""

    name: str
    title: str
    summary: str
    series: tuple[str, ...]
    bars: tuple[Bar, ...]
    rows: tuple[tuple[str, ...], ...]
    top: str
    width: float
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class _Definition:
    """How a plot is made: the height of each series of a day, and its cells in the table.

    `limit` is the highest value that there can be, 0 for the highest that there is.
    """

    name: str
    title: str
    series: tuple[str, ...]
    measure: Callable[[DayFigures], tuple[float, ...]]
    cells: Callable[[DayFigures], tuple[str, ...]]
    format: Callable[[float], str]
    limit: float = 0.0


def _measure_seconds(day: DayFigures) -> tuple[float, ...]:
    half, most = day.find_seconds(0.5) or 0.0, day.find_seconds(0.95) or 0.0
    return half, most - half


DEFINITIONS = (
    _Definition(
        "answers",
        "Answers per day, by what chose the labels",
        tuple(LABELLERS.values()),
        lambda day: tuple(float(day.answered.get(name, 0)) for name in LABELLERS),
        lambda day: tuple(f"{day.answered.get(name, 0):,}" for name in LABELLERS),
        lambda value: f"{value:,.0f}",
    ),
    _Definition(
        "kept",
        "Labels that people kept, of those that they judged that day",
        ("kept",),
        lambda day: (100 * (day.kept_share or 0.0),),
        lambda day: (f"{format_share(day.kept_share)} of {day.judged:,}" if day.judged else "-",),
        lambda value: format_share(value / 100),
        100.0,
    ),
    _Definition(
        "cost",
        "Cost of model calls per day",
        ("cost",),
        lambda day: (day.usd,),
        lambda day: (format_usd(day.usd),),
        format_usd,
    ),
    _Definition(
        "seconds",
        "Time of an answer: half of them, and 95 % of them, took less",
        ("half (p50)", "95 % (p95)"),
        _measure_seconds,
        lambda day: tuple(format_seconds(day.find_seconds(share)) for share in (0.5, 0.95)),
        format_seconds,
    ),
)


def draw_plots(days: Sequence[DayFigures]) -> tuple[Plot, ...]:
    return tuple(_draw(one, days) for one in DEFINITIONS)


def _draw(one: _Definition, days: Sequence[DayFigures]) -> Plot:
    values = [one.measure(day) for day in days]
    highest = max((sum(parts) for parts in values), default=0.0)
    top = one.limit or highest or 1.0
    bars: list[Bar] = []
    for number, parts in enumerate(values):
        y = HEIGHT
        for series, value in enumerate(parts):
            height = round(HEIGHT * value / top, 2)
            y = round(y - height, 2)
            if height:
                bars.append(Bar(number * STEP + (STEP - WIDTH) / 2, y, height, series))
    names = [format_day(day.day) for day in days]
    summary = (
        f"{one.title}. {len(days)} days, the highest value is {one.format(highest)}."
        " The table below has the numbers."
        if highest
        else f"{one.title}. There is nothing yet."
    )
    return Plot(
        name=one.name,
        title=one.title,
        summary=summary,
        series=one.series,
        bars=tuple(bars),
        rows=tuple((format_day(day.day), *one.cells(day)) for day in days if not day.is_empty),
        top=one.format(top) if highest else "",
        width=len(days) * STEP,
        first=names[0],
        last=names[-1],
    )
