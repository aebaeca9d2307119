"""The language models that the environment names: addresses, keys, fallbacks, problems."""

from __future__ import annotations

import pytest

from bot.settings.load import load
from bot.settings.models import ModelSettings
from tests.settings.test_load import COMPATIBLE, OPENAI, notices, problems


def load_model(environ: dict[str, str]) -> ModelSettings:
    model = load(environ).model
    assert model is not None
    return model


# Provider → the variables, and the model that they make: name, address, seconds, tokens, key.
MODELS: dict[str, tuple[dict[str, str], tuple[str, str, float, int, str, str]]] = {
    "openai": (
        OPENAI,
        ("gpt-6-luna", "https://api.openai.com/v1", 45, 2000, "OPENAI_API_KEY", "sk-quokkaberry"),
    ),
    "anthropic": (
        {"LLM_PROVIDER": "Anthropic", "ANTHROPIC_API_KEY": "k"},
        ("claude-haiku-5-5", "https://api.anthropic.com", 45, 2000, "ANTHROPIC_API_KEY", "k"),
    ),
    "compatible without a key": (
        COMPATIBLE,
        ("llama", "http://127.0.0.1:11434/v1", 120, 2000, "LLM_API_KEY", ""),
    ),
    "compatible with a key": (
        {**COMPATIBLE, "LLM_API_KEY": "k"},
        ("llama", "http://127.0.0.1:11434/v1", 120, 2000, "LLM_API_KEY", "k"),
    ),
    "everything set": (
        {
            **OPENAI,
            "LLM_MODEL": "gpt-6",
            "OPENAI_BASE_URL": "http://localhost:1/v1/",
            "LLM_TIMEOUT": "2.5",
            "LLM_MAX_OUTPUT_TOKENS": "100",
        },
        ("gpt-6", "http://localhost:1/v1", 2.5, 100, "OPENAI_API_KEY", "sk-quokkaberry"),
    ),
    "an address for every provider": (
        {**OPENAI, "LLM_BASE_URL": "http://localhost:3/v1"},
        ("gpt-6-luna", "http://localhost:3/v1", 45, 2000, "OPENAI_API_KEY", "sk-quokkaberry"),
    ),
    "its own address comes first": (
        {**OPENAI, "LLM_BASE_URL": "http://localhost:3", "OPENAI_BASE_URL": "http://localhost:4"},
        ("gpt-6-luna", "http://localhost:4", 45, 2000, "OPENAI_API_KEY", "sk-quokkaberry"),
    ),
    "the other key and address do not matter": (
        {**OPENAI, "ANTHROPIC_API_KEY": "other", "ANTHROPIC_BASE_URL": "http://localhost:2"},
        ("gpt-6-luna", "https://api.openai.com/v1", 45, 2000, "OPENAI_API_KEY", "sk-quokkaberry"),
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_each_provider_has_its_key_its_address_and_its_defaults(name: str) -> None:
    environ, expected = MODELS[name]
    model = load_model(environ)
    assert (
        model.model,
        model.base_url,
        model.timeout,
        model.max_output_tokens,
        model.key_variable,
        model.key,
    ) == expected


FALLBACKS = "anthropic:claude-x, compatible:llama3:8b ,openai:org/small"


def test_fallback_models_have_their_own_keys_and_addresses() -> None:
    model = load_model(
        {**COMPATIBLE, **OPENAI, "ANTHROPIC_API_KEY": "other", "LLM_FALLBACK_MODELS": FALLBACKS}
    )
    assert [(x.model, x.base_url, x.key, x.timeout, x.breaker) for x in model.fallbacks] == [
        ("claude-x", "https://api.anthropic.com", "other", 45, "anthropic:claude-x"),
        ("llama3:8b", "http://127.0.0.1:11434/v1", "", 120, "compatible:llama3:8b"),
        ("org/small", model.base_url, "sk-quokkaberry", 45, "openai:org/small"),
    ]
    assert model.breaker == "openai"


def test_models_that_a_repository_may_choose_are_the_provider_s() -> None:
    model = load_model({**OPENAI, "TAGLINE_ALLOWED_MODELS": "gpt-6, gpt-6-luna,,gpt-6,o9"})
    assert model.allowed_names == ("gpt-6-luna", "gpt-6", "o9")
    assert [(x.key, x.base_url, x.breaker, x.name_variable) for x in model.allowed] == [
        (model.key, model.base_url, f"openai:{name}", "TAGLINE_ALLOWED_MODELS")
        for name in ("gpt-6", "o9")
    ]


def test_models_to_choose_from_need_a_first_one() -> None:
    settings = load({"TAGLINE_ALLOWED_MODELS": "gpt-6"})
    assert settings.model_notices[-1] == "TAGLINE_ALLOWED_MODELS is not used without a first model."


def test_a_vendor_s_key_does_not_go_to_a_compatible_server() -> None:
    further = {"LLM_FALLBACK_MODELS": "openai:gpt-6", "OPENAI_API_KEY": "sk-quokkaberry"}
    settings = load({**COMPATIBLE, **further})
    assert settings.model is not None
    assert settings.model.fallbacks[0].base_url == "https://api.openai.com/v1"
    assert "sk-quokkaberry" in settings.secrets


@pytest.mark.parametrize(
    ("entry", "advice"),
    [
        ("gpt-6", "is not provider:model with one of openai, anthropic, compatible."),
        ("openai:", "is not provider:model"),
        (":gpt-6", "is not provider:model"),
        ("none:x", "is not provider:model"),
        ("mistral:x", "is not provider:model"),
        ("anthropic:x", "needs ANTHROPIC_API_KEY, which is not set."),
        ("compatible:x", "needs LLM_BASE_URL, which is not set."),
    ],
)
def test_a_wrong_fallback_model_is_a_problem_with_its_place(entry: str, advice: str) -> None:
    (line,) = problems({**OPENAI, "LLM_FALLBACK_MODELS": f"openai:gpt-6,,{entry}"})
    assert line.startswith(f"LLM_FALLBACK_MODELS, entry 2, {advice}")


def test_a_number_that_is_wrong_for_every_model_is_reported_once() -> None:
    wrong = {**OPENAI, "LLM_FALLBACK_MODELS": "openai:a,openai:b", "LLM_TIMEOUT": "x"}
    assert len(problems(wrong)) == 1


@pytest.mark.parametrize("first", [{}, {"LLM_PROVIDER": "none"}, {"LLM_PROVIDER": "openai"}])
def test_fallback_models_need_a_first(first: dict[str, str]) -> None:
    settings = load({**first, "LLM_FALLBACK_MODELS": "compatible:x"})
    assert settings.model is None
    assert settings.model_notices[-1] == "LLM_FALLBACK_MODELS is not used without a first model."


@pytest.mark.parametrize("missing", ["LLM_MODEL", "LLM_BASE_URL"])
def test_a_compatible_server_needs_a_model_and_an_address(missing: str) -> None:
    (line,) = problems({k: v for k, v in COMPATIBLE.items() if k != missing})
    assert line.startswith(f"{missing} is not set")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:11434/v1",
        "http://localhost:11434/v1",
        "http://[::1]:11434/v1",
        "http://10.0.0.5/v1",
        "http://192.168.1.20/v1",
        "http://ollama:11434/v1",
        "https://models.example/v1",
    ],
)
def test_private_and_loopback_addresses_are_allowed(url: str) -> None:
    assert load_model({**COMPATIBLE, "LLM_BASE_URL": url}).base_url == url


