#!/usr/bin/env bash
# Runs `tagline action` from this copy of Tagline, in an environment that is removed afterwards.
# Usage: run.sh LOCK [OPTION...]; LOCK has the dependencies, all pinned by hash.
set -euo pipefail

lock="$(realpath "$1")"
shift
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
temporary="$(mktemp -d)"
trap 'rm -rf "$temporary"' EXIT

export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
pip_options=(--quiet --no-deps --require-hashes --only-binary :all:)
python3 -m pip install "${pip_options[@]}" --target "$temporary/uv" -r deploy/action/installer.lock
uv="$temporary/uv/bin/uv"
"$uv" venv --quiet --python ">=3.11" "$temporary/venv"
"$uv" pip install --quiet --python "$temporary/venv" --require-hashes --only-binary :all: -r "$lock"
# Isolated from variables such as PYTHONPATH; the working directory is ours, not the work tree.
"$temporary/venv/bin/python" -E -m bot action "$@"
