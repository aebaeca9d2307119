"""One job: commands in a comment → who wrote them? → acknowledge → carry them out, one by one.

The job holds the comment's id and the words that were found in it. The comment is read again: its
author's role decides, and on GitLab also whether the name before a command is the bot's. An author
without such a role gets no sign that the comment was read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from bot.core.commands import CommandName, CommandState, find_commands
from bot.core.errors import PermanentError
from bot.core.text.bounded import drop_body
from bot.core.types import Job, Record
from bot.flow.context import Attempt, JobContext, heed_rate_limits, retry_on_lag
from bot.flow.load_config import load_config_in_force
from bot.flow.load_history import find_own_comment
from bot.flow.plan import Outcome
from bot.flow.process import process, why_out_of_scope
from bot.flow.publish import CommentWriter
from bot.flow.render import add_decision, read_marker
from bot.flow.undo import undo

NEW = Record("skipped", "nothing but commands so far")
WITHOUT_WRITES = ("off", "dry-run")  # modes


@dataclass(frozen=True, slots=True)
class Accepted:
    """The commands of a comment that are carried out, or why there are none."""

    commands: tuple[CommandName, ...] = ()
    why: str = ""


def run_commands(job: Job, context: JobContext, try_number: int = 1) -> Outcome:
    """Carry out the commands in a comment and return the outcome.

    Raises `Retry` and `OperatorError`; a further try continues after the last command that was
    carried out.
    """
    try:
        with heed_rate_limits(job, context):
            accepted = _accept(job, context)
            if not accepted.commands:
                return Outcome(job, Record("skipped", accepted.why))
            context.forge.commands.acknowledge(job.ref, job.comment)
    except PermanentError as error:
        retry_on_lag(error, try_number, "comment")
        return Outcome(job, Record("skipped", str(error)), failure=error)
    outcomes = [(name, HANDLERS[name](job, context, try_number)) for name in accepted.commands]
    why = ", ".join(f"{name}: {one.record.why or one.record.status}" for name, one in outcomes)
    # The last one that called a model has its cost.
    last = next((one for _, one in reversed(outcomes) if one.enrichment), outcomes[-1][1])
    return replace(last, job=job, record=replace(last.record, status="executed", why=why))


def _accept(job: Job, context: JobContext) -> Accepted:
    """Return what is carried out. Raises the errors of a forge."""
    ref, comments = job.ref, context.forge.commands
    record = context.store.record(ref.key)
    state = record.commands if record else CommandState()
    if all(state.is_done(job.comment, name) for name in job.commands):
        return Accepted(why="carried out before")
    if state.has_too_many(context.clock()):
        return Accepted(why="too many commands on this issue in an hour")
    config = load_config_in_force(ref, context).config
    if config.mode in WITHOUT_WRITES:
        return Accepted(why=f"mode is {config.mode}")
    comment = comments.get_comment(ref, job.comment)
    if comment is None:
        return Accepted(why="a comment by a bot, or one that not everybody sees")
    prefixes = comments.list_prefixes(config.commands.alias)
    # A command that was added by an edit does not count.
    found = find_commands(comment.body, prefixes)
    commands = tuple(name for name in found if name in job.commands)
    if not commands:
        return Accepted(why="no command for this bot")
    if not comments.may_command(ref, comment.author):
        return Accepted(why="its author may not change labels")
    if reason := why_out_of_scope(drop_body(context.forge.get_issue(ref))):
        return Accepted(why=reason)
    return Accepted(commands)


Work = Callable[[Attempt, Record], tuple[Record, str]]
Handler = Callable[[Job, JobContext, int], Outcome]


def _redo(job: Job, context: JobContext, try_number: int) -> Outcome:
    record = context.store.record(job.ref.key)
    # Checked again under the lock, where the reason would replace that of the record.
    if record and (why := record.commands.why_done(job.comment, "redo", job.received_at)):
        return Outcome(job, replace(record, why=why))
    return process(replace(job, kind="redo"), context, try_number)


def _explain(attempt: Attempt, record: Record) -> tuple[Record, str]:
    """Add the decision to the details of the bot's comment, if there is one."""
    comment = find_own_comment(attempt.ref, attempt.forge)
    marker = read_marker(comment.body) if comment else None
    if comment is None or marker is None:
        return record, "there is no comment to explain"
    body = add_decision(comment.body, record, marker)
    is_written = CommentWriter(attempt, record).write(body, comment) is not None
    return record, "explained" if is_written else "a person deleted the comment"


def _switch(_attempt: Attempt, record: Record, *, silent: bool) -> tuple[Record, str]:
    commands = replace(record.commands, silent=silent)
    return replace(record, commands=commands), "silent" if silent else "not silent"


def _under_lock(name: CommandName, work: Work) -> Handler:
    """Return a handler that does the work with the issue's lock, and records it.

    `work` gets the issue's record and returns the new one, with what it did.
    """

    def handle(job: Job, context: JobContext, try_number: int) -> Outcome:
        with context.store.lock(job.ref.key) as lock:
            record = lock.record or NEW
            if why := record.commands.why_done(job.comment, name, job.received_at):
                return Outcome(job, replace(record, why=why))
            attempt = Attempt.start(job, context, lock, try_number)
            try:
                with heed_rate_limits(job, context):
                    record, result = work(attempt, record)
            except PermanentError as error:
                retry_on_lag(error, try_number)
                result = str(error)
            at = context.clock()
            done = record.commands.with_done(job.comment, name, job.received_at, at)
            # Without a record, reconciliation finds an issue whose delivery was lost.
            if lock.record or record != NEW:
                lock.finish(replace(record, commands=done), attempt.journal.take_unsaved())
        return Outcome(job, replace(record, why=result))

    return handle


HANDLERS: Mapping[CommandName, Handler] = {
    "redo": _redo,
    "why": _under_lock("why", _explain),
    "undo": _under_lock("undo", undo),
    "off": _under_lock("off", partial(_switch, silent=True)),
    "on": _under_lock("on", partial(_switch, silent=False)),
}
