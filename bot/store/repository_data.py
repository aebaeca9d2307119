"""Everything that Redis holds of a repository, to remove it in one pass for many repositories."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Set
from typing import Any

import msgspec
import redis

from bot.core import redis_keys
from bot.core.jobs import JobRecord
from bot.core.types import IssueRef, Job

FORGOTTEN_SECONDS = 7200  # longer than a process keeps its own list of repositories
DEPARTURE_SECONDS = 86_400
# Hashes whose fields begin with the key of a repository, or with a percentage and that key.
HASHES = {
    "repositories to search": redis_keys.REPOSITORIES,
    "repositories out of reach": redis_keys.DEPARTURES,
    "records of issues": redis_keys.RECORDS,
    "journals of issues": redis_keys.JOURNAL,
    "configuration files": redis_keys.CONFIGS,
    "reported configuration problems": redis_keys.REPORTED_PROBLEMS,
    "cached answers": redis_keys.CACHED_ANSWERS,
    "states of trainings": redis_keys.TRAINING_STATES,
    "positions of polling": redis_keys.POLL_CURSORS,
    "issues seen by polling": redis_keys.POLL_SNAPSHOTS,
    "spending of a day": redis_keys.SPENT,
    "attempts of a day": redis_keys.ATTEMPTS,
    "reported limits of the mode": redis_keys.REPORTED_LIMITS,
}
# Keys of one repository.
KEYS = {
    "corrections": redis_keys.CORRECTIONS,
    "lists of the newest jobs": redis_keys.REPOSITORY_RUNS,
    "feedback on older issues": redis_keys.RELATED_VERDICTS,
    "classifiers": redis_keys.MODEL,
    "examples of a training": redis_keys.TRAINING_PROGRESS,
}
# The ids of messages in a list or a sorted set, and the messages themselves.
QUEUES = {
    "queued jobs": (redis_keys.QUEUE, redis_keys.QUEUE_MESSAGES),
    "delayed jobs": (redis_keys.DELAYED, redis_keys.DELAYED_MESSAGES),
    "dead letters": (redis_keys.DEAD, redis_keys.DEAD_MESSAGES),
}
# Sorted sets of references.
WAITING = {
    "issues that wait for a model": (redis_keys.SCHEDULED, redis_keys.SUSPENDED),
    "issues with suggestions": (redis_keys.LOOKS,),
}
# KEYS: a list or sorted set of ids, the messages. ARGV: an id. One that a worker has fetched stays.
DROP_MESSAGE = """
local found
if redis.call('type', KEYS[1]).ok == 'list' then
    found = redis.call('lrem', KEYS[1], 1, ARGV[1])
else
    found = redis.call('zrem', KEYS[1], ARGV[1])
