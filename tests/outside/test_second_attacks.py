"""Further hostile cases through the whole product, with its worker in a separate process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot import log
from bot.embedded.valkey import EmbeddedRedis
from tests.outside import second
from tests.outside.attacks import Judge
from tests.outside.second import Case
from tests.outside.second_checks import TIME_CHECKS, problems
from tests.outside.second_product import Products
from tests.outside.second_run import run
from tests.shared import absent, shared_folder
from tests.simulation import Sandbox
from tests.whole.app import SECRET

SET = shared_folder() / "attacks" / "second.jsonl"
TIMED_RUNS = 3
# Known failures, by case or by case and host. A case that passes fails until its row is removed.
NOT_YET: dict[str, str] = {}


def parameters() -> Iterator[object]:
    """Yield each case on each of its hosts, in each wire format that can carry its reply."""
    if not SET.is_file():
        yield pytest.param(None, "", "", id="none")
        return
    for case in second.read(SET):
        for on in case.hosts:
            reason = NOT_YET.get(case.id) or NOT_YET.get(f"{case.id}-{on}")
            marks = [pytest.mark.xfail(strict=True, reason=reason)] if reason else []
            if case.kind == "wave":
                marks.append(pytest.mark.slow)
            for provider in case.providers:
                name = f"{case.id}-{on}-{provider}"
                yield pytest.param(case, on, provider, marks=marks, id=name)


@pytest.fixture(scope="module")
def judge(shared: Path) -> Judge:
    return Judge(shared)


@pytest.fixture(scope="module")
def products(server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Products]:
    box = Sandbox(webhook_secret=SECRET)
    with pytest.MonkeyPatch.context() as patch, box.running():
        patch.setattr(log, "_logger", log.get())
        products = Products(box, server.url, tmp_path_factory.mktemp("second"))
        yield products
        products.close()


@pytest.mark.slow
@pytest.mark.parametrize(("case", "on", "provider"), list(parameters()))
def test_a_hostile_case_does_no_harm_and_is_answered(
    case: Case | None, on: str, provider: str, products: Products, judge: Judge
) -> None:
    """A time limit must be met in one of several runs, since other processes use the machine."""
    if case is None:
        absent(SET)
    expanded = case.expand()
    for _ in range(TIMED_RUNS):
        with products.use(
            provider, case.environment, alone=case.alone, memory_mib=case.memory_mib
        ) as product:
            expectations = run(expanded, on, product)
        assert expectations, "the case has no expectation"
        failed = [problems(result, wanted, judge) for result, wanted in expectations]
        if not any(failed) or not all(checks.keys() <= TIME_CHECKS for checks in failed):
            break
    assert not any(failed), failed
