"""Dead letters: jobs that were given up. Redis keeps them for a week; they can be sent again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import redis

from bot.core.types import Job
from bot.queue.enqueue import NAMESPACE, QUEUE

LIVE = f"{NAMESPACE}:{QUEUE}"
DEAD = f"{LIVE}.XQ"

# KEYS: dead letters, their messages, the queue, its messages. ARGV: a letter's id, its message.
SEND_AGAIN = """
if redis.call('zrem', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('hdel', KEYS[2], ARGV[1])
redis.call('hset', KEYS[4], ARGV[1], ARGV[2])
redis.call('rpush', KEYS[3], ARGV[1])
return 1
"""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A job that was given up. `at` is when, in seconds since the epoch; `issue` is "" where this
    version cannot read the job."""

    job: str
    issue: str
    at: float


class DeadLetters:
    """All of them. Methods raise `redis.RedisError`."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._send_again = client.register_script(SEND_AGAIN)

    def all(self) -> tuple[DeadLetter, ...]:
        """The oldest first."""
        found = self._found()
        return tuple(
            DeadLetter(message["message_id"], _issue(message), at / 1000)
            for _, at, message in found
        )

    def send_again(self, jobs: Collection[str]) -> set[str]:
        """Put jobs back into the queue as if they were new; gives those that were dead letters."""
        keys, sent = [DEAD, f"{DEAD}.msgs", LIVE, f"{LIVE}.msgs"], set[str]()
        for letter, _, message in self._found():
            job = message["message_id"]
            message["options"].pop("tries", None)
            again = [letter, msgspec.json.encode(message)]
            if job in jobs and self._send_again(keys=keys, args=again):
                sent.add(job)
        return sent

    def _found(self) -> list[tuple[bytes, float, dict[str, Any]]]:
        kept: Any = self._client.hgetall(f"{DEAD}.msgs")
        by_time: Any = self._client.zrange(DEAD, 0, -1, withscores=True)
        return [(one, at, msgspec.json.decode(kept[one])) for one, at in by_time if one in kept]


def _issue(message: Mapping[str, Any]) -> str:
    try:
        return str(msgspec.convert(message["kwargs"]["delivery"], Job).ref)
    except (msgspec.ValidationError, KeyError):
        return ""
