"""Deliveries with one bit changed in the signature or the body: all are refused."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

from tests.attack.mutate import CONCURRENCY, SIGNATURE
from tests.attack.receiver import BODY, head, running_receiver, send


async def attack(port: int, number: int) -> Counter[int]:
    rng, statuses = random.Random(5), Counter[int]()
    remaining = iter(range(number))

    async def send_in_turn() -> None:
        for _ in remaining:
            signature, body = bytearray(SIGNATURE.encode()), bytearray(BODY)
            changed = rng.choice([body, signature])
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
            raw = head(len(body), "SIGNATURE").replace(b"SIGNATURE", bytes(signature)) + body
            statuses[(await send(port, raw, 1.0)).status] += 1

    await asyncio.gather(*(send_in_turn() for _ in range(CONCURRENCY)))
    return statuses


def main(number: int = 10_000) -> bool:
    with running_receiver() as receiver:
        statuses = asyncio.run(attack(receiver.port, number))
        print(f"{number:,} single bits changed: {dict(sorted(statuses.items()))}")
        return set(statuses) <= {400, 401, 429}
