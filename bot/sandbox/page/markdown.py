"""Markdown as the hosts show it. Of HTML only what our comment uses: details, summary and sub."""

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

TAGS = re.compile(r"(</?(?:details|summary|sub)>)")  # bare ones only: an attribute makes it text
COMMENT = "<!--", "-->"


@lru_cache(maxsize=64)
def render(text: str) -> str:
    """HTML that can be shown as it is: links are all that a stranger's text can bring in."""
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
    """Allowed tags stay, a comment goes, everything else is shown as the text it is."""
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
    """Named, never fetched."""
    return escape(f"[image: {tokens[at].content or 'without a name'}]")
