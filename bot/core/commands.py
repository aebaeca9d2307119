"""Commands in comments: lines such as `/tagline redo` or `@bot-name redo`.

A line counts as people see it: not in a quote, code or an HTML comment. Where Markdown leaves room
for doubt, it does not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

CommandName = Literal["redo", "why", "undo", "off", "on"]

NAMES: dict[str, CommandName] = {name: name for name in get_args(CommandName)}
SWITCHES = ("on", "off")
# Of a comment, the part in which commands are found, and its longest line with one.
MAX_COMMENT, MAX_LINES, MAX_LINE = 65_536, 2_000, 400  # characters, lines, characters
MAX_DONE = 60  # of an issue
MAX_PER_HOUR, HOUR = 20, 3600.0
COMMAND = re.compile(
    rf" {{0,3}}([/@][\w.-]+)[ \t]*[ \t:,][ \t]*({'|'.join(NAMES)})[ \t]*[.!]?[ \t]*",
    re.IGNORECASE | re.ASCII,
)
FENCE = re.compile(r"(`{3,}|~{3,})([^\n]*)")
# What may be before a fence in a list, a quote or an indented block.
CONTAINER = re.compile(r"(?:[ \t>*+-]|\d{1,9}[.)](?=[ \t]))*")
BACKTICKS = re.compile("`+")
GITLAB_QUOTE = ">>>"
# What hides text, or marks it as somebody else's or as code, and the end of each.
HIDING = re.compile(
    r"<(?:(!--)|(!\[cdata\[)|(\?)|(pre|code|blockquote|samp|kbd|script|style|textarea)(?![\w-]))"
)
ENDS = ("-->", "]]>", "?>")


def find_commands(text: str, prefixes: Iterable[str] | None = None) -> tuple[CommandName, ...]:
    """Return the commands in a comment, each once, in the order of the last line of each.

    `prefixes` are the words that precede them, in any case; without them any `@name` counts.
    """
    wanted = None if prefixes is None else {prefix.casefold() for prefix in prefixes}
    found: dict[CommandName, None] = {}
    for line in _list_shown_lines(text[:MAX_COMMENT]):
        match = COMMAND.fullmatch(line)
        if not match:
            continue
        prefix, name = match[1].casefold(), NAMES[match[2].lower()]
        if prefix.startswith("@") if wanted is None else prefix in wanted:
            found.pop(name, None)
            found[name] = None
    return tuple(found)


def _list_shown_lines(text: str) -> Iterator[str]:
    """Yield the lines that may be commands: short, and outside quotes, code and HTML comments."""
    shown = _Reader()
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n", MAX_LINES)
    for line in lines[:MAX_LINES]:
        if shown.read(line) and len(line) <= MAX_LINE:
            yield line


@dataclass(slots=True)
class _Reader:
    """Reads lines, and follows what is open after each.

    Fences are counted twice: by the rules of Markdown at the outer level, and also those inside
    lists and quotes. A line counts where both say that it is no code.
    """

    fences: list[str] = field(default_factory=lambda: ["", ""])
    enclosed: bool = False  # lines up to a blank one belong to the quote or HTML before them
    gitlab_quote: bool = False
    span: int = 0  # backticks that opened a code span in this paragraph
    hidden: str = ""  # the end of an HTML element or comment

    def read(self, line: str) -> bool:
        """Return whether the line is shown as text that its author wrote."""
        bare = line.strip()
        end = _end_of_container(line)
        inner = line[end:]
        outer = line.lstrip(" ") if len(line) - len(line.lstrip(" ")) <= 3 else ""
        before = any(self.fences)
        self.fences = [
            _follow_fence(fence, part)
            for fence, part in zip(self.fences, (outer, inner), strict=True)
        ]
        if before or any(self.fences):
            self.span = 0
            return False
        if bare == GITLAB_QUOTE:
            self.gitlab_quote = not self.gitlab_quote
        starts = ">" in line[:end] or inner.startswith("<")
        self.enclosed = bool(bare) and (self.enclosed or starts)
        if not bare:
            self.span = 0
        is_shown = not (self.enclosed or self.gitlab_quote or self.span or self.hidden)
        for run in BACKTICKS.findall(line):
            if self.span in (0, len(run)):
                self.span = 0 if self.span else len(run)
        self._follow_html(line)
        return is_shown

    def _follow_html(self, line: str) -> None:
        lowered, at = line.lower(), 0
        while True:
            if self.hidden:
                at = lowered.find(self.hidden, at)
                if at < 0:
                    return
                at, self.hidden = at + len(self.hidden), ""
            match = HIDING.search(lowered, at)
            if not match:
                return
            ends = (end for end, group in zip(ENDS, match.groups(), strict=False) if group)
            self.hidden = next(ends, f"</{match[4]}")
            at = match.end()


def _end_of_container(line: str) -> int:
    match = CONTAINER.match(line)
    return match.end() if match else 0


def _follow_fence(fence: str, line: str) -> str:
    """Return the fence that is open after a line, "" for none."""
    match = FENCE.match(line)
    if not match:
        return fence
    marks, rest = match.groups()
    if not fence:
        # `` ```a``` `` is a code span in a paragraph.
        return "" if marks[0] == "`" and "`" in rest else marks
    closes = marks[0] == fence[0] and len(marks) >= len(fence) and not rest.strip()
    return "" if closes else fence


@dataclass(frozen=True, slots=True)
class DoneCommand:
    """A command that was carried out at a time, in seconds since the epoch."""

    comment: int
    name: CommandName
    at: float


@dataclass(frozen=True, slots=True)
class CommandState:
    """What commands did with an issue: ids, names and times, never text.

    `silent`: the bot writes nothing. `undone`: people took its work back, for good. `withdrawn`:
    its operator did, until a person asks for an answer. `done` are the newest commands that were
    carried out.
    """

    silent: bool = False
    undone: bool = False
    withdrawn: bool = False
    done: tuple[DoneCommand, ...] = ()

    def is_done(self, comment: int, name: CommandName) -> bool:
        return any((one.comment, one.name) == (comment, name) for one in self.done)

    def why_done(self, comment: int, name: CommandName, received_at: float) -> str:
        """Return why a command has nothing to do any more, "" if it has.

        Of several `redo` at once, one that began after another was received serves both. The last
        of `on` and `off` counts: jobs may run in another order than comments were written.
        """
        if self.is_done(comment, name):
            return "carried out before"
        if name == "redo" and any(x.name == name and x.at >= received_at for x in self.done):
            return "carried out for another comment"
        switched = (one.comment for one in self.done if one.name in SWITCHES)
        if name in SWITCHES and max(switched, default=0) > comment:
            return "a later comment says otherwise"
        return ""

    def has_too_many(self, now: float) -> bool:
        """Return whether no more commands are taken in this hour."""
        return sum(one.at > now - HOUR for one in self.done) >= MAX_PER_HOUR

    def with_done(
        self, comment: int, name: CommandName, received_at: float, at: float
    ) -> CommandState:
        """Return the state after a command was carried out, unless it had nothing to do."""
        if self.why_done(comment, name, received_at):
            return self
        done = (*self.done, DoneCommand(comment, name, at))[-MAX_DONE:]
        return replace(self, done=done)
