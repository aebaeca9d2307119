"""The vendors' batch APIs: requests are checked and answered as single ones, later.

https://platform.openai.com/docs/api-reference/batch
https://docs.anthropic.com/en/api/creating-message-batches
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox.model.api import InvalidRequest, Models, Vendor

MAX_REQUESTS = {"openai": 50_000, "anthropic": 100_000}
MAX_BYTES = {"openai": 200_000_000, "anthropic": 256_000_000}
CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
EXPIRY = (3_600, 2_592_000)  # seconds
LINE_FIELDS = {"custom_id", "method", "url", "body"}
Json = dict[str, Any]


@dataclass
class Batch:
    """A batch at a vendor. `results` are there once it has `ended`; `lines` are its requests."""

    id: str
    lines: list[tuple[str, Json]]
    metadata: Json = field(default_factory=dict)
    file: str = ""
    created: float = field(default_factory=time.time)
    status: str = ""
    results: dict[str, list[Json]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    error: Json | None = None


@dataclass
class Script:
    """How the next batches behave: `late` polls before the end, and requests that get no answer.

    `skip` says of the n-th request whether it expires, `fail` whether it fails with a status,
    `twice` repeats each result, `whole` is the code with which the whole batch fails.
    """

    late: int = 1
    skip: Callable[[int], bool] = lambda _: False
    fail: Callable[[int], int] = lambda _: 0
    twice: bool = False
    whole: str = ""
    never: bool = False


@dataclass
class BatchVendor:
    """The batches of one vendor, whose state survives a restart of its server."""

    models: Models
    vendor: Vendor
    script: Script = field(default_factory=Script)
    batches: dict[str, Batch] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    polls: dict[str, int] = field(default_factory=dict)
    created: list[Batch] = field(default_factory=list)

    name: ClassVar[str] = ""

    def check_key(self, request: Request) -> None:
        """Raises InvalidRequest."""
        probe = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "x"}]}
        self.vendor.check(request.headers, probe, self.models.key)

    def answer(self, headers: Mapping[str, str], body: Json) -> tuple[int, Json]:
        """Return the status and the response to one request of a batch."""
        try:
            self.vendor.check(headers, body, self.models.key)
        except InvalidRequest as problem:
            error = self.vendor.error(problem.status, problem.message, problem.param)
            return problem.status, json.loads(bytes(error.body))
        found = self.vendor.answer(body, self.models.text(self.vendor, body))
        return 200, json.loads(bytes(found.body))

    def is_over(self, batch: Batch) -> bool:
        """Count a poll; return whether the batch ends with it."""
        self.polls[batch.id] = self.polls.get(batch.id, 0) + 1
        return not self.script.never and self.polls[batch.id] > self.script.late

    def guard(self, act: Callable[[Request, bytes], Response]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            try:
                self.check_key(request)
                return act(request, await request.body())
            except InvalidRequest as problem:
                return self.vendor.error(problem.status, problem.message, problem.param)

        return endpoint

    def find(self, request: Request) -> Batch:
        """Raises InvalidRequest."""
        batch = self.batches.get(request.path_params["id"])
        if batch is None:
            raise InvalidRequest(404, "No batch found with that id.")
        return batch


class OpenAIBatchApi(BatchVendor):
    name = "openai"

    def routes(self) -> list[Route]:
        rows = [
            ("/files", self._upload, "POST"),
            ("/files/{id}/content", self._content, "GET"),
            ("/files/{id}", self._delete, "DELETE"),
            ("/batches", self._create, "POST"),
            ("/batches", self._list, "GET"),
            ("/batches/{id}", self._get, "GET"),
            ("/batches/{id}/cancel", self._cancel, "POST"),
        ]
        return [Route(path, self.guard(act), methods=[method]) for path, act, method in rows]

    def _upload(self, request: Request, body: bytes) -> Response:
        kind = request.headers.get("content-type", "")
        if not kind.startswith("multipart/form-data; boundary="):
            raise InvalidRequest(400, "Content-Type must be multipart/form-data.")
        form = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
        parts = {
            str(part.get_param("name", header="content-disposition")): part
            for part in form.walk()
            if not part.is_multipart()
        }
        fields = {name: bytes(part.get_payload(decode=True)) for name, part in parts.items()}
        if fields.get("purpose") != b"batch":
            raise InvalidRequest(400, "Missing required parameter: 'purpose'.", "purpose")
        if "file" not in fields or not parts["file"].get_filename("").endswith(".jsonl"):
            raise InvalidRequest(400, "Expected a .jsonl file.", "file")
        if extra := set(fields) - {"purpose", "file", *_expiry_fields()}:
            raise InvalidRequest(400, f"Unknown parameter: '{min(extra)}'.")
        if seconds := fields.get("expires_after[seconds]"):
            _check_expiry(
                {"anchor": fields["expires_after[anchor]"].decode(), "seconds": int(seconds)}
            )
        if len(fields["file"]) > MAX_BYTES["openai"]:
            raise InvalidRequest(413, "File is too large.")
        file = f"file-{uuid.uuid4().hex[:22]}"
        self.files[file] = fields["file"]
        shown = {"id": file, "object": "file", "purpose": "batch", "bytes": len(fields["file"])}
        now = int(time.time())
        return JSONResponse(shown | {"created_at": now, "filename": "requests.jsonl"})

    def _create(self, _request: Request, body: bytes) -> Response:
        data = json.loads(body)
        for name in ("input_file_id", "endpoint", "completion_window"):
            if name not in data:
                raise InvalidRequest(400, f"Missing required parameter: '{name}'.", name)
        known = {"input_file_id", "endpoint", "completion_window", "metadata"}
        if extra := set(data) - known - {"output_expires_after"}:
            raise InvalidRequest(400, f"Unknown parameter: '{min(extra)}'.")
        if data["completion_window"] != "24h" or data["endpoint"] != "/v1/chat/completions":
            raise InvalidRequest(400, "Invalid value.", "completion_window")
        metadata = data.get("metadata") or {}
        if len(metadata) > 16 or any(
            not isinstance(x, str) or len(x) > 512 for x in metadata.values()
        ):
            raise InvalidRequest(400, "Invalid metadata.", "metadata")
        if expiry := data.get("output_expires_after"):
            _check_expiry(expiry)
        if data["input_file_id"] not in self.files:
            raise InvalidRequest(400, "No such file.", "input_file_id")
        batch = Batch(f"batch_{uuid.uuid4().hex}", [], metadata, data["input_file_id"])
        batch.status = "validating"
        batch.error = self._validate(batch)
        self.batches[batch.id] = batch
        self.created.append(batch)
        return JSONResponse(self._show(batch))

    def _validate(self, batch: Batch) -> Json | None:
        """Return what is wrong with its file; the answer to a later poll shows it."""
        lines = self.files[batch.file].splitlines()
        seen, models = set[str](), set[str]()
        for number, line in enumerate(lines, 1):
            one = _decode_line(line)
            problems = {
                "invalid_json_line": one is None,
                "invalid_request": one and (set(one) != LINE_FIELDS or one["method"] != "POST"),
                "mismatched_endpoint": one and one.get("url") != "/v1/chat/completions",
                "duplicate_custom_id": one and one.get("custom_id") in seen,
            }
            if code := next((code for code, holds in problems.items() if holds), ""):
                return {"code": code, "message": "The line is not valid.", "line": number}
            assert one
            seen.add(one["custom_id"])
            models.add(one["body"]["model"])
            batch.lines.append((one["custom_id"], one["body"]))
        problems = {
            "empty_file": not lines,
            "too_many_tasks": len(lines) > MAX_REQUESTS["openai"],
            "mismatched_model": len(models) > 1,
        }
        code = next((code for code, holds in problems.items() if holds), "")
        return {"code": code, "message": "The file is not valid.", "line": None} if code else None

    def _list(self, _request: Request, _body: bytes) -> Response:
        newest = sorted(self.batches.values(), key=lambda one: -one.created)[:100]
        return JSONResponse({"object": "list", "data": [self._show(one) for one in newest]})

    def _get(self, request: Request, _body: bytes) -> Response:
        batch = self.find(request)
        if batch.status in ("validating", "in_progress") and self.is_over(batch):
            self._end(request, batch)
        elif batch.status == "validating":
            batch.status = "in_progress"
        return JSONResponse(self._show(batch))

    def _end(self, request: Request, batch: Batch) -> None:
        script = self.script
        if script.whole:
            batch.error = {"code": script.whole, "message": "The batch failed.", "line": None}
        if batch.error:
            batch.status = "failed"
            return
        batch.status = "completed"
        outputs: dict[str, list[Json]] = {"output_file_id": [], "error_file_id": []}
        for number, (custom_id, body) in enumerate(batch.lines):
            line: Json = {"id": f"batch_req_{uuid.uuid4().hex}", "custom_id": custom_id}
            if script.skip(number):
                batch.status = "expired"
                error = {"code": "batch_expired", "message": "This request could not be executed."}
                outputs["error_file_id"].append({**line, "response": None, "error": error})
                continue
            status, answer = self.answer(request.headers, body)
            if forced := script.fail(number):
                status = forced
                answer = json.loads(bytes(self.vendor.error(forced, "Failed.").body))
            response = {"status_code": status, "request_id": uuid.uuid4().hex, "body": answer}
            kind = "output_file_id" if status == 200 else "error_file_id"
            outputs[kind].append({**line, "response": response, "error": None})
        for kind, found in outputs.items():
            if found:
                file = f"file-{uuid.uuid4().hex[:22]}"
                lines = found * (2 if script.twice else 1)
                self.files[file] = b"\n".join(json.dumps(x).encode() for x in lines) + b"\n"
                batch.files[kind] = file

    def _cancel(self, request: Request, _body: bytes) -> Response:
        batch = self.find(request)
        if batch.status not in ("validating", "in_progress"):
            raise InvalidRequest(409, f"Cannot cancel a batch with status '{batch.status}'.")
        batch.status = "cancelled"
        return JSONResponse(self._show(batch))

    def _content(self, request: Request, _body: bytes) -> Response:
        file = request.path_params["id"]
        if file not in self.files:
            raise InvalidRequest(404, f"No such File object: {file}", "id")
        return Response(self.files[file], media_type="application/octet-stream")

    def _delete(self, request: Request, _body: bytes) -> Response:
        file = request.path_params["id"]
        if self.files.pop(file, None) is None:
            raise InvalidRequest(404, f"No such File object: {file}", "id")
        return JSONResponse({"id": file, "object": "file", "deleted": True})

    def _show(self, batch: Batch) -> Json:
        errors = {"object": "list", "data": [batch.error]} if batch.status == "failed" else None
        return {
            "id": batch.id,
            "object": "batch",
            "endpoint": "/v1/chat/completions",
            "errors": errors,
            "input_file_id": batch.file,
            "completion_window": "24h",
            "status": batch.status,
            "output_file_id": batch.files.get("output_file_id"),
            "error_file_id": batch.files.get("error_file_id"),
            "created_at": int(batch.created),
            "expires_at": int(batch.created) + 86_400,
            "request_counts": {"total": len(batch.lines), "completed": 0, "failed": 0},
            "metadata": batch.metadata,
        }


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


def _decode_line(line: bytes) -> Json | None:
    """Return the object of a line, None where it has none."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _expiry_fields() -> tuple[str, str]:
    return "expires_after[anchor]", "expires_after[seconds]"


def _check_expiry(expiry: Json) -> None:
    """Raises InvalidRequest."""
    first, last = EXPIRY
    if expiry.get("anchor") != "created_at" or not first <= int(expiry["seconds"]) <= last:
        raise InvalidRequest(400, "Invalid expiration policy.", "expires_after")
