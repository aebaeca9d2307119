"""Misspelt names of settings are told; variables of other programs are not."""

from __future__ import annotations

import random
import string
import time

import pytest

from bot.settings.load import KNOWN, PLAIN, SECRETS, SettingsError, load
from bot.settings.names import SHOWN, find_near_misses

# A misspelt name → the setting that is meant.
MISSPELT = {
    "GITHUB_WEBHOOK_SECRT": "GITHUB_WEBHOOK_SECRET",
    "GITHUB_WEBHOOKS_SECRET": "GITHUB_WEBHOOK_SECRET",
    "GITHUB_WEBHOKO_SECRET": "GITHUB_WEBHOOK_SECRET",
    "GITHUB_SECRET": "GITHUB_WEBHOOK_SECRET",
    "GITHUB_WEBHOOK_TOKEN": "GITHUB_WEBHOOK_SECRET",
    "GITHUB_WEBHOOK_SECRET_FIEL": "GITHUB_WEBHOOK_SECRET_FILE",
    "GITHUB_APPID": "GITHUB_APP_ID",
    "GITHUB_APP_PRIVATE_KEY": "GITHUB_PRIVATE_KEY",
    "GITHUB_PRIVAT_KEY": "GITHUB_PRIVATE_KEY",
    "GIT_HUB_TOKEN": "GITHUB_TOKEN",
    "GIHTUB_TOKEN": "GITHUB_TOKEN",
    "github_token": "GITHUB_TOKEN",
    "GITLAB_API_URL": "GITLAB_URL",
    "GITLAB_SIGNING_SECRET": "GITLAB_SIGNING_TOKEN",
    "GITLAB_ISSUE_TYPE": "GITLAB_ISSUE_TYPES",
    "OPENAI_APIKEY": "OPENAI_API_KEY",
    "OPENAI_KEY": "OPENAI_API_KEY",
    "OPENAPI_API_KEY": "OPENAI_API_KEY",
    "ANTROPIC_API_KEY": "ANTHROPIC_API_KEY",
    "LLM_PROVIDERS": "LLM_PROVIDER",
    "LLM_BASEURL": "LLM_BASE_URL",
    "LLM_FALLBACK_MODEL": "LLM_FALLBACK_MODELS",
    "REDISURL": "REDIS_URL",
    "REDIS_URI": "REDIS_URL",
    "REDIS_URL_FILE": "REDIS_URL",
    "WORKER_THREAD": "WORKER_THREADS",
    "LOGLEVEL": "LOG_LEVEL",
    "PROT": "PORT",
    "TAGLIN_MODE": "TAGLINE_MODE",
    "HTTPS_PROXI": "HTTPS_PROXY",
}

