"""Anthropic's message batches.

https://docs.anthropic.com/en/api/creating-message-batches
"""

from __future__ import annotations

import json
import re
import uuid
from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox.model.api import InvalidRequest
from tests.simulation.batches import MAX_BYTES, MAX_REQUESTS, Batch, BatchVendor, Json

CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class AnthropicBatchApi(BatchVendor):
    name = "anthropic"

    def routes(self) -> list[Route]:
        rows = [
            ("/v1/messages/batches", self._create, "POST"),
            ("/v1/messages/batches/{id}", self._get, "GET"),
            ("/v1/messages/batches/{id}", self._delete, "DELETE"),
            ("/v1/messages/batches/{id}/results", self._results, "GET"),
            ("/v1/messages/batches/{id}/cancel", self._cancel, "POST"),
        ]
        return [Route(path, self.guard(act), methods=[method]) for path, act, method in rows]

    def _create(self, request: Request, body: bytes) -> Response:
        data = json.loads(body)
        if set(data) != {"requests"} or not data["requests"]:
            raise InvalidRequest(400, "requests: Field required")
        if len(data["requests"]) > MAX_REQUESTS["anthropic"] or len(body) > MAX_BYTES["anthropic"]:
            raise InvalidRequest(413, "Request exceeds the maximum size.")
        lines = []
        for number, one in enumerate(data["requests"]):
            if set(one) != {"custom_id", "params"} or not CUSTOM_ID.fullmatch(one["custom_id"]):
                raise InvalidRequest(
                    400, f"requests.{number}.custom_id: String should match pattern"
                )
            lines.append((one["custom_id"], one["params"]))
        if len(dict(lines)) < len(lines):
            raise InvalidRequest(400, "requests: custom_id must be unique")
        batch = Batch(f"msgbatch_{uuid.uuid4().hex}", lines, status="in_progress")
        self.batches[batch.id] = batch
        self.created.append(batch)
        return JSONResponse(self._show(request, batch))

    def _get(self, request: Request, _body: bytes) -> Response:
        batch = self.find(request)
        if batch.status != "ended" and self.is_over(batch):
            batch.status = "ended"
            self._end(request, batch)
        return JSONResponse(self._show(request, batch))

    def _end(self, request: Request, batch: Batch) -> None:
        found = batch.results["results"] = []
        for number, (custom_id, params) in enumerate(batch.lines):
            status, answer = self.answer(request.headers, params)
            if forced := self.script.fail(number):
                status = forced
                answer = json.loads(bytes(self.vendor.error(forced, "Failed.").body))
            result: Json = {"type": "succeeded", "message": answer}
            if self.script.skip(number) or self.script.whole:
                result = {"type": "expired"}
            elif status != 200:
                result = {"type": "errored", "error": answer}
            found.append({"custom_id": custom_id, "result": result})
        found.reverse()  # results may be in any order

    def _results(self, request: Request, _body: bytes) -> Response:
        batch = self.find(request)
        if batch.status != "ended":
            raise InvalidRequest(404, "The batch has no results yet.")
        lines = batch.results["results"] * (2 if self.script.twice else 1)
        content = b"\n".join(json.dumps(x).encode() for x in lines) + b"\n"
        return Response(content, media_type="application/x-jsonl")

    def _cancel(self, request: Request, _body: bytes) -> Response:
        batch = self.find(request)
        batch.status = "canceling"
        return JSONResponse(self._show(request, batch))

    def _delete(self, request: Request, _body: bytes) -> Response:
        batch = self.find(request)
        if batch.status != "ended":
            raise InvalidRequest(400, "Only batches that have ended can be deleted.")
        del self.batches[batch.id]
        return JSONResponse({"id": batch.id, "type": "message_batch_deleted"})

    def _show(self, request: Request, batch: Batch) -> Json:
        created = datetime.fromtimestamp(batch.created, UTC)
        has_ended = batch.status == "ended"
        base = str(request.base_url).rstrip("/")
        kinds = [one["result"]["type"] for one in batch.results.get("results", ())]
        names = ("succeeded", "errored", "canceled", "expired")
        return {
            "id": batch.id,
            "type": "message_batch",
            "processing_status": batch.status,
            "request_counts": {
                "processing": 0 if has_ended else len(batch.lines),
                **{name: kinds.count(name) for name in names},
            },
            "created_at": created.isoformat(),
            "expires_at": (created + timedelta(days=1)).isoformat(),
            "ended_at": datetime.now(UTC).isoformat() if has_ended else None,
            "archived_at": None,
            "cancel_initiated_at": None,
            "results_url": f"{base}/v1/messages/batches/{batch.id}/results" if has_ended else None,
        }
