"""Deliveries with changed bits and headers: no 5xx, and no job without a valid signature."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterator

from tests.attack.receiver import BODY, head, running_receiver, send
from tests.bench.processes import peak_mib
from tests.web.client import sign

CONCURRENCY = 64
TIMEOUT_SECONDS = 0.5  # a change in the framing makes the receiver wait for more bytes
SIGNATURE = sign(BODY)
UNUSUAL_HEADERS = (
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


def flip_a_bit(raw: bytes, rng: random.Random) -> bytes:
    changed = bytearray(raw)
    changed[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def flip_some_bits(raw: bytes, rng: random.Random) -> bytes:
    for _ in range(rng.randint(2, 40)):
        raw = flip_a_bit(raw, rng)
    return raw


def cut(raw: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(raw))
    return raw[:start] + raw[start + rng.randint(1, 40) :]


def repeat(raw: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(raw))
    return raw[: start + rng.randint(1, 40)] + raw[start:]


def shuffle_headers(raw: bytes, rng: random.Random) -> bytes:
    lines, body = _split(raw)
    rest = lines[1:]
    rng.shuffle(rest)
    return _join([lines[0], *rest], body)


def change_headers(raw: bytes, rng: random.Random) -> bytes:
    """Remove one, duplicate one, or add an unusual one."""
    lines, body = _split(raw)
    index = rng.randrange(1, len(lines))
    change = rng.randrange(3)
    if change == 0:
        del lines[index]
    else:
        added = lines[index] if change == 1 else rng.choice(UNUSUAL_HEADERS).encode("latin-1")
        lines.insert(rng.randrange(1, len(lines) + 1), added)
    return _join(lines, body)


def replace_signature(raw: bytes, rng: random.Random) -> bytes:
    forged = rng.choice([rng.randbytes(32).hex(), "0" * 64, "", SIGNATURE[7:70], "\u0663" * 64])
    return raw.replace(SIGNATURE[7:].encode(), forged.encode())


CHANGES: tuple[Change, ...] = (
    flip_a_bit,
    flip_some_bits,
    cut,
    repeat,
    shuffle_headers,
    change_headers,
    replace_signature,
)


def _split(raw: bytes) -> tuple[list[bytes], bytes]:
    top, _, body = raw.partition(b"\r\n\r\n")
    return top.split(b"\r\n"), body


def _join(lines: list[bytes], body: bytes) -> bytes:
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def mutate(number: int, seed: int) -> Iterator[bytes]:
    """Yield `number` deliveries, each changed once or twice."""
    rng = random.Random(seed)
    for _ in range(number):
        raw = head(len(BODY), SIGNATURE) + BODY
        for _ in range(rng.randint(1, 2)):
            raw = rng.choice(CHANGES)(raw, rng)
        yield raw


def is_signed(raw: bytes) -> bool:
    """Return whether the signature still matches the body."""
    lines, body = _split(raw)
    headers = [line for line in lines if line.lower().startswith(b"x-hub-signature-256:")]
    values = {header.partition(b":")[2].strip(b" \t") for header in headers}
    return BODY in body and values == {SIGNATURE.encode()}


async def attack(port: int, number: int, seed: int = 1) -> tuple[Counter[int], list[bytes]]:
    """Return the statuses (0: no response in time) and the unsigned requests that made a job."""
    statuses: Counter[int] = Counter()
    unsigned: list[bytes] = []
    requests = mutate(number, seed)

    async def send_in_turn() -> None:
        for raw in requests:
            response = await send(port, raw, TIMEOUT_SECONDS)
            statuses[response.status] += 1
            if response.job and not is_signed(raw):
                unsigned.append(raw)

    await asyncio.gather(*(send_in_turn() for _ in range(CONCURRENCY)))
    return statuses, unsigned


def main(number: int = 50_000) -> bool:
    with running_receiver() as receiver:
        statuses, unsigned = asyncio.run(attack(receiver.port, number))
        failed = sum(count for status, count in statuses.items() if status >= 500)
        print(f"{number:,} changed requests: {dict(sorted(statuses.items()))} (0 = no response)")
        print(f"5xx: {failed}; jobs without a valid signature: {len(unsigned)}")
        print(f"errors in the log: {len(receiver.errors())}; peak {peak_mib(receiver.pid):.0f} MB")
        for raw in unsigned[:3]:
            print(raw)
        return not (failed or unsigned or receiver.errors())
