"""Find a repository's tagline.yml under the names that people give it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.core.errors import NotFound, PermanentError

Fetch = Callable[[str], str | None]


def read_first(paths: Sequence[str], fetch: Fetch) -> str | None:
    """Return the text of the first file that exists, None without one.

    None too where files may not be read, or the repository cannot be reached: an organisation may
    leave out that permission.
    """
    for path in paths:
        try:
            found = fetch(path)
        except NotFound:
            continue
        except PermanentError:
            return None
        if found is not None:
            return found
    return None


def list_unread(paths: Sequence[str], misplaced: Sequence[str], fetch: Fetch) -> tuple[str, ...]:
    """Return the files that people may take for the configuration, and that are not read."""
    existing = [path for path in (*paths, *misplaced) if read_first([path], fetch) is not None]
    read = next((path for path in existing if path in paths), "")
    return tuple(path for path in existing if path != read)
