"""OpenAI's batches: a file of requests, a batch, files with results and errors.

https://platform.openai.com/docs/api-reference/batch
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar
from uuid import uuid4

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
    is_uncertain,
    readable,
)

ENDPOINT = "/v1/chat/completions"
ENDED = ("completed", "failed", "expired", "cancelled")
KEPT_SECONDS = 3 * 86_400  # files are deleted by OpenAI then, if no command did it before
TOKEN = "tagline"  # the key of a batch's metadata


class OpenAIBatches(BatchClient):
    """OpenAI's batches of chat completions."""

    can_find: ClassVar[bool] = True

    @readable()
    def submit(self, requests: Sequence[BatchRequest], token: str) -> SentBatch:
        file = self._upload(requests, token)
        expiry = {"anchor": "created_at", "seconds": KEPT_SECONDS}
        body = {
            "input_file_id": file,
            "endpoint": ENDPOINT,
            "completion_window": "24h",
            "metadata": {TOKEN: token},
            "output_expires_after": expiry,
        }
        try:
            batch = _decode(self.send("POST", "/batches", msgspec.json.encode(body)))
        except ModelFailed as failure:
            if not is_uncertain(failure):
                with suppress(ModelFailed):
                    self._delete_file(file)
            raise
        return SentBatch(check_id(batch["id"]), (file,))

    def _upload(self, requests: Sequence[BatchRequest], token: str) -> str:
        """Upload the requests as a file, and return its id."""
        boundary = f"tagline-{uuid4().hex}"
        fields = {
            "purpose": "batch",
            "expires_after[anchor]": "created_at",
            "expires_after[seconds]": str(KEPT_SECONDS),
        }
        start = "".join(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        )
        start += (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file";'
            f' filename="{_name_file(token)}"\r\nContent-Type: application/jsonl\r\n\r\n'
        )
        lines = b"\n".join(
            b'{"custom_id":%b,"method":"POST","url":"%b","body":%b}'
            % (msgspec.json.encode(one.id), ENDPOINT.encode(), one.body)
            for one in requests
        )
        content = b"%b%b\n\r\n--%b--\r\n" % (start.encode(), lines, boundary.encode())
        form = f"multipart/form-data; boundary={boundary}"
        return check_id(_decode(self.send("POST", "/files", content, form))["id"])

    @readable()
    def find(self, token: str) -> SentBatch | None:
        """Look through the newest batches: those of a token were created lately."""
        for one in _decode(self.send("GET", "/batches?limit=100"))["data"]:
            if (one.get("metadata") or {}).get(TOKEN) == token:
                return SentBatch(check_id(one["id"]), (check_id(one["input_file_id"]),))
        return None

    @readable()
    def abandon(self, token: str) -> None:
        """Delete the uploaded file by its name: the upload may have happened without a response."""
        for one in _decode(self.send("GET", "/files?purpose=batch&order=desc&limit=1000"))["data"]:
            if one.get("filename") == _name_file(token):
                self._delete_file(check_id(one["id"]))

    @readable()
    def poll(self, batch: SentBatch) -> BatchState:
        data = _decode(self.send("GET", f"/batches/{batch.id}"))
        names = ("output_file_id", "error_file_id")
        outputs = tuple(check_id(data[name]) for name in names if data.get(name))
        problems = (data.get("errors") or {}).get("data") or ()
        codes = (str(one.get("code") or "failed") for one in problems)
        why = next(codes, "failed") if data["status"] == "failed" else ""
        return BatchState(data["status"] in ENDED, why, outputs)

    def read(self, batch: SentBatch, output: str) -> bytes:
        return self.send("GET", f"/files/{output}/content", max_bytes=MAX_RESULT_BYTES)

    def parse(self, line: Any) -> tuple[str, Mapping[str, Any] | None, str, bool]:
        id_, response, error = str(line["custom_id"]), line.get("response"), line.get("error")
        if error or not response:
            return id_, None, str((error or {}).get("code") or "no-response"), False
        status = int(response["status_code"])
        if status != 200:
            return id_, None, f"status-{status}", 400 <= status < 429
        return id_, response["body"], "", False

    def cancel(self, batch: SentBatch) -> None:
        self.send("POST", f"/batches/{batch.id}/cancel")

    def delete(self, batch: SentBatch, state: BatchState) -> None:
        """Delete its files; OpenAI keeps the batch itself, which has no text."""
        for file in (*batch.files, *state.outputs):
            self._delete_file(file)

    def _delete_file(self, file: str) -> None:
        """Delete a file; one that is gone already is no error."""
        try:
            self.send("DELETE", f"/files/{file}")
        except ModelFailed as failure:
            if not is_gone(failure):
                raise


def _name_file(token: str) -> str:
    return f"{TOKEN}-{token}.jsonl"


def _decode(content: bytes) -> Any:
    return msgspec.json.decode(content)
