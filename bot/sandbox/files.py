"""The folders of a repository, by the paths of its files."""

from __future__ import annotations

from collections.abc import Mapping


def list_folder(files: Mapping[str, str], path: str) -> list[tuple[str, str | None]]:
    """Return the paths in a folder in their order, each with a file's text or None for a folder."""
    start = f"{path}/" if path else ""
    inside = (name for name in files if name.startswith(start))
    paths = {start + name.removeprefix(start).partition("/")[0] for name in inside}
    return [(name, files.get(name)) for name in sorted(paths)]
