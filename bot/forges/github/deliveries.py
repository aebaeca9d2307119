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
from bot.forges.values import timestamp

PAGE, MAX_PAGES = 100, 50
DELIVERIES = "/app/hook/deliveries"
EVENTS = ("issues", "issue_comment")


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Implements `DeliveryHistory`; a token or an App without a webhook has no deliveries."""

    rest: GitHubClient
    auth: Auth

    def list_failed_deliveries(self, since: float) -> Mapping[int, str]:
        failed: dict[int, str] = {}
        seen: set[str] = set()  # each attempt is listed, the newest first
        for delivery in self._list(since):
            guid, status = str(delivery["guid"]), int(delivery["status_code"])
            if 200 <= status < 300:
                seen.add(guid)
            elif guid not in seen and delivery.get("event") in EVENTS:
                failed[int(delivery["id"])] = guid
                seen.add(guid)
        return failed

    def redeliver(self, delivery: int) -> None:
        assert isinstance(self.auth, AppAuth)
        path = DELIVERIES + "/{id}/attempts"
        self.auth.as_app(partial(self.rest.call, "POST", path, {"id": delivery}))

    def _list(self, since: float) -> Iterator[dict[str, Any]]:
        auth, cursor = self.auth, ""
        if not isinstance(auth, AppAuth):
            return
        path = DELIVERIES + "?per_page={per_page}"
        for _ in range(MAX_PAGES):
            query: dict[str, str | int] = {"per_page": PAGE, "cursor": cursor}
            try:
                found = auth.as_app(partial(self.rest.page, path, query))
            except NotFound:  # the App has no webhook
                return
            page, cursor = found.items, found.following.get("cursor", "")
            path = DELIVERIES + "?per_page={per_page}&cursor={cursor}"
            recent = [x for x in page if timestamp(x.get("delivered_at")) >= since]
            yield from recent
            if not cursor or len(recent) < len(page):
                return
