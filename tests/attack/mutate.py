"""Deliveries with changed bits and headers in disorder: no failure, no job that nobody signed."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterator

from tests.attack.receiver import BODY, Said, ask, head, running
from tests.web.client import sign

AT_ONCE = 64
PATIENCE_SECONDS = 0.5  # a change in the framing leaves the door waiting for the rest
SIGNATURE = sign(BODY)
ODD = (
    "Content-Length: 0",
    "Transfer-Encoding: chunked",
    "Expect: 100-continue",
    "X: \xff",
    "X-Y:",
    "Content-Encoding: gzip",
    "Connection: upgrade\r\nUpgrade: websocket",
    "Host: a\r\nHost: b",
)

Change = Callable[[bytes, random.Random], bytes]


def flip_a_bit(raw: bytes, dice: random.Random) -> bytes:
    changed = bytearray(raw)
    changed[dice.randrange(len(raw))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def flip_some_bits(raw: bytes, dice: random.Random) -> bytes:
    for _ in range(dice.randint(2, 40)):
        raw = flip_a_bit(raw, dice)
    return raw


def cut(raw: bytes, dice: random.Random) -> bytes:
    start = dice.randrange(len(raw))
    return raw[:start] + raw[start + dice.randint(1, 40) :]


def repeat(raw: bytes, dice: random.Random) -> bytes:
    start = dice.randrange(len(raw))
    return raw[: start + dice.randint(1, 40)] + raw[start:]


def shuffle_headers(raw: bytes, dice: random.Random) -> bytes:
    lines, body = _lines(raw)
    rest = lines[1:]
    dice.shuffle(rest)
    return _joined([lines[0], *rest], body)


def change_headers(raw: bytes, dice: random.Random) -> bytes:
    """One goes, comes twice, or an odd one comes."""
    lines, body = _lines(raw)
    place = dice.randrange(1, len(lines))
    deed = dice.randrange(3)
    if deed == 0:
        del lines[place]
    else:
        more = lines[place] if deed == 1 else dice.choice(ODD).encode("latin-1")
        lines.insert(dice.randrange(1, len(lines) + 1), more)
    return _joined(lines, body)


def another_signature(raw: bytes, dice: random.Random) -> bytes:
    forged = dice.choice([dice.randbytes(32).hex(), "0" * 64, "", SIGNATURE[7:70], "\u0663" * 64])
    return raw.replace(SIGNATURE[7:].encode(), forged.encode())


CHANGES: tuple[Change, ...] = (
    flip_a_bit,
    flip_some_bits,
    cut,
    repeat,
    shuffle_headers,
    change_headers,
    another_signature,
)


def _lines(raw: bytes) -> tuple[list[bytes], bytes]:
    top, _, body = raw.partition(b"\r\n\r\n")
    return top.split(b"\r\n"), body


def _joined(lines: list[bytes], body: bytes) -> bytes:
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def mutated(number: int, seed: int) -> Iterator[bytes]:
    """So many requests, each a delivery that was changed once or twice."""
    dice = random.Random(seed)
    for _ in range(number):
        raw = head(len(BODY), SIGNATURE) + BODY
        for _ in range(dice.randint(1, 2)):
            raw = dice.choice(CHANGES)(raw, dice)
        yield raw


def is_signed(raw: bytes) -> bool:
    """Whether body and signature are still those that belong together."""
    lines, body = _lines(raw)
    given = [x for x in lines if x.lower().startswith(b"x-hub-signature-256:")]
    values = {x.partition(b":")[2].strip(b" \t") for x in given}
    return BODY in body and values == {SIGNATURE.encode()}


async def attack(port: int, number: int, seed: int = 1) -> tuple[Counter[int], list[bytes]]:
    """Statuses (0 for none in time), and the requests that made a job and were not signed."""
    found: Counter[int] = Counter()
    unsigned: list[bytes] = []
    requests = mutated(number, seed)

    async def one_after_the_other() -> None:
        for raw in requests:
            said: Said = await ask(port, raw, PATIENCE_SECONDS)
            found[said.status] += 1
            if said.job and not is_signed(raw):
                unsigned.append(raw)

    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))
    return found, unsigned


def main(number: int = 50_000) -> bool:
    with running() as endpoint:
        found, unsigned = asyncio.run(attack(endpoint.port, number))
        failed = sum(count for status, count in found.items() if status >= 500)
        print(f"{number:,} changed requests: {dict(sorted(found.items()))} (0 = cut, or no answer)")
        print(f"5xx: {failed}; jobs that nobody signed: {len(unsigned)}")
        print(f"errors in the log: {len(endpoint.errors())}; peak {endpoint.peak_mb:.0f} MB")
        for raw in unsigned[:3]:
            print(raw)
        return not (failed or unsigned or endpoint.errors())
