"""Renders Markdown as the hosts do; of HTML only details, summary and sub, as in our comment."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from itertools import cycle

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

TAGS = re.compile(r"(</?(?:details|summary|sub)>)")  # no attributes
COMMENT = "<!--", "-->"


@lru_cache(maxsize=64)
def render(text: str) -> str:
    """Return safe HTML: the only active content that a text can bring in are links."""
    html: str = _parser().render(text)
    return html


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    for name, rule in {"html_block": _html, "html_inline": _html, "image": _image}.items():
        parser.add_render_rule(name, rule)
    return parser


def _html(
    _self: RendererHTML, tokens: Sequence[Token], at: int, _o: OptionsDict, _e: EnvType
) -> str:
    """Keep allowed tags, remove a comment, escape everything else."""
    text = tokens[at].content
    if text.lstrip().startswith(COMMENT[0]) and COMMENT[1] in text:
        text = text.partition(COMMENT[1])[2]
    parts = TAGS.split(text)
    return "".join(
        part if is_tag else escape(part) for part, is_tag in zip(parts, cycle((0, 1)), strict=False)
    )


def _image(
    _self: RendererHTML, tokens: Sequence[Token], at: int, _o: OptionsDict, _e: EnvType
) -> str:
    """Return an image's name as text, so that nothing is loaded."""
    return escape(f"[image: {tokens[at].content or 'without a name'}]")
