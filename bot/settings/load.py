"""Reads the environment into one frozen `Settings`; reports all problems at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from bot.settings import env_file, models, polling, private_key, stored, urls
from bot.settings.environment import Environment, unquote
from bot.settings.models import ModelSettings

SIGNING_TOKEN = re.compile(
    r"whsec_(?=.{32,88}$)(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}[A-Za-z0-9+/=]=)?"
)
APP_ID = re.compile(r"|[0-9]{1,20}|Iv[A-Za-z0-9._-]{1,62}")
# Starts of tokens → the variable that they belong to.
TOKEN_PREFIXES = {
    "glpat-": "GITLAB_TOKEN",
    **dict.fromkeys(("ghp_", "ghs_", "gho_", "github_pat_"), "GITHUB_TOKEN"),
}
ISSUE_TYPES = ("issue", "task", "incident")
GITLAB_SECRETS = "GITLAB_SIGNING_TOKEN (or GITLAB_WEBHOOK_SECRET)"
# What is missing without any secret of webhooks, and what to do.
NO_SECRET = (
    "GITHUB_WEBHOOK_SECRET is not set (nor GITLAB_SIGNING_TOKEN or GITLAB_WEBHOOK_SECRET)",
    "Set it to the secret of the GitHub App or webhook (16 characters or more)",
)
NO_GITLAB_SECRET = (
    f"{GITLAB_SECRETS} is not set",
    "`tagline gitlab add-hook` creates the webhook and names the variable to set",
)
DEFAULT_REDIS = "redis://127.0.0.1:6379/0"
EMBEDDED_SOCKET = "redis.sock"  # in DATA_DIR, made by `embedded/valkey.py`
SECRETS = (
    *("GITHUB_PRIVATE_KEY", "GITHUB_WEBHOOK_SECRET", "GITHUB_TOKEN"),
    *("GITLAB_TOKEN", "GITLAB_SIGNING_TOKEN", "GITLAB_WEBHOOK_SECRET"),
    *("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "LLM_API_KEY"),
    *("TAGLINE_METRICS_TOKEN", "TAGLINE_ADMIN_TOKEN"),
)
PLAIN = (
    *("GITHUB_APP_ID", "GITHUB_API_URL", "GITLAB_URL", "GITLAB_ISSUE_TYPES"),
    *("LLM_PROVIDER", "LLM_MODEL", "LLM_FALLBACK_MODELS", "LLM_BASE_URL"),
    *("LLM_TIMEOUT", "LLM_MAX_OUTPUT_TOKENS", "OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"),
    *("REDIS_URL", "TAGLINE_HOST", "PORT", "WORKER_THREADS", "DATA_DIR"),
    *("LOG_LEVEL", "LOG_FORMAT", "PUBLIC_URL", "TAGLINE_TRUSTED_PROXIES"),
    *("TAGLINE_MODE", "TAGLINE_BUDGET_USD_PER_DAY", "TAGLINE_ALLOWED_MODELS"),
    *("TAGLINE_POLL_SECONDS", "TAGLINE_POLL_REPOS", "TAGLINE_PAUSE"),
)
FORGE_PREFIXES = ("GITHUB_", "GITLAB_")
# Reserved, without effect in this version: a notice at start-up names those that are set.
NOT_BUILT = ("TAGLINE_RETENTION_DAYS",)
PAUSED = (
    "TAGLINE_PAUSE is set: deliveries are received and queued, and nothing else is done. To go on,"
    " unset it and restart Tagline."
)
TEST_VARIABLES = ("TAGLINE_SHARED", "TAGLINE_REQUIRE_SHARED")
# Read by other modules or by `_data_dir`.
PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
KNOWN = (
    *(*SECRETS, *PLAIN, *NOT_BUILT, *TEST_VARIABLES, *(f"{name}_FILE" for name in SECRETS)),
    *(*PROXIES, *map(str.lower, PROXIES), "XDG_DATA_HOME", "SSL_CERT_FILE", "SSL_CERT_DIR"),
)


class SettingsError(Exception):
    """All problems of the environment, one line each, with variables but never their values.

    `notices` are those of the settings, which may be the reason: misspelt names.
    """

    def __init__(self, problems: list[str], notices: Sequence[str] = ()) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
        self.notices = notices


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings from the environment.

    `notices` are lines for the start-up log, `model_notices` those of the parts that call models.
    `poll_seconds` is the interval of polling, 0 without; `poll_repos` are written as
    `github:owner/repository`, () for all that the credentials reach. `paused`: nothing is done with
    what is received.
    """

    github_app_id: str
    github_private_key: str = field(repr=False)
    github_webhook_secrets: tuple[str, ...] = field(repr=False)
    github_token: str = field(repr=False)
    github_api_url: str
    gitlab_url: str
    gitlab_token: str = field(repr=False)
    gitlab_signing_tokens: tuple[str, ...] = field(repr=False)
    gitlab_webhook_secrets: tuple[str, ...] = field(repr=False)
    gitlab_issue_types: tuple[str, ...]
    model: ModelSettings | None
    redis_url: str = field(repr=False)
    host: str
    port: int
    public_url: str
    trusted_proxies: tuple[str, ...]
    worker_threads: int
    data_dir: Path
    has_redis_url: bool
    log_level: str
    log_format: str
    mode: str
    budget_usd_per_day: float | None
    poll_seconds: int
    poll_repos: tuple[str, ...]
    paused: bool
    metrics_tokens: tuple[str, ...] = field(repr=False)
    admin_tokens: tuple[str, ...] = field(repr=False)
    notices: tuple[str, ...]
    model_notices: tuple[str, ...]
    empty_files: frozenset[str]
    source: Mapping[str, str] = field(repr=False, compare=False)
    stored: Mapping[str, str] = field(repr=False, compare=False)  # of `stored_file`, in force

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return every secret value, for masking."""
        models = self.model.all if self.model else ()
        values = (
            *(self.github_private_key, *self.github_webhook_secrets, self.github_token),
            *(self.gitlab_token, *self.gitlab_signing_tokens, *self.gitlab_webhook_secrets),
            *dict.fromkeys(model.key for model in models),
            *(*self.metrics_tokens, *self.admin_tokens, *urls.redis_passwords(self.redis_url)),
        )
        return tuple(value for value in values if value)

    @property
    def secret_files(self) -> tuple[Path, ...]:
        """Return the files from which secrets were read."""
        paths = (unquote(self.source.get(f"{name}_FILE", "")) for name in SECRETS)
        return tuple(Path(path).expanduser() for path in paths if path)

    @property
    def stored_file(self) -> Path:
        """Return the file in which `tagline setup` stores settings, whether it exists or not."""
        return self.data_dir / stored.FILE

    @property
    def has_forge_variables(self) -> bool:
        """Return whether any setting of a forge is set, be it a part of what is needed."""
        names = [name for name in KNOWN if name.startswith(FORGE_PREFIXES)]
        return any(self.source.get(name) or self.stored.get(name) for name in names)

    def with_variables(self, variables: Mapping[str, str]) -> Settings:
        """Return settings as if these variables were set too. Raises `SettingsError`."""
        return _read(Environment({**self.source, **variables}))

    def reload(self) -> Settings:
        """Return settings from the same environment and the current content of its files.

        Raises `SettingsError`, also for a file that has become empty: it may be half written.
        """
        reloaded = _read(Environment(self.source))
        if emptied := sorted(reloaded.empty_files - self.empty_files):
            raise SettingsError([f"{name}_FILE is empty now." for name in emptied])
        return reloaded

    @property
    def has_github(self) -> bool:
        return bool(self.github_token or (self.github_app_id and self.github_private_key))

    @property
    def lacks_model(self) -> bool:
        """Return whether a language model is wanted, but cannot be used; a notice says why."""
        name = "LLM_PROVIDER"
        provider = unquote(self.stored.get(name) or self.source.get(name, "")).lower()
        return self.model is None and provider not in ("", "none")

    @property
    def app_problem(self) -> str:
        """Return what half a GitHub App lacks, else "". The receiver needs neither half."""
        if bool(self.github_app_id) == bool(self.github_private_key):
            return ""
        missing = "GITHUB_PRIVATE_KEY" if self.github_app_id else "GITHUB_APP_ID"
        return f"{missing} is not set; a GitHub App needs both: copy it from the App's page."

    @property
    def receiver_notices(self) -> tuple[str, ...]:
        """Return which forges cannot send anything: they have access, but no webhook secret.

        GITHUB_TOKEN is no sign of a webhook: commands and continuous integration have one. With
        polling nothing needs to be sent.
        """
        if self.poll_seconds:
            return ()
        gitlab_secrets = self.gitlab_signing_tokens or self.gitlab_webhook_secrets
        forges = (
            (self.github_app_id, self.github_webhook_secrets, "GITHUB_WEBHOOK_SECRET", "github"),
            (self.gitlab_token, gitlab_secrets, GITLAB_SECRETS, "gitlab"),
        )
        return tuple(
            f"{name} is not set, so /webhooks/{forge} answers 404 and no issue arrives from there:"
            " set it to the secret of the webhook."
            for access, secrets, name, forge in forges
            if access and not secrets
        )

    def _find_unreachable_repos(self) -> list[str]:
        """Return the problems of polled repositories whose forge has no credentials."""
        access = {"github": self.has_github, "gitlab": bool(self.gitlab_token)}
        variables = {"github": "GITHUB_APP_ID or GITHUB_TOKEN", "gitlab": "GITLAB_TOKEN"}
        forges = dict.fromkeys(repo.partition(":")[0] for repo in self.poll_repos)
        return [
            f"TAGLINE_POLL_REPOS lists a repository of {forge}, but {variables[forge]} is not set."
            for forge in forges
            if not access.get(forge, True)
        ]

    def require(self, *, webhook_secret: bool = False, forge: bool = False) -> None:
        """Raise `SettingsError` without a secret of webhooks or without access to any forge."""
        problems = []
        gitlab = self.gitlab_signing_tokens or self.gitlab_webhook_secrets
        if webhook_secret and not (self.github_webhook_secrets or gitlab or self.poll_seconds):
            only_gitlab = self.gitlab_token and not (self.has_github or self.github_app_id)
            missing, fix = NO_GITLAB_SECRET if only_gitlab else NO_SECRET
            problems.append(
                f"{missing}: without it anybody could send events. {fix}, or set"
                " TAGLINE_POLL_SECONDS=60 to look for issues without webhooks."
            )
        if forge and self.app_problem:
            problems.append(self.app_problem)
        elif forge and not (self.has_github or self.gitlab_token):
            problems.append(
                "GITHUB_APP_ID and GITHUB_PRIVATE_KEY (a GitHub App), or GITHUB_TOKEN, or"
                " GITLAB_TOKEN must be set. To see Tagline work without an account: tagline demo"
            )
        if forge and self.poll_seconds:
            problems += self._find_unreachable_repos()
        if problems:
            raise SettingsError(problems)


def load(environ: Mapping[str, str], dotenv: Path | None = None) -> Settings:
    """Read the environment, then `dotenv` for unset variables. Raises `SettingsError`."""
    file = env_file.read(dotenv) if dotenv else env_file.EnvFile()
    env = Environment({**file.values, **environ})
    env.problems.extend(file.problems)
    repeated = [name for name in file.repeated if name in KNOWN]
    env.notices.extend(f"{name} is in .env more than once: the last counts." for name in repeated)
    return _read(env)


def _read(env: Environment) -> Settings:
    data_dir, source = _data_dir(env), env.variables
    file = env_file.read(data_dir / stored.FILE)
    env.problems.extend(file.problems)
    in_force = stored.select(file.values, source)
    env.variables = {**source, **in_force}
    env.check_names(KNOWN, NOT_BUILT)
    env.check_quotes(KNOWN)
    if env.text("GITHUB_APP_ID") and (env.text("GITHUB_TOKEN") or env.text("GITHUB_TOKEN_FILE")):
        env.notices.append("GITHUB_TOKEN is not used: the GitHub App is.")
    model = models.read(env)
    poll_seconds, poll_repos = polling.read(env)
    settings = Settings(
        github_app_id=_app_id(env),
        github_private_key=_private_key(env),
        github_webhook_secrets=env.secrets("GITHUB_WEBHOOK_SECRET"),
        github_token=_forge_token(env, "GITHUB_TOKEN"),
        github_api_url=env.url("GITHUB_API_URL", "https://api.github.com"),
        gitlab_url=_gitlab_url(env),
        gitlab_token=_forge_token(env, "GITLAB_TOKEN"),
        gitlab_signing_tokens=_signing_tokens(env),
        gitlab_webhook_secrets=env.secrets("GITLAB_WEBHOOK_SECRET"),
        gitlab_issue_types=_issue_types(env),
        model=model,
        redis_url=_redis_url(env, data_dir),
        host=env.host("TAGLINE_HOST", "127.0.0.1"),
        port=env.integer("PORT", 8000, 0, 65535),
        public_url=_public_url(env),
        trusted_proxies=_trusted_proxies(env),
        worker_threads=env.integer("WORKER_THREADS", 32, 1, 1000),
        data_dir=data_dir,
        has_redis_url=bool(env.text("REDIS_URL")),
        log_level=env.choice("LOG_LEVEL", ("info", "debug", "warning", "error")),
        log_format=env.choice("LOG_FORMAT", ("json", "text")),
        mode=env.choice("TAGLINE_MODE", ("apply", "suggest", "dry-run", "off")),
        budget_usd_per_day=_budget(env),
        poll_seconds=poll_seconds,
        poll_repos=poll_repos,
        paused=env.switch("TAGLINE_PAUSE", PAUSED),
        metrics_tokens=env.secrets("TAGLINE_METRICS_TOKEN"),
        admin_tokens=env.secrets("TAGLINE_ADMIN_TOKEN"),
        notices=tuple(env.notices),
        model_notices=tuple(env.model_notices),
        empty_files=frozenset(env.empty_files),
        source=source,
        stored=in_force,
    )
    if env.problems:
        raise SettingsError(list(dict.fromkeys(env.problems)), env.notices)
    return settings


def _signing_tokens(env: Environment) -> tuple[str, ...]:
    tokens = env.secrets("GITLAB_SIGNING_TOKEN")
    if not all(SIGNING_TOKEN.fullmatch(token) for token in tokens):
        env.problems.append(
            "GITLAB_SIGNING_TOKEN must be whsec_ and base64 of 24 to 64 bytes: copy it from the"
            " webhook's page in GitLab."
        )
    return tokens


def _issue_types(env: Environment) -> tuple[str, ...]:
    names = env.text("GITLAB_ISSUE_TYPES", "issue").lower().split(",")
    types = tuple(name.strip() for name in names)
    if not set(types) <= set(ISSUE_TYPES):
        env.problems.append(f"GITLAB_ISSUE_TYPES may list: {', '.join(ISSUE_TYPES)}.")
    return types


def _app_id(env: Environment) -> str:
    app_id = env.plain("GITHUB_APP_ID")
    if not APP_ID.fullmatch(app_id):
        env.problems.append(
            "GITHUB_APP_ID is neither the number of a GitHub App nor its client id."
        )
    return app_id


def _forge_token(env: Environment, name: str) -> str:
    token = env.token(name)
    for prefix, owner in TOKEN_PREFIXES.items():
        if token.startswith(prefix) and owner != name:
            env.problems.append(f"{name} is a token of the other host: it belongs in {owner}.")
    return token


def _private_key(env: Environment) -> str:
    text = env.secret("GITHUB_PRIVATE_KEY")
    pem, problem = private_key.read(text)
    if problem:
        is_file = not env.text("GITHUB_PRIVATE_KEY")
        name = "GITHUB_PRIVATE_KEY_FILE" if is_file else "GITHUB_PRIVATE_KEY"
        env.problems.append(f"{name} {problem}.")
    return pem


def _gitlab_url(env: Environment) -> str:
    url = env.url("GITLAB_URL", "https://gitlab.com")
    if re.search(r"/api(/v\d)?$", url):
        env.problems.append(
            "GITLAB_URL must be the address of GitLab's start page: remove /api and what follows."
        )
    return url


def _public_url(env: Environment) -> str:
    url = env.url("PUBLIC_URL")
    if "/webhooks" in url:
        env.problems.append(
            "PUBLIC_URL must be the receiver's address: remove /webhooks and what follows."
        )
    return url


def _trusted_proxies(env: Environment) -> tuple[str, ...]:
    networks, problem = urls.read_networks(env.text("TAGLINE_TRUSTED_PROXIES"))
    if problem:
        env.problems.append(f"TAGLINE_TRUSTED_PROXIES {problem}.")
    return networks


def _data_dir(env: Environment) -> Path:
    home = env.text("XDG_DATA_HOME", "~/.local/share")
    try:
        folder = Path(env.plain("DATA_DIR", f"{home}/tagline")).expanduser().absolute()
        (folder / EMBEDDED_SOCKET).is_socket()
    except (OSError, ValueError, RuntimeError):  # of `~name` without that user, a name too long
        env.problems.append("DATA_DIR is not the path of a folder that can be used.")
        return Path.cwd()
    return folder


def _redis_url(env: Environment, data_dir: Path) -> str:
    """Return REDIS_URL, else the socket of `tagline run` if it exists, else the default."""
    embedded = data_dir / EMBEDDED_SOCKET
    default = f"unix://{quote(str(embedded))}?db=0" if embedded.is_socket() else DEFAULT_REDIS
    url = env.plain("REDIS_URL", default)
    if problem := urls.check_redis_url(url):
        env.problems.append(f"REDIS_URL {problem}.")
    return url


def _budget(env: Environment) -> float | None:
    name = "TAGLINE_BUDGET_USD_PER_DAY"
    return env.number(name, 0.0, 0, 1_000_000) if env.text(name) else None
