"""The configuration file explained: schema and descriptions agree with the definitions."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from ruamel.yaml import YAML

from bot.core.config import docs
from bot.core.config.parser import read
from bot.core.config.schema import RepoConfig
from tests.configs import parse
from tests.core.test_config_parser import WRONG, keys, written

URL = "https://tagline.example/"
FULL = """\
mode: suggest
on: [edited]
ignore: {title: ["chore:*", "off"]}
comment: {on_fallback: false, max_words: 20}
labels: {groups: {type: [bug, "kind: x"]}, describe: {bug: "It's \\"broken\\"\\n# really"}}
fallback: {rules: [{label: bug, any: [crash, "error:"], not: [typo]}]}
model: {instructions: "Kurz.\\nOhne Füllwörter."}
budget: {per_day_usd: 0.25}
"""


def loaded(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def leaves() -> set[str]:
    sections = {key.partition(".")[0] for key in keys(RepoConfig) if "." in key}
    return set(keys(RepoConfig)) - sections


def test_every_key_has_a_description() -> None:
    assert set(docs.DESCRIPTIONS) == leaves()


def test_the_commented_file_means_the_defaults() -> None:
    assert parse(docs.commented(URL)) == (RepoConfig(), ())


def test_the_commented_file_names_the_schema_as_editors_read_it() -> None:
    first, *_ = docs.commented(URL).splitlines()
    assert first == "# yaml-language-server: $schema=https://tagline.example/schema/v1.json"


def test_the_commented_file_has_every_key() -> None:
    parsed = read(docs.commented(URL))
    assert (parsed.config, parsed.problems) == (RepoConfig(), ())
    assert leaves() <= set(parsed.lines)


@pytest.mark.parametrize("text", ["", FULL], ids=["defaults", "full"])
def test_a_shown_configuration_is_a_file_that_means_it(text: str) -> None:
    config = parse(text)[0]
    assert parse(docs.as_yaml(config)) == (config, ())


@pytest.mark.parametrize("text", ["", "{}", FULL, docs.as_yaml(RepoConfig())])
def test_the_schema_accepts_what_the_parser_accepts(text: str) -> None:
    schema = docs.schema()
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(loaded(text))


@pytest.mark.parametrize(("key", "value"), WRONG, ids=[key for key, _ in WRONG])
def test_the_schema_refuses_what_the_parser_refuses(key: str, value: str) -> None:
    validator = Draft202012Validator(docs.schema())
    assert not validator.is_valid(loaded(written(key, value)))


@pytest.mark.parametrize("text", ["modes: apply", "labels: {alow: [bug]}"])
def test_the_schema_refuses_an_unknown_key(text: str) -> None:
    assert not Draft202012Validator(docs.schema()).is_valid(loaded(text))


def test_the_schema_has_the_description_and_the_default_of_each_key() -> None:
    schema = docs.schema()
    assert "suggest (labels only" in schema["properties"]["mode"]["description"]
    labels = schema["$defs"]["LabelRules"]["properties"]
    assert labels["max"]["default"] == RepoConfig().labels.max
    similar = schema["$defs"]["CommentRules"]["properties"]["similar"]
    assert similar["description"] == docs.DESCRIPTIONS["comment.similar"]


def test_a_configuration_as_json_can_be_read_again() -> None:
    config = parse(FULL)[0]
    again = msgspec.json.decode(msgspec.json.encode(config), type=RepoConfig)
    assert again == config
