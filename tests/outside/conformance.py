"""Checks exchanges against a forge's own API description.

Attach to a sandbox with `box.observe(conformance.check)`, then assert `not conformance.violations`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from openapi_core import Config, OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.templating.responses.exceptions import ResponseNotFound
from openapi_core.testing import MockRequest, MockResponse

from tests.simulation import Exchange

HOST = "https://api.github.com"


def make_request(exchange: Exchange) -> MockRequest:
    request = MockRequest(
        HOST,
        exchange.method,
        exchange.path,
        args=parse_qs(exchange.query, keep_blank_values=True),
        headers=exchange.request_headers,
        data=exchange.request_body,
        content_type=exchange.request_headers.get("content-type", ""),
    )
    if not exchange.request_body:
        request.body = None  # type: ignore[assignment]  # its annotation lacks "no body"
    return request


def make_response(exchange: Exchange) -> MockResponse:
    return MockResponse(
        exchange.response_body or None,  # type: ignore[arg-type]  # as above
        exchange.status,
        exchange.response_headers,
        exchange.response_headers.get("content-type", "").partition(";")[0],
    )


def encoded_file_path(exchange: Exchange) -> Exchange:
    head, separator, tail = exchange.path.partition("/contents/")
    return replace(exchange, path=head + separator + tail.replace("/", "%2F"))


def without_null(name: str) -> Callable[[Exchange], Exchange]:
    """Return a function that removes a field from a response where it is null."""

    def strip(value: Any) -> Any:
        if isinstance(value, list):
            return [strip(item) for item in value]
        if isinstance(value, dict):
            is_null = name in value and value[name] is None
            return {k: strip(v) for k, v in value.items() if not (is_null and k == name)}
        return value

    def adapt(exchange: Exchange) -> Exchange:
        if f'"{name}":null'.encode() not in exchange.response_body:
            return exchange
        return replace(exchange, response_body=json.dumps(strip(exchange.response_json)).encode())

    return adapt


# Where GitHub differs from its own description: the last column adapts the exchange to the
# description, or is None where the description has nothing to check it against.
Adaptation = Callable[[Exchange], Exchange] | None
EXCEPTIONS: list[tuple[str, str, Adaptation]] = [
    # The trimmed description does not contain the operation.
    (r"GET /user(/repos)?$", "*", None),
    # The trimmed description does not contain these; tests/sandbox checks their responses.
    (r"GET /repos/[^/]+/[^/]+/issues/\d+/timeline$", "*", None),
    (r"\w+ /repositories/\d+", "*", None),
    # The description is of the REST API; bot/sandbox/github/graphql.py refuses unknown fields.
    (r"POST /graphql$", "*", None),
    # In this one list `account` must be a user and an enterprise at the same time.
    (r"GET /app/installations$", "*", None),
    # `path` is one segment in the description, but GitHub accepts it with slashes as well.
    (r"GET /repos/[^/]+/[^/]+/contents/", "*", encoded_file_path),
    # A raw file is described only by a sentence, not by a media type.
    (r"GET /repos/[^/]+/[^/]+/contents/", "application/vnd.github.raw+json; charset=utf-8", None),
    # The schema of a folder, a list, has a discriminator, which only objects can have;
    # tests/outside/test_github_description.py checks its entries.
    (r"GET /repos/[^/]+/[^/]+/contents/\.github((?:/|%2F)ISSUE_TEMPLATE)?$", "*", None),
    # An open issue's `state_reason` is null on the wire; the description requires a string.
    (r"(GET|PATCH) /repos/[^/]+/[^/]+/issues", "*", without_null("state_reason")),
    # An issue without a body has null there, as in lists; the description of a search lacks that.
    (r"GET /search/issues$", "*", without_null("body")),
]
# Where the description of issue types and suggestions applies instead.
OTHERS: list[tuple[str, str, Adaptation]] = [
    (r"GET /repos/[^/]+/[^/]+/issues/\d+/events$", "*", None),
    (r"GET /repos/[^/]+/[^/]+/issue-types$", "*", None),
    (r"PATCH /repos/[^/]+/[^/]+/issues/\d+$", "*", None),
    (r"(GET|POST) /repos/[^/]+/[^/]+/issues/\d+/suggestions", "*", None),
]
INTENTS = "api.github.com.intents.trimmed.json"


def compile_operations(paths: Mapping[str, Mapping[str, Any]]) -> list[re.Pattern[str]]:
    """Return a pattern of method and path for each operation of a description."""
    return [
        re.compile(f"{method.upper()} " + re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)))
        for path, methods in paths.items()
        for method in methods
    ]


@dataclass
class Conformance:
    """Collects violations of an API description; a fault's response is not checked.

    `operations` are the methods and paths of a description that is only about these: other
    exchanges are not checked. None for a description of everything that the product sends.
    """

    spec: OpenAPI = field(repr=False)
    operations: Sequence[re.Pattern[str]] | None = None
    violations: list[str] = field(default_factory=list)
    checked: int = 0

    @classmethod
    def read(cls, description: Path) -> Conformance:
        """Read a description without validating it, which would take seconds."""
        config = Config(spec_validator_cls=None)
        content = json.loads(description.read_text(encoding="utf-8"))
        is_partial = description.name == INTENTS
        operations = compile_operations(content["paths"]) if is_partial else None
        return cls(OpenAPI.from_dict(content, config=config), operations)

    def fresh(self) -> Conformance:
        """Return a copy without violations; to build a description again is slow."""
        return Conformance(self.spec, self.operations)

    def check(self, exchange: Exchange) -> None:
        """Check an exchange. Never raises, so that it can observe a sandbox."""
        if exchange.api != "github":
            return
        operation = f"{exchange.method} {exchange.path}"
        known = self.operations
        if known is not None and not any(one.fullmatch(operation) for one in known):
            return
        for pattern, content_type, adapt in EXCEPTIONS if known else [*OTHERS, *EXCEPTIONS]:
            if re.match(pattern, operation) and (
                content_type in ("*", exchange.response_headers.get("content-type"))
            ):
                if adapt is None:
                    return
                exchange = adapt(exchange)
        self.checked += 1
        self._validate(exchange)

    def _validate(self, exchange: Exchange) -> None:
        request = make_request(exchange)
        try:
            self.spec.validate_request(request)
        except OpenAPIError as error:
            self._note(exchange, "request", error)
            return
        if exchange.fault or exchange.status == 0:
            return
        try:
            self.spec.validate_response(request, make_response(exchange))
        except ResponseNotFound as error:
            # Errors that GitHub returns everywhere are declared for few operations only.
            if exchange.status < 400:
                self._note(exchange, "response", error)
        except OpenAPIError as error:
            self._note(exchange, "response", error)

    def _note(self, exchange: Exchange, part: str, error: Exception) -> None:
        causes = [str(error)]
        cause = error.__cause__
        while cause is not None:
            schema_errors = getattr(cause, "schema_errors", None) or ()
            causes += [str(e.message)[:200] for e in schema_errors]
            causes.append(str(cause)[:200])
            cause = cause.__cause__
        prefix = f"{exchange.method} {exchange.path} {exchange.status}: {part}: "
        self.violations.append(prefix + "; ".join(dict.fromkeys(causes)))
