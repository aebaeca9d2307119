"""JSON texts of every class that a parser meets: those it must accept, must reject, and may choose.

Made here by RFC 8259's grammar, after the classes of https://github.com/nst/JSONTestSuite.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

BOM = b"\xef\xbb\xbf"
DEPTH = 100_000
BLANKS = (b" ", b"\n", b"\r", b"\t")
NO_BLANKS = (b"\f", b"\v", b"\xc2\xa0", b"\xe2\x81\xa0", b"\xe2\x80\xa8", BOM)
ESCAPES = b'"\\/bfnrt'
WORDS = (b"true", b"false", b"null")
OTHER_WORDS = (
    b"NaN -NaN Infinity +Inf -Infinity inf nan undefined None True TRUE nul tru falsx nulll"
)
INTEGERS = (b"0", b"-0", b"7", b"-1", b"123456789")
FRACTIONS = (b"", b".0", b".5", b".0001")
EXPONENTS = (b"", b"e1", b"E+2", b"e-2", b"E0")
NO_NUMBERS = (
    b"+1 ++1 +-1 --1 -a 01 -01 012.5 .5 -.5 1. -1. 0.e1 1.e1 1eE2 1e 1e+ 1e- 0e 1.5e 0.1.2 1_000"
    b" 1,000 0x1 0b1 0o7 1a 1e1.5 - + e1 -e1 1- 1+2 0.3e+ 123\x00 \xef\xbc\x91 1\xe5 1/2 $1 1f 1n"
).split()
BAD_UTF8 = (
    b"\xff",
    b"\xfe\xff",
    b"\x80",
    b"\xc0\xaf",
    b"\xe0\x80\xaf",
    b"\xc3",
    b"\xe6\x97",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\xfc\x80\x80\x80\x80\x80",
)


def accepted() -> Iterator[bytes]:
    """Texts that every parser takes."""
    yield from (b"{}", b"[]", b'""', b'{"":0}', b"[[]]", b'{"a":[]}', b'[{"a":{}},[1,"",null]]')
    for word in WORDS:
        yield word
        yield from (b + word + b for b in BLANKS)
        yield b"[" + b" \n\r\t" + word + b"\t\r\n ]"
    yield from (b"".join(parts) for parts in product(INTEGERS, FRACTIONS, EXPONENTS))
    yield b"1" * 300 + b".5"
    yield b"0." + b"0" * 300 + b"1"
    for code in ESCAPES:
        yield b'"\\' + bytes([code]) + b'"'
    yield from (b'"\\u%04x"' % code for code in (0, 0x1F, 0x41, 0xE9, 0x2028, 0xFFFE, 0xFFFF))
    yield from (b'"\\uD83D\\uDE00"', b'"\\ud800\\udc00"', b'"\\\\u0041"', b'"\\uABcd"')
    for code in (0x7F, 0x80, 0xE9, 0x2028, 0xFEFF, 0xFFFF, 0x1F600, 0x10FFFF):
        yield f'"{chr(code)}"'.encode()
    yield b'"' + b"x" * 100_000 + b'"'
    yield b'{"a":1,"a":2,"a":{}}'  # a name that comes twice
    yield b"[" + b",".join([b"0"] * 10_000) + b"]"


def rejected() -> Iterator[bytes]:
    """Texts that no parser may take."""
    yield from (
        b"",
        b" ",
        b"[",
        b"]",
        b"{",
        b"}",
        b'"',
        b",",
        b":",
        b"[,]",
        b"{,}",
        b"[1,]",
        b"[,1]",
    )
    yield from (b"[1 2]", b"[1,,2]", b"[1:2]", b"[1}", b"{]", b'{"a"}', b'{"a":}', b'{"a" 1}')
    yield from (b'{"a":1,}', b'{"a":1 "b":2}', b'{"a":1,,"b":2}', b"{1:1}", b"{a:1}", b"{'a':1}")
    yield from (b"{null:1}", b'{"a"::1}', b'{"a":1', b'{"a', b"[1", b"[1,", b"[[1]", b"<a>", b"# x")
    yield from (
        b"[1]x",
        b"[] []",
        b"{}}",
        b"[]]",
        b"1 1",
        b'""""',
        b"[1]/**/",
        b"//x\n1",
        b"/*x*/1",
    )
    yield from (
        b"['a']",
        b"`a`",
        b'"a',
        b'"\\',
        b'"\\"',
        b'"\\x41"',
        b'"\\a"',
        b'"\\\n"',
        b'"\\\xc3\xa9"',
    )
    yield from (
        b'"\\u"',
        b'"\\u1"',
        b'"\\u12"',
        b'"\\u123"',
        b'"\\u123g"',
        b'"\\U0041"',
        b'"\\u 041"',
    )
    yield from (b'"%c"' % code for code in range(0x20))
    yield from OTHER_WORDS.split()
    yield from NO_NUMBERS
    for blank in NO_BLANKS:
        yield from (blank + b"1", b"[" + blank + b"]", b"[1" + blank + b"]")
    yield from (b'"' + bad + b'"' for bad in BAD_UTF8)
    yield from (b"[" + bad + b"]" for bad in BAD_UTF8)
    yield from ("[1]".encode(code) for code in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"))
    yield from (b"\x00", b"[\x00]", b"[1]\x00", b"\x00[1]", b"\x1f\x8b\x08\x00")
    for opening in (b"[", b'{"":', b'[{"a":'):
        yield opening * DEPTH
    yield b"[" * DEPTH + b"]" * (DEPTH - 1)
    yield b"]" * DEPTH


def undecided() -> Iterator[bytes]:
    """Texts about which parsers differ; a receiver may accept or reject them without a failure."""
    yield from (BOM + b"{}", b"1e400", b"-1e400", b"1e-400", b"1e" + b"9" * 5_000, b"9" * 5_000)
    yield from (b"-" + b"9" * 100_000, b"0." + b"1" * 100_000, b"18446744073709551616")
    yield from (b'"\\ud800"', b'"\\udc00"', b'"\\ud800\\ud800"', b'"\\udc00\\ud800"', b'"\\ud800x"')
    yield from (b'"\\ud800\\n"', b'"\\ud83d\\u0041"', b'{"\\ud800":1}', b'"\\u0000"')
    yield b"[" * DEPTH + b"]" * DEPTH
    yield b'{"a":' * DEPTH + b"1" + b"}" * DEPTH
    yield b"[" * 500 + b"]" * 500
