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
    BatchRequest,
    BatchState,
    Sender,
    SentBatch,
    check_id,
    is_gone,
)

BATCHES = "/v1/messages/batches"
REJECTED = ("invalid_request_error", "not_found_error", "permission_error", "request_too_large")


class AnthropicBatches:
    """Implements `BatchFormat`."""

    can_find: ClassVar[bool] = False

    def submit(self, send: Sender, requests: Sequence[BatchRequest], token: str) -> SentBatch:
        parts = b",".join(
            b'{"custom_id":%b,"params":%b}' % (msgspec.json.encode(one.id), one.body)
            for one in requests
        )
        batch = msgspec.json.decode(send("POST", BATCHES, b'{"requests":[%b]}' % parts))
        return SentBatch(check_id(batch["id"]))

    def find(self, send: Sender, token: str) -> SentBatch | None:
        return None  # its list shows nothing that a command has given

    def abandon(self, send: Sender, token: str) -> None:
        """Nothing was uploaded beside the batch."""

    def poll(self, send: Sender, batch: SentBatch) -> BatchState:
        data = msgspec.json.decode(send("GET", f"{BATCHES}/{batch.id}"))
        has_ended = data["processing_status"] == "ended"
        # Its `results_url` is not called: the key would go wherever the response says.
        return BatchState(has_ended, outputs=("results",) if data.get("results_url") else ())

    def read(self, send: Sender, batch: SentBatch, output: str) -> bytes:
        return send("GET", f"{BATCHES}/{batch.id}/{output}", max_bytes=MAX_RESULT_BYTES)

    def parse(self, line: Any) -> tuple[str, Mapping[str, Any] | None, str, bool]:
        id_, result = str(line["custom_id"]), line["result"]
        if result["type"] == "succeeded":
            return id_, result["message"], "", False
        error = (result.get("error") or {}).get("error") or {}
        why = str(error.get("type") or result["type"])
        return id_, None, why, why in REJECTED

    def cancel(self, send: Sender, batch: SentBatch) -> None:
        send("POST", f"{BATCHES}/{batch.id}/cancel", b"")

    def delete(self, send: Sender, batch: SentBatch, state: BatchState) -> None:
        try:
            send("DELETE", f"{BATCHES}/{batch.id}")
        except ModelFailed as failure:
            if not is_gone(failure):
                raise
