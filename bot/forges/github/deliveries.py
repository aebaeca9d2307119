"""The webhook deliveries of a GitHub App.

https://docs.github.com/en/rest/apps/webhooks
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from bot.core.errors import NotFound
from bot.forges.github.auth import AppAuth, Auth
from bot.forges.github.client import GitHubClient
from bot.forges.values import require_objects, text, timestamp

PAGE, MAX_PAGES = 100, 50
ALL_PAGES = 1_000_000
KEPT_SECONDS = 3 * 86_400.0  # GitHub shows no older ones
DELIVERIES = "/app/hook/deliveries"
EVENTS = ("issues", "issue_comment", "installation", "installation_repositories")


@dataclass(frozen=True, slots=True)
class FailedDelivery:
    """The last attempt at a delivery of which no attempt succeeded.

    `guid` is the same for all attempts. `code` is 0 where GitHub has none, as after a timeout.
    """

    id: int
    guid: str
    event: str
    status: str
    code: int


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Implements `DeliveryHistory`; a token or an App without a webhook has no deliveries."""

    rest: GitHubClient
    auth: Auth

    def list_failed_deliveries(self, since: float) -> Mapping[int, str]:
        try:
            return {one.id: one.guid for one in self.list_failed(since, MAX_PAGES)}
        except NotFound:  # the App has no webhook
            return {}

    def list_failed(self, since: float, max_pages: int = ALL_PAGES) -> list[FailedDelivery]:
        """Return the deliveries of events that Tagline reads that failed, the oldest first.

        Each attempt has its own entry: one that succeeded counts, whenever it was. The entries are
        not asked for by status: GitHub's `failure` leaves out those without a status code. Raises
        `NotFound` for an App without a webhook.
        """
        failed: dict[str, FailedDelivery] = {}
        succeeded: set[str] = set()
        for delivery in self._list(since, max_pages):
            one = _read(delivery)
            if 200 <= one.code < 300:
                succeeded.add(one.guid)
            elif one.event in EVENTS:
                failed.setdefault(one.guid, one)  # the newest attempts come first
        return [one for guid, one in reversed(failed.items()) if guid not in succeeded]

    def redeliver(self, delivery: int) -> None:
        assert isinstance(self.auth, AppAuth)
        path = DELIVERIES + "/{id}/attempts"
        self.auth.as_app(partial(self.rest.call, "POST", path, {"id": delivery}))

    def _list(self, since: float, max_pages: int) -> Iterator[dict[str, Any]]:
        auth, cursor = self.auth, ""
        if not isinstance(auth, AppAuth):
            return
        path = DELIVERIES + "?per_page={per_page}"
        for _ in range(max_pages):
            query: dict[str, str | int] = {"per_page": PAGE, "cursor": cursor}
            found = auth.as_app(partial(self.rest.page, path, query))
            page, cursor = require_objects("GitHub", found.items), found.following.get("cursor", "")
            path = DELIVERIES + "?per_page={per_page}&cursor={cursor}"
            recent = [x for x in page if timestamp(x.get("delivered_at")) >= since]
            yield from recent
            if not cursor or len(recent) < len(page):
                return


def _read(delivery: Mapping[str, Any]) -> FailedDelivery:
    return FailedDelivery(
        *(int(delivery["id"]), str(delivery["guid"]), text(delivery.get("event"))),
        *(text(delivery.get("status")), int(delivery.get("status_code") or 0)),
    )
