"""Read the issue forms and templates of a repository, within fixed limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bot import log
from bot.core.errors import NotFound, PermanentError
from bot.core.report_port import MAX_TEMPLATES, TemplateFile
from bot.core.types import IssueRef
from bot.forges.cache import RepositoryCache

MAX_FILE = 64 * 1024  # characters
MAX_ALL = 2 * MAX_FILE  # of a repository's templates, which are kept in memory
TEMPLATES_SECONDS = 600.0
CACHED_REPOSITORIES = 256
ENDINGS = (".yml", ".yaml", ".md")
SETTINGS = ("config.yml", "config.yaml")  # of the page on which people choose a template
Templates = tuple[TemplateFile, ...]


def cache_templates(fetch: Callable[[IssueRef], Templates]) -> RepositoryCache[Templates]:
    """Return a cache of repositories' templates, none of those that may not be read."""

    def fetch_readable(ref: IssueRef) -> Templates:
        try:
            return fetch(ref)
        except PermanentError as error:
            log.get().info("issue templates cannot be read", repository=ref.repo, why=str(error))
            return ()

    return RepositoryCache(fetch_readable, TEMPLATES_SECONDS, size=CACHED_REPOSITORIES)


def read_templates(paths: Iterable[str], fetch: Callable[[str], str | None]) -> Templates:
    """Return the first `MAX_TEMPLATES` by their names, without those that are too long.

    Raises `PermanentError` where a file may not be read.
    """
    names = {path: path.rpartition("/")[2].lower() for path in paths}
    chosen = sorted(
        x for x, name in names.items() if name.endswith(ENDINGS) and name not in SETTINGS
    )
    found: list[TemplateFile] = []
    free = MAX_ALL
    for path in chosen[:MAX_TEMPLATES]:
        try:
            text = fetch(path)
        except NotFound:
            continue
        if text is None or len(text) > min(MAX_FILE, free):
            continue
        free -= len(text)
        found.append(TemplateFile(path, text))
    return tuple(found)
