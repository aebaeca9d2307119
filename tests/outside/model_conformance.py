"""Checks model exchanges against OpenAI's and Anthropic's own schemas.

Attach to a sandbox with `box.observe(conformance.check)`, then assert `not conformance.violations`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from tests.simulation import Exchange

OPENAI_PARTS = {
    "request": "CreateChatCompletionRequest",
    "response": "CreateChatCompletionResponse",
    "error": "ErrorResponse",
}
# Anthropic's error envelope is in its documentation, not in the schemas at hand.
ANTHROPIC_ERROR = {
    "type": "object",
    "required": ["type", "error"],
    "properties": {
        "type": {"const": "error"},
        "error": {
            "type": "object",
            "required": ["type", "message"],
            "properties": {"type": {"type": "string"}, "message": {"type": "string"}},
        },
    },
}
BATCHES = ("/files", "/batches", "/v1/messages/batches")  # not in the schemas
# Faults whose responses follow no schema.
BROKEN = {
    "model-50mb",
    "model-drip",
    "model-empty",
    "model-gzip-bomb",
    "model-html",
    "model-redirect",
    "model-tool-calls",
}


def openai_schemas(folder: Path) -> dict[str, Any]:
    description = json.loads((folder / "openai.trimmed.json").read_text(encoding="utf-8"))
    components = description["components"]
    return {
        part: {"$ref": f"#/components/schemas/{name}", "components": components}
        for part, name in OPENAI_PARTS.items()
    }


def anthropic_schemas(folder: Path) -> dict[str, Any]:
    """Return the schemas; the request's allows no other keys, since the API refuses them."""
    schemas = json.loads((folder / "anthropic.messages.trimmed.json").read_text(encoding="utf-8"))
    return {
        "request": schemas["request"] | {"additionalProperties": False},
        "response": schemas["response"],
        "error": ANTHROPIC_ERROR,
    }


@dataclass
class ModelConformance:
    """Collects violations of the vendors' schemas."""

    validators: dict[tuple[str, str], Draft202012Validator] = field(repr=False)
    violations: list[str] = field(default_factory=list)
    checked: int = 0

    @classmethod
    def read(cls, folder: Path) -> ModelConformance:
        apis = {"openai": openai_schemas(folder), "anthropic": anthropic_schemas(folder)}
        return cls(
            {
                (api, part): Draft202012Validator(schema)
                for api, schemas in apis.items()
                for part, schema in schemas.items()
            }
        )

    def fresh(self) -> ModelConformance:
        return ModelConformance(self.validators)

    def check(self, exchange: Exchange) -> None:
        """Check an exchange. Never raises, so that it can observe a sandbox."""
        if exchange.api not in ("openai", "anthropic") or exchange.method != "POST":
            return
        if exchange.path.startswith(BATCHES):
            return
        self.checked += 1
        self._validate(exchange, "request", exchange.request_body)
        if exchange.status and exchange.fault not in BROKEN:
            part = "response" if exchange.status == 200 else "error"
            self._validate(exchange, part, exchange.response_body)

    def _validate(self, exchange: Exchange, part: str, body: bytes) -> None:
        try:
            decoded = json.loads(body)
        except ValueError:
            self.violations.append(f"{exchange.api} {part}: not JSON")
            return
        for error in self.validators[exchange.api, part].iter_errors(decoded):
            where = "/".join(map(str, error.absolute_path))
            self.violations.append(f"{exchange.api} {part}: {where}: {error.message[:200]}")
