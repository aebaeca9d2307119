"""Dead letters: jobs that were given up. Redis keeps them for a week; they can be sent again."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Any

import msgspec
import redis

from bot.core import redis_keys
from bot.core.jobs import DeadLetter
from bot.core.types import Job

# KEYS: dead letters, their messages, the queue, its messages. ARGV: a letter's id, its message.
SEND_AGAIN = """
if redis.call('zrem', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('hdel', KEYS[2], ARGV[1])
redis.call('hset', KEYS[4], ARGV[1], ARGV[2])
redis.call('rpush', KEYS[3], ARGV[1])
return 1
"""


class DeadLetters:
    """Lists dead letters and sends them again. Methods raise `redis.RedisError`."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._send_again = client.register_script(SEND_AGAIN)

    def all(self) -> tuple[DeadLetter, ...]:
        """Return all dead letters, the oldest first."""
        return tuple(
            DeadLetter(message["message_id"], _format_issue(message), at / 1000)
            for _, at, message in self._read()
        )

    def send_again(self, jobs: Collection[str]) -> set[str]:
        """Queue jobs again as if they were new; return the ids of those that were dead letters."""
        dead = [redis_keys.DEAD, redis_keys.DEAD_MESSAGES]
        keys, job_ids = [*dead, redis_keys.QUEUE, redis_keys.QUEUE_MESSAGES], set[str]()
        for letter, _, message in self._read():
            job = message["message_id"]
            message["options"].pop("tries", None)
            message["options"]["queued_at"] = int(time.time() * 1000)
            args = [letter, msgspec.json.encode(message)]
            if job in jobs and self._send_again(keys=keys, args=args):
                job_ids.add(job)
        return job_ids

    def _read(self) -> list[tuple[bytes, float, dict[str, Any]]]:
        messages: Any = self._client.hgetall(redis_keys.DEAD_MESSAGES)
        letters: Any = self._client.zrange(redis_keys.DEAD, 0, -1, withscores=True)
        existing = [(letter, at) for letter, at in letters if letter in messages]
        return [(letter, at, msgspec.json.decode(messages[letter])) for letter, at in existing]


def _format_issue(message: Mapping[str, Any]) -> str:
    try:
        return str(msgspec.convert(message["kwargs"]["delivery"], Job).ref)
    except (msgspec.ValidationError, KeyError):
        return ""
