"""Ten thousand single bits changed in the signature or the body of a delivery: all refused."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

from tests.attack.mutate import AT_ONCE, SIGNATURE
from tests.attack.receiver import BODY, ask, head, running


async def attack(port: int, number: int) -> Counter[int]:
    dice, found = random.Random(5), Counter[int]()
    left = iter(range(number))

    async def one_after_the_other() -> None:
        for _ in left:
            signature, body = bytearray(SIGNATURE.encode()), bytearray(BODY)
            changed = dice.choice([body, signature])
            changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
            raw = head(len(body), "SIGNATURE").replace(b"SIGNATURE", bytes(signature)) + body
            found[(await ask(port, raw, 1.0)).status] += 1

    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))
    return found


def main(number: int = 10_000) -> bool:
    with running() as endpoint:
        found = asyncio.run(attack(endpoint.port, number))
        print(f"{number:,} single bits changed: {dict(sorted(found.items()))}")
        return set(found) <= {400, 401, 429}