@pytest.mark.parametrize("end", ["/chat/completions", "/messages", "/embeddings"])
@pytest.mark.parametrize(
    ("environ", "name"), [(COMPATIBLE, "LLM_BASE_URL"), (OPENAI, "OPENAI_BASE_URL")]
)
def test_the_address_of_one_endpoint_is_refused_with_what_to_remove(
    end: str, environ: dict[str, str], name: str
) -> None:
    (problem,) = problems({**environ, name: f"https://llm.example/v1{end}/"})
    assert problem.startswith(f"{name} must be the address")
    assert problem.endswith(f"remove {end}.")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://models.example", "must start with http:// or https://"),
        ("file:///etc/passwd", "must start with http:// or https://"),
        ("http://", "must start with http:// or https:// and name a host"),
        ("https://b\xfccher.example/v1", "must have a host name in ASCII"),
        ("http://user:quokkaberry@models.example", "must not contain a user name or password"),
        ("http://models.example:99999", "is not a valid URL"),
        ("http://[::1", "is not a valid URL"),
    ],
)
def test_an_address_must_be_a_plain_web_address(url: str, why: str) -> None:
    (line,) = problems({**COMPATIBLE, "LLM_BASE_URL": url})
    assert line.startswith(f"LLM_BASE_URL {why}")
    assert "quokkaberry" not in line


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        ({}, "LLM_PROVIDER is not set): add for example LLM_PROVIDER=openai and OPENAI_API_KEY."),
        (
            {"OPENAI_API_KEY": "sk-quokkaberry"},
            "OPENAI_API_KEY is set, but LLM_PROVIDER is not: add LLM_PROVIDER=openai.",
        ),
        (
            {"ANTHROPIC_API_KEY": "quokkaberry"},
            "ANTHROPIC_API_KEY is set, but LLM_PROVIDER is not: add LLM_PROVIDER=anthropic.",
        ),
        (
            {"LLM_PROVIDER": "quokkaberry"},
            "LLM_PROVIDER is not one of openai, anthropic, compatible, none.",
        ),
        ({"LLM_PROVIDER": "openai"}, "LLM_PROVIDER=openai needs it: add OPENAI_API_KEY."),
        ({"LLM_PROVIDER": "anthropic"}, "LLM_PROVIDER=anthropic needs it: add ANTHROPIC_API_KEY."),
    ],
)
def test_without_a_usable_model_start_up_names_the_line_to_add(
    environ: dict[str, str], line: str
) -> None:
    settings = load(environ)
    (notice,) = settings.model_notices
    assert line in notice
    assert notice.endswith("Labels come from rules until then.")
    assert "quokkaberry" not in notice
    assert settings.model is None


@pytest.mark.parametrize("environ", [{"LLM_PROVIDER": "none"}, OPENAI, COMPATIBLE])
def test_a_choice_that_works_needs_no_notice(environ: dict[str, str]) -> None:
    assert notices(environ) == ()
