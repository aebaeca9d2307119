"""OpenAI's batch API: files of requests, batches, files of results.

https://platform.openai.com/docs/api-reference/batch
"""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox.model.api import InvalidRequest
from tests.simulation.batches import MAX_BYTES, MAX_REQUESTS, Batch, BatchVendor, Json

LINE_FIELDS = {"custom_id", "method", "url", "body"}
EXPIRY = (3_600, 2_592_000)  # seconds


@dataclass
class OpenAIBatchApi(BatchVendor):
    name: ClassVar[str] = "openai"
    _details: dict[str, Json] = field(default_factory=dict)

    def routes(self) -> list[Route]:
        rows = [
            ("/files", self._upload, "POST"),
            ("/files", self._list_files, "GET"),
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
        file = self._add_file(fields["file"], parts["file"].get_filename(""), "batch")
        return JSONResponse(self._show_file(file))

    def _add_file(self, content: bytes, name: str, purpose: str) -> str:
        """Keep a file, and return its id."""
        id_ = f"file-{uuid.uuid4().hex[:22]}"
        self.files[id_] = content
        self._details[id_] = {"filename": name, "purpose": purpose, "created_at": int(time.time())}
        return id_

    def _show_file(self, id_: str) -> Json:
        return {"id": id_, "object": "file", "bytes": len(self.files[id_]), **self._details[id_]}

    def _list_files(self, request: Request, _body: bytes) -> Response:
        query = request.query_params
        if extra := set(query) - {"purpose", "limit", "order"}:
            raise InvalidRequest(400, f"Unknown parameter: '{min(extra)}'.")
        limit, order = int(query.get("limit", 10_000)), query.get("order", "desc")
        if not 1 <= limit <= 10_000 or order not in ("asc", "desc"):
            raise InvalidRequest(400, "Invalid value.", "limit")
        shown = [self._show_file(id_) for id_ in self.files]
        found = [one for one in shown if one["purpose"] == query.get("purpose", one["purpose"])]
        if order == "desc":
            found.reverse()
        data = found[:limit]
        return JSONResponse({"object": "list", "data": data, "has_more": len(found) > limit})

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
                lines = found * (2 if script.twice else 1)
                content = b"\n".join(json.dumps(x).encode() for x in lines) + b"\n"
                batch.files[kind] = self._add_file(content, f"{batch.id}.jsonl", "batch_output")

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