# Variables that CI systems, containers, shells, hosting services and the vendors' tools set.
OTHERS = """
GITHUB_ACTION GITHUB_ACTION_PATH GITHUB_ACTION_REF GITHUB_ACTION_REPOSITORY GITHUB_ACTIONS
GITHUB_ACTOR GITHUB_ACTOR_ID GITHUB_BASE_REF GITHUB_ENV GITHUB_EVENT_NAME GITHUB_EVENT_PATH
GITHUB_GRAPHQL_URL GITHUB_HEAD_REF GITHUB_JOB GITHUB_OUTPUT GITHUB_PATH GITHUB_REF GITHUB_REF_NAME
GITHUB_REF_PROTECTED GITHUB_REF_TYPE GITHUB_REPOSITORY GITHUB_REPOSITORY_ID GITHUB_REPOSITORY_OWNER
GITHUB_REPOSITORY_OWNER_ID GITHUB_RETENTION_DAYS GITHUB_RUN_ATTEMPT GITHUB_RUN_ID GITHUB_RUN_NUMBER
GITHUB_SERVER_URL GITHUB_SHA GITHUB_STATE GITHUB_STEP_SUMMARY GITHUB_TRIGGERING_ACTOR GITHUB_USER
GITHUB_WORKFLOW GITHUB_WORKFLOW_REF GITHUB_WORKFLOW_SHA GITHUB_WORKSPACE GITHUB_CODESPACE_TOKEN
GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN GITHUB_ENTERPRISE_TOKEN GITHUB_HOST GITHUB_API_TOKEN
GITHUB_OAUTH_TOKEN GITHUB_CLIENT_ID GITHUB_CLIENT_SECRET GITHUB_OWNER GITHUB_ORGANIZATION
GITHUB_PERSONAL_ACCESS_TOKEN GITHUB_APP_PEM_FILE GITHUB_APP_INSTALLATION_ID GH_TOKEN GH_HOST
ACTIONS_RUNTIME_TOKEN ACTIONS_CACHE_URL ACTIONS_ID_TOKEN_REQUEST_TOKEN RUNNER_OS RUNNER_TEMP
RUNNER_TOOL_CACHE RUNNER_NAME CI CI_JOB_TOKEN CI_SERVER_URL CI_API_V4_URL CI_PROJECT_ID
CI_COMMIT_SHA CI_REGISTRY_PASSWORD GITLAB_CI GITLAB_FEATURES GITLAB_USER_EMAIL GITLAB_USER_ID
GITLAB_USER_LOGIN GITLAB_USER_NAME GITLAB_HOST GITLAB_GROUP GITLAB_REPO GITLAB_URI GITLAB_API_HOST
GITLAB_ACCESS_TOKEN GITLAB_PRIVATE_TOKEN GITLAB_JOB_TOKEN GITLAB_OAUTH_TOKEN GITLAB_CLIENT_ID
GITLAB_HOME GITLAB_RUNNER_TOKEN GITLAB_ROOT_PASSWORD GITLAB_OMNIBUS_CONFIG GIT_URL GIT_DIR
GIT_TOKEN GIT_AUTHOR_NAME GIT_SSH_COMMAND GITEA_URL GITEA_TOKEN GITEA_WEBHOOK_SECRET BUILD_URL
JENKINS_URL OPENAI_ORG_ID OPENAI_ORGANIZATION OPENAI_PROJECT_ID OPENAI_WEBHOOK_SECRET
OPENAI_ADMIN_KEY OPENAI_API_BASE OPENAI_API_TYPE OPENAI_API_VERSION OPENAI_API_HOST
OPENAI_API_KEY_PATH OPENAI_LOG OPENAI_PROXY OPENAI_MODEL ANTHROPIC_AUTH_TOKEN ANTHROPIC_MODEL
ANTHROPIC_LOG ANTHROPIC_VERSION ANTHROPIC_BETAS ANTHROPIC_CUSTOM_HEADERS ANTHROPIC_API_URL
ANTHROPIC_SMALL_FAST_MODEL ANTHROPIC_BEDROCK_BASE_URL ANTHROPIC_VERTEX_BASE_URL
ANTHROPIC_FOUNDRY_BASE_URL ANTHROPIC_FOUNDRY_API_KEY AZURE_OPENAI_API_KEY AZURE_OPENAI_ENDPOINT
GEMINI_API_KEY GOOGLE_API_KEY GROQ_API_KEY MISTRAL_API_KEY OPENROUTER_API_KEY LANGCHAIN_API_KEY
LLM_USER_PATH REDIS_HOST REDIS_PORT REDIS_PASSWORD REDIS_USERNAME REDIS_USER REDIS_DB REDIS_VERSION
REDIS_TLS_URL REDIS_PRIVATE_URL REDIS_PUBLIC_URL REDISHOST REDISPORT REDISUSER REDISPASSWORD
REDISCLI_AUTH REDISCLOUD_URL REDIS_SERVICE_HOST REDIS_SERVICE_PORT REDIS_PORT_6379_TCP_ADDR
DATABASE_URL POSTGRES_PASSWORD PORTS PORT0 PORT_0 HOST HOSTNAME WEB_CONCURRENCY MALLOC_ARENA_MAX
PATH HOME SHELL LANG LC_ALL USER LOGNAME TERM PWD OLDPWD SHLVL DISPLAY TMPDIR TZ EDITOR PAGER MAIL
PS1 _ LS_COLORS XDG_DATA_DIRS XDG_RUNTIME_DIR XDG_CONFIG_HOME XDG_CACHE_HOME XDG_STATE_HOME
SSH_AUTH_SOCK VIRTUAL_ENV PYTHONPATH PYTHON_VERSION GPG_KEY NO_COLOR FTP_PROXY http_proxy
no_proxy KUBERNETES_SERVICE_HOST KUBERNETES_PORT_443_TCP_PORT INVOCATION_ID JOURNAL_STREAM LOG_DIR
LOG_FILE VAULT_TOKEN VAULT_ADDR NPM_TOKEN SENTRY_DSN AWS_REGION AWS_SECRET_ACCESS_KEY
""".split()  # noqa: SIM905 - fifty lines shorter than a list