end
if found > 0 then redis.call('hdel', KEYS[2], ARGV[1]) end
return found
"""
PERCENTAGE = re.compile(r"^\d+ ")
END_OF_KEY = re.compile(r"[: ]|$")
BATCH = 1000
# At import, in one thread: msgspec prepares a type on its first use, and crashes if several
# threads do this at the same time.
_departure = msgspec.json.Decoder(tuple[float, IssueRef])
_ref, _job = msgspec.json.Decoder(IssueRef), msgspec.json.Decoder(JobRecord)


class RedisRepositoryData:
    """Implements `RepositoryData`."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._drop_message = client.register_script(DROP_MESSAGE)

    def departures(self) -> Mapping[IssueRef, float]:
        values: Any = self._client.hvals(redis_keys.DEPARTURES)
        return {ref: at for at, ref in map(_departure.decode, values)}

    def save_departure(self, repository: IssueRef, at: float) -> None:
        value = msgspec.json.encode((at, repository))
        with self._client.pipeline() as pipe:
            pipe.hsetnx(redis_keys.DEPARTURES, repository.repo_account_key, value)
            pipe.expire(redis_keys.DEPARTURES, DEPARTURE_SECONDS)
            pipe.execute()

    def remove_departure(self, repository: IssueRef) -> None:
        self._client.hdel(redis_keys.DEPARTURES, repository.repo_account_key)

    def has_forgotten(self) -> bool:
        return bool(self._client.exists(redis_keys.FORGOTTEN))

    def forget(
        self, repositories: Collection[IssueRef], *, dry_run: bool = False
    ) -> Mapping[str, int]:
        keys = {ref.repo_key for ref in repositories}
        if not dry_run and keys:
            self._client.set(redis_keys.FORGOTTEN, 1, ex=FORGOTTEN_SECONDS)
        # First, so that no job starts and stores anew what is removed after it.
        found = self._remove_queued(keys, dry_run=dry_run)
        for what, template in HASHES.items():
            found[what] = self._remove_fields(
                template, lambda field, _: _belongs(field.decode(), keys), dry_run=dry_run
            )
        found["states of jobs"] = self._remove_states(repositories, dry_run=dry_run)
        for what, template in KEYS.items():
            names = [template.format(repository=key) for key in keys]
            remove = self._client.exists if dry_run else self._client.delete
            found[what] = int(remove(*names)) if names else 0
        for what, sets in WAITING.items():
            found[what] = self._remove_members(
                sets, lambda member: _ref.decode(member).repo_key in keys, dry_run=dry_run
            )
        found["reserved comments"] = self._remove_members(
            self._find_keys(redis_keys.RESERVATIONS, "zset"),
            lambda member: _belongs(member.decode(), keys),
            dry_run=dry_run,
        )
        return {what: number for what, number in found.items() if number}

    def _remove_queued(self, keys: Set[str], *, dry_run: bool) -> Counter[str]:
        """Remove the jobs that no worker has fetched; return their number by queue."""
        found: Counter[str] = Counter()
        for what, (ids, messages) in QUEUES.items():
            for job, message in self._scan(messages):
                if _find_repository(message) in keys:
                    found[what] += int(dry_run or self._drop_message([ids, messages], [job]))
        return found

    def _remove_states(self, repositories: Collection[IssueRef], *, dry_run: bool) -> int:
        """Remove the states of jobs, which have the repository's name at that time, or its id."""
        starts = tuple(
            f"{ref.forge}:{name}#".lower()
            for ref in repositories
            for name in (ref.repo, ref.repo_id)
            if name
        )
        return self._remove_fields(
            redis_keys.JOBS, lambda _, value: _find_issue(value).startswith(starts), dry_run=dry_run
        )

    def _find_keys(self, template: str, of_type: str = "") -> list[bytes]:
        """Return the keys of a template, whatever their spans."""
        pattern = re.sub(r"\{\w+\}", "*", template)
        if pattern == template:
            return [template.encode()]
        return list(self._client.scan_iter(pattern, BATCH, of_type or None))

    def _scan(self, key: str | bytes) -> Iterator[tuple[bytes, bytes]]:
        yield from self._client.hscan_iter(key, count=BATCH)

    def _remove_fields(
        self, template: str, is_meant: Callable[[bytes, bytes], bool], *, dry_run: bool
    ) -> int:
        """Remove the fields of hashes for which a function of field and value is true."""
        number = 0
        for key in self._find_keys(template):
            fields = {field for field, value in self._scan(key) if is_meant(field, value)}
            number += len(fields)
            if fields and not dry_run:
                self._client.hdel(key, *fields)
        return number

    def _remove_members(
        self, keys: Iterable[str | bytes], is_meant: Callable[[bytes], bool], *, dry_run: bool
    ) -> int:
        """Remove the members of sorted sets for which a function is true."""
        number = 0
        for key in keys:
            members: Any = self._client.zrange(key, 0, -1)
            meant = list(filter(is_meant, members))
            number += len(meant)
            if meant and not dry_run:
                self._client.zrem(key, *meant)
        return number


def _belongs(field: str, keys: Set[str]) -> bool:
    """Return whether a field begins with the key of one of the repositories."""
    text = PERCENTAGE.sub("", field)
    return any(text[: end.start()] in keys for end in END_OF_KEY.finditer(text))


def _find_repository(message: bytes) -> str:
    """Return the key of the repository of a queued job, "" if this version cannot read it."""
    try:
        return msgspec.convert(msgspec.json.decode(message)["kwargs"]["delivery"], Job).ref.repo_key
    except (msgspec.DecodeError, msgspec.ValidationError, LookupError, TypeError):
        return ""


def _find_issue(value: bytes) -> str:
    """Return the issue of a job's state in lower case, "" if this version cannot read it."""
    try:
        return _job.decode(value).issue.lower()
    except msgspec.DecodeError:
        return ""
