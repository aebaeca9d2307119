"""Anthropic's message batches.

https://docs.anthropic.com/en/api/creating-message-batches
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from bot.core.errors import ModelFailed
from bot.llm.batches import (
    MAX_RESULT_BYTES,
    BatchClient,
    BatchRequest,
    BatchState,
    SentBatch,
    check_id,
    is_gone,
    readable,
)

BATCHES = "/v1/messages/batches"
REJECTED = ("invalid_request_error", "not_found_error", "permission_error", "request_too_large")


class AnthropicBatches(BatchClient):
    """Anthropic's batches of messages."""

    can_find: ClassVar[bool] = False

    @readable()
    def submit(self, requests: Sequence[BatchRequest], token: str) -> SentBatch:
        parts = b",".join(
            b'{"custom_id":%b,"params":%b}' % (msgspec.json.encode(one.id), one.body)
            for one in requests
        )
        batch = msgspec.json.decode(self.send("POST", BATCHES, b'{"requests":[%b]}' % parts))
        return SentBatch(check_id(batch["id"]))

    def find(self, token: str) -> SentBatch | None:
        return None  # its list shows nothing that a command has given

    def abandon(self, token: str) -> None:
        """Nothing was uploaded beside the batch."""

    @readable()
    def poll(self, batch: SentBatch) -> BatchState:
        data = msgspec.json.decode(self.send("GET", f"{BATCHES}/{batch.id}"))
        has_ended = data["processing_status"] == "ended"
        # Its `results_url` is not called: the key would go wherever the response says.
        return BatchState(has_ended, outputs=("results",) if data.get("results_url") else ())

    def read(self, batch: SentBatch, output: str) -> bytes:
        return self.send("GET", f"{BATCHES}/{batch.id}/{output}", max_bytes=MAX_RESULT_BYTES)

    def parse(self, line: Any) -> tuple[str, Mapping[str, Any] | None, str, bool]:
        id_, result = str(line["custom_id"]), line["result"]
        if result["type"] == "succeeded":
            return id_, result["message"], "", False
        error = (result.get("error") or {}).get("error") or {}
        why = str(error.get("type") or result["type"])
        return id_, None, why, why in REJECTED

    def cancel(self, batch: SentBatch) -> None:
        self.send("POST", f"{BATCHES}/{batch.id}/cancel", b"")

    def delete(self, batch: SentBatch, state: BatchState) -> None:
        try:
            self.send("DELETE", f"{BATCHES}/{batch.id}")
        except ModelFailed as failure:
            if not is_gone(failure):
                raise
