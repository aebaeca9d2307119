"""An HTTP client whose responses are given."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from bot.http import Client, ClientPool


class ScriptedWeb(ClientPool):
    """Clients whose requests get `answer`, or what it returns; `requests` has all of them."""

    def __init__(
        self, answer: httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]
    ) -> None:
        self.requests: list[httpx.Request] = []

        def handle(request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            if isinstance(answer, Exception):
                raise answer
            return answer if isinstance(answer, httpx.Response) else answer(request)

        self._client = Client(httpx.MockTransport(handle))

    def get(self) -> Client:
        return self._client

    def close(self) -> None:
        self._client.close()