@pytest.mark.parametrize("name", MISSPELT)
def test_a_misspelt_name_is_told_with_the_right_one(name: str) -> None:
    expected = f"{name} is not a setting; did you mean {MISSPELT[name]}?"
    assert expected in load({name: "quokkaberry"}).notices


def test_a_letter_too_much_too_few_wrong_or_swapped_is_told_for_every_setting() -> None:
    for name in (*SECRETS, *PLAIN):
        numbers = random.Random(name)  # so that a new setting changes no other one's letters
        at = numbers.randrange(1, len(name) - 1)
        letter = numbers.choice(string.ascii_uppercase)
        changed = {
            name[:at] + letter + name[at:],
            name[:at] + name[at + 1 :],
            name[:at] + letter + name[at + 1 :],
            name[: at - 1] + name[at] + name[at - 1] + name[at + 1 :],
        }
        for misspelt in changed - {name}:
            try:
                found = load({misspelt: "1"}).notices
            except SettingsError as error:  # it still starts with TAGLINE_
                found = tuple(error.problems)
            shown = misspelt if SHOWN.fullmatch(misspelt) else ""  # else a value may be in it
            assert any(f"{shown} is not a setting" in line for line in found), misspelt


@pytest.mark.parametrize("name", OTHERS)
def test_a_variable_of_another_program_is_not_told(name: str) -> None:
    assert load({name: "1"}).notices == ()


def test_a_name_with_another_word_is_not_told_where_the_setting_is_set() -> None:
    token = {"GITHUB_TOKEN": "ghp_quokkaberry"}
    assert load({**token, "GITHUB_RELEASE_TOKEN": "x"}).notices == ()
    assert load({"GITHUB_RELEASE_TOKEN": "x"}).notices != ()
    assert load({**token, "GITHUB_TOKNE": "x"}).notices != ()


def test_what_kubernetes_sets_for_a_service_of_our_name_is_no_mistake() -> None:
    links = {
        "TAGLINE_SERVICE_HOST": "10.0.0.1",
        "TAGLINE_SERVICE_PORT": "8000",
        "TAGLINE_SERVICE_PORT_HTTP": "8000",
        "TAGLINE_PORT": "tcp://10.0.0.1:8000",
        "TAGLINE_PORT_8000_TCP": "tcp://10.0.0.1:8000",
        "TAGLINE_PORT_8000_TCP_ADDR": "10.0.0.1",
    }
    assert load(links).notices == ()
    with pytest.raises(SettingsError, match=r"^TAGLINE_PORT is not a setting"):
        load({"TAGLINE_PORT": "8000"})


@pytest.mark.parametrize(
    "name",
    [
        "TAGLINE_METRICS_TOKENquokkaberry0123",
        "TAGLINE_quokkaberry0123",
        "TAGLINE_METRICS_TOKEN_QUOKKABERRYQUOKKABERRYQUOKKABERRY",
    ],
)
def test_a_value_that_became_part_of_a_name_is_not_shown(name: str) -> None:
    with pytest.raises(SettingsError) as error:
        load({name: "="})
    assert "quokka" not in str(error.value).lower()
    assert str(error.value).startswith("TAGLINE_")


def test_many_variables_take_little_time() -> None:
    many = {f"{name}_{n}": "1" for n in range(10) for name in OTHERS}
    started = time.process_time()
    [*find_near_misses(many, KNOWN)]
    assert time.process_time() - started < 2.0
