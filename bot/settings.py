"""The environment → one frozen `Settings`. Reports every problem at once, values never."""

from __future__ import annotations

import base64
import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values

from bot.core import addresses

MIN_SECRET = 16
SIGNING_TOKEN = re.compile(
    r"whsec_(?=.{32,88}$)(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}[A-Za-z0-9+/=]=)?"
)
TOKEN = re.compile(r"[!-~]*")
ISSUE_TYPES = ("issue", "task", "incident")
PROVIDERS = ("openai", "anthropic", "compatible", "none")
DEFAULT_MODELS = {"openai": "gpt-6-luna", "anthropic": "claude-haiku-5-5"}
KEY_NAMES = {
    "openai": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "compatible": "LLM_API_KEY",
}
DEFAULT_REDIS = "redis://127.0.0.1:6379/0"
PRIVATE_SOCKET = "redis.sock"  # in DATA_DIR, as store/private.py makes it
DEFAULT_URLS = {"openai": "https://api.openai.com/v1", "anthropic": "https://api.anthropic.com"}
# Read now: name → what it is, as `.env.example` says it.
SECRETS = (
    "GITHUB_PRIVATE_KEY",
    "GITHUB_WEBHOOK_SECRET",
    "GITHUB_TOKEN",
    "GITLAB_TOKEN",
    "GITLAB_SIGNING_TOKEN",
    "GITLAB_WEBHOOK_SECRET",
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "LLM_API_KEY",
    "TAGLINE_METRICS_TOKEN",
)
PLAIN = (
    "GITHUB_APP_ID",
    "GITHUB_API_URL",
    "GITLAB_URL",
    "GITLAB_ISSUE_TYPES",
    "LLM_PROVIDER",
    "LLM_MODEL",
    "LLM_FALLBACK_MODELS",
    "LLM_BASE_URL",
    "LLM_TIMEOUT",
    "LLM_MAX_OUTPUT_TOKENS",
    "OPENAI_BASE_URL",
    "ANTHROPIC_BASE_URL",
    "REDIS_URL",
    "TAGLINE_HOST",
    "PORT",
    "WORKER_THREADS",
    "DATA_DIR",
    "LOG_LEVEL",
    "LOG_FORMAT",
    "TAGLINE_MODE",
    "TAGLINE_BUDGET_USD_PER_DAY",
    "TAGLINE_ALLOWED_MODELS",
)
# Named by the contract, without effect yet: setting one is reported at start-up.
LATER = (
    "PUBLIC_URL",
    "TAGLINE_ADMIN_TOKEN",
    "TAGLINE_ADMIN_TOKEN_FILE",
    "TAGLINE_RETENTION_DAYS",
    "TAGLINE_PAUSE",
)
OF_THE_TESTS = ("TAGLINE_SHARED",)


class SettingsError(Exception):
    """Every problem of the environment, one line each; names variables, never their values."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """A configured language model. `timeout` is in seconds, for a whole call.

    `further` are asked in order where it fails; a repository may choose one of `allowed` instead of
    it. `named_by` is the variable that names it.
    """

    provider: str
    model: str
    base_url: str
    timeout: float
    max_output_tokens: int
    key_name: str
    key: str = field(repr=False, default="")
    named_by: str = "LLM_MODEL"
    further: tuple[ModelSettings, ...] = ()
    allowed: tuple[ModelSettings, ...] = ()

    @property
    def all(self) -> tuple[ModelSettings, ...]:
        """Every model that may be asked."""
        return (self, *self.further, *self.allowed)

    @property
    def choice(self) -> tuple[str, ...]:
        """The models that a repository may name."""
        return (self.model, *(one.model for one in self.allowed))

    @property
    def breaker(self) -> str:
        """What its failures are counted under."""
        first = self.named_by == "LLM_MODEL"
        return self.provider if first else f"{self.provider}:{self.model}"


@dataclass(frozen=True, slots=True)
class Settings:
    """All of the environment that Tagline reads. `notices` are plain start-up lines."""

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
    worker_threads: int
    data_dir: Path
    has_redis_url: bool
    log_level: str
    log_format: str
    mode: str
    budget_usd_per_day: float | None
    metrics_tokens: tuple[str, ...] = field(repr=False)
    notices: tuple[str, ...]
    empty_files: frozenset[str]
    source: Mapping[str, str] = field(repr=False, compare=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret value, for masking."""
        asked = self.model.all if self.model else ()
        keys = dict.fromkeys(one.key for one in asked)
        password = urlsplit(self.redis_url).password or ""
        github = (self.github_private_key, *self.github_webhook_secrets, self.github_token)
        hooks = (*self.gitlab_signing_tokens, *self.gitlab_webhook_secrets)
        pages = (*self.metrics_tokens, password)
        return tuple(s for s in (*github, self.gitlab_token, *hooks, *keys, *pages) if s)

    @property
    def secret_files(self) -> tuple[Path, ...]:
        """The files from which secrets were read."""
        named = (self.source.get(f"{name}_FILE", "").strip() for name in SECRETS)
        return tuple(Path(name) for name in named if name)

    def again(self) -> Settings:
        """The same environment with its files as they are now. Raises `SettingsError`, also where
        one is empty that was not: whoever writes a file empties it first."""
        now = _Reader(self.source).settings()
        if emptied := sorted(now.empty_files - self.empty_files):
            raise SettingsError([f"{name}_FILE is empty now." for name in emptied])
        return now

    @property
    def has_github(self) -> bool:
        return bool(self.github_token or (self.github_app_id and self.github_private_key))

    def need_webhook_secret(self) -> None:
        """Raise `SettingsError` where the door would stand open."""
        gitlab = self.gitlab_signing_tokens or self.gitlab_webhook_secrets
        if not (self.github_webhook_secrets or gitlab):
            raise SettingsError(
                [
                    "GITHUB_WEBHOOK_SECRET is not set (nor GITLAB_SIGNING_TOKEN or"
                    " GITLAB_WEBHOOK_SECRET): without it anybody could send events. Set it to the"
                    " secret of the GitHub App or webhook (16 characters or more)."
                ]
            )

    def need_forge(self) -> None:
        """Raise `SettingsError` where nothing could be read from or written to any forge."""
        if not (self.has_github or self.gitlab_token):
            raise SettingsError(
                [
                    "GITHUB_APP_ID and GITHUB_PRIVATE_KEY (a GitHub App), or GITHUB_TOKEN, or"
                    " GITLAB_TOKEN must be set. To see Tagline work without an account: make demo"
                ]
            )


def load(environ: Mapping[str, str], dotenv: Path | None = None) -> Settings:
    """Read the environment, and `dotenv` for what it does not set. Raises `SettingsError`."""
    values = {k: v for k, v in (dotenv_values(dotenv) if dotenv else {}).items() if v is not None}
    return _Reader({**values, **environ}).settings()


class _Reader:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.problems: list[str] = []
        self.notices: list[str] = []
        self.empty_files: set[str] = set()

    def settings(self) -> Settings:
        self._names()
        model = self._model()
        app_id = self._text("GITHUB_APP_ID")
        private_key = self._private_key()
        if bool(app_id) != bool(private_key) and not self.problems:
            missing = "GITHUB_PRIVATE_KEY" if app_id else "GITHUB_APP_ID"
            self.problems.append(f"{missing} is not set, and a GitHub App needs both.")
        data_dir = self._data_dir()
        settings = Settings(
            github_app_id=app_id,
            github_private_key=private_key,
            github_webhook_secrets=self._secrets("GITHUB_WEBHOOK_SECRET"),
            github_token=self._token("GITHUB_TOKEN"),
            github_api_url=self._url("GITHUB_API_URL", "https://api.github.com"),
            gitlab_url=self._url("GITLAB_URL", "https://gitlab.com"),
            gitlab_token=self._token("GITLAB_TOKEN"),
            gitlab_signing_tokens=self._signing_tokens(),
            gitlab_webhook_secrets=self._secrets("GITLAB_WEBHOOK_SECRET"),
            gitlab_issue_types=self._issue_types(),
            model=model,
            redis_url=self._redis_url(data_dir),
            host=self._text("TAGLINE_HOST", "127.0.0.1"),
            port=self._int("PORT", 8000, 0, 65535),
            worker_threads=self._int("WORKER_THREADS", 32, 1, 1000),
            data_dir=data_dir,
            has_redis_url=bool(self._text("REDIS_URL")),
            log_level=self._choice("LOG_LEVEL", ("info", "debug", "warning", "error")),
            log_format=self._choice("LOG_FORMAT", ("json", "text")),
            mode=self._choice("TAGLINE_MODE", ("apply", "suggest", "dry-run", "off")),
            budget_usd_per_day=self._budget(),
            metrics_tokens=self._secrets("TAGLINE_METRICS_TOKEN"),
            notices=tuple(self.notices),
            empty_files=frozenset(self.empty_files),
            source=self.environ,
        )
        if self.problems:
            raise SettingsError(list(dict.fromkeys(self.problems)))
        return settings

    def _names(self) -> None:
        known = {*SECRETS, *PLAIN, *LATER, *OF_THE_TESTS} | {f"{s}_FILE" for s in SECRETS}
        for name in sorted(self.environ):
            if name.startswith("TAGLINE_") and name not in known:
                near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
                self.problems.append(f"{name} is not a setting; did you mean {near[0]}?")
        for name in LATER:
            if self.environ.get(name):
                self.notices.append(f"{name} is set, but this version does not use it yet.")

    def _text(self, name: str, default: str = "") -> str:
        return self.environ.get(name, "").strip() or default

    def _secret(self, name: str) -> str:
        value, path = self._text(name), self._text(f"{name}_FILE")
        if value and path:
            self.problems.append(f"{name} and {name}_FILE are both set; keep one.")
        if not path:
            return value
        try:
            value = Path(path).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "not a text file"
            self.problems.append(f"{name}_FILE cannot be read: {why}.")
            return ""
        if not value:
            self.empty_files.add(name)
        return value

    def _token(self, name: str) -> str:
        """A secret that is sent in a header."""
        token = self._secret(name)
        if not TOKEN.fullmatch(token):
            self.problems.append(
                f"{name} holds a blank or a character that no token has: copy it again."
            )
        return token

    def _secrets(self, name: str) -> tuple[str, ...]:
        is_set = name in self.environ or f"{name}_FILE" in self.environ
        secrets = tuple(part.strip() for part in self._secret(name).split(","))
        if not is_set:
            return ()
        if any(len(secret.encode()) < MIN_SECRET for secret in secrets):
            self.problems.append(
                f"{name} is empty or too short: each secret needs {MIN_SECRET} characters or more."
            )
        return secrets

    def _signing_tokens(self) -> tuple[str, ...]:
        tokens = self._secrets("GITLAB_SIGNING_TOKEN")
        if not all(SIGNING_TOKEN.fullmatch(token) for token in tokens):
            self.problems.append(
                "GITLAB_SIGNING_TOKEN must be whsec_ and base64 of 24 to 64 bytes, as GitLab"
                " shows it beside the webhook."
            )
        return tokens

    def _issue_types(self) -> tuple[str, ...]:
        names = self._text("GITLAB_ISSUE_TYPES", "issue").lower().split(",")
        types = tuple(name.strip() for name in names)
        if not set(types) <= set(ISSUE_TYPES):
            self.problems.append(f"GITLAB_ISSUE_TYPES may list: {', '.join(ISSUE_TYPES)}.")
        return types

    def _private_key(self) -> str:
        text = self._secret("GITHUB_PRIVATE_KEY").replace("\\n", "\n")
        if text and "-----BEGIN" not in text:
            try:
                text = base64.b64decode("".join(text.split()), validate=True).decode()
            except ValueError:
                text = "not a key"
        if text and "-----BEGIN" not in text:
            self.problems.append(
                "GITHUB_PRIVATE_KEY is not a PEM private key (give the .pem file's text, the same"
                " with \\n for line ends, or base64 of it)."
            )
        return text

    def _url(self, name: str, default: str = "") -> str:
        url = self._text(name, default).rstrip("/")
        if url and (why := _unsafe(url, only_loopback=name == "GITHUB_API_URL")):
            self.problems.append(f"{name} {why}.")
        return url

    def _data_dir(self) -> Path:
        home = self._text("XDG_DATA_HOME", "~/.local/share")
        return Path(self._text("DATA_DIR", f"{home}/tagline")).expanduser().absolute()

    def _redis_url(self, data_dir: Path) -> str:
        """REDIS_URL, else the private server of `tagline run` where there is one."""
        private = data_dir / PRIVATE_SOCKET
        default = f"unix://{private}?db=0" if private.is_socket() else DEFAULT_REDIS
        url = self._text("REDIS_URL", default)
        if not url.startswith(("redis://", "rediss://", "unix://")):
            self.problems.append("REDIS_URL must start with redis://, rediss:// or unix://.")
        return url

    def _number(self, name: str, default: float, low: float, high: float) -> float:
        return self._parsed(name, default, float, low, high)

    def _int(self, name: str, default: int, low: int, high: int) -> int:
        return int(self._parsed(name, default, int, low, high))

    def _parsed(
        self, name: str, default: float, kind: Callable[[str], float], low: float, high: float
    ) -> float:
        text = self._text(name)
        try:
            value = kind(text) if text else default
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            self.problems.append(f"{name} must be a number from {low:g} to {high:g}.")
        return value

    def _budget(self) -> float | None:
        name = "TAGLINE_BUDGET_USD_PER_DAY"
        return self._number(name, 0, 0, 1_000_000) if self._text(name) else None

    def _choice(self, name: str, choices: tuple[str, ...]) -> str:
        value = self._text(name, choices[0]).lower()
        if value not in choices:
            self.problems.append(f"{name} must be one of: {', '.join(choices)}.")
        return value

    def _model(self) -> ModelSettings | None:
        provider = self._text("LLM_PROVIDER").lower()
        keys = {name: self._token(key_name) for name, key_name in KEY_NAMES.items()}
        why = self._why_no_model(provider, keys)
        if why:
            self.notices.append(f"{why} Labels come from rules until then.")
        if why or provider == "none":
            for name in ("LLM_FALLBACK_MODELS", "TAGLINE_ALLOWED_MODELS"):
                if self._text(name):
                    self.notices.append(f"{name} is not used without a first model.")
            return None
        name = self._text("LLM_MODEL", DEFAULT_MODELS.get(provider, ""))
        if not name:
            self.problems.append("LLM_MODEL is not set, and a compatible server has no default.")
        first = self._asked(provider, name, keys[provider], self._model_url(provider))
        return replace(first, further=self._further(first, keys), allowed=self._allowed(first))

    def _allowed(self, first: ModelSettings) -> tuple[ModelSettings, ...]:
        """Models at the same provider, with its key and address."""
        named = (name.strip() for name in self._text("TAGLINE_ALLOWED_MODELS").split(","))
        others = dict.fromkeys(name for name in named if name not in ("", first.model))
        return tuple(
            replace(first, model=name, named_by="TAGLINE_ALLOWED_MODELS") for name in others
        )

    def _asked(self, provider: str, name: str, key: str, base_url: str) -> ModelSettings:
        seconds = 120.0 if provider == "compatible" else 45.0
        return ModelSettings(
            provider=provider,
            model=name,
            base_url=base_url,
            timeout=self._number("LLM_TIMEOUT", seconds, 0.1, 600),
            max_output_tokens=self._int("LLM_MAX_OUTPUT_TOKENS", 2000, 64, 100_000),
            key_name=KEY_NAMES[provider],
            key=key,
        )

    def _further(self, first: ModelSettings, keys: Mapping[str, str]) -> tuple[ModelSettings, ...]:
        entries = [entry.strip() for entry in self._text("LLM_FALLBACK_MODELS").split(",")]
        found: list[ModelSettings] = []
        for entry in filter(None, entries):
            provider, _, name = (part.strip() for part in entry.partition(":"))
            provider = provider.lower()
            if why := self._why_not_asked(provider, name, keys):
                self.problems.append(f"LLM_FALLBACK_MODELS: {entry} {why}.")
                continue
            same = provider == first.provider
            url = first.base_url if same else self._further_url(provider)
            one = self._asked(provider, name, keys[provider], url)
            found.append(replace(one, named_by="LLM_FALLBACK_MODELS"))
        return tuple(found)

    def _why_not_asked(self, provider: str, name: str, keys: Mapping[str, str]) -> str:
        if provider not in KEY_NAMES or not name:
            return f"is not provider:model with one of {', '.join(KEY_NAMES)}"
        if provider in DEFAULT_MODELS and not keys[provider]:
            return f"needs {KEY_NAMES[provider]}, which is not set"
        if provider == "compatible" and not self._text("LLM_BASE_URL"):
            return "needs LLM_BASE_URL, which is not set"
        return ""

    def _further_url(self, provider: str) -> str:
        """Its own address: a key goes nowhere but to its vendor, or where its variable says."""
        name = "LLM_BASE_URL" if provider == "compatible" else f"{provider.upper()}_BASE_URL"
        return self._url(name, DEFAULT_URLS.get(provider, ""))

    def _model_url(self, provider: str) -> str:
        own = f"{provider.upper()}_BASE_URL"
        if provider in DEFAULT_URLS and self._text(own):
            return self._url(own)
        url = self._url("LLM_BASE_URL", DEFAULT_URLS.get(provider, ""))
        if not url:
            self.problems.append("LLM_BASE_URL is not set; a compatible server needs it.")
        return url

    def _why_no_model(self, provider: str, keys: Mapping[str, str]) -> str:
        if not provider:
            have = next((name for name in ("openai", "anthropic") if keys[name]), None)
            if have:
                return (
                    f"{have.upper()}_API_KEY is set, but LLM_PROVIDER is not: add"
                    f" LLM_PROVIDER={have}."
                )
            return (
                "No language model is configured (LLM_PROVIDER is not set): add for example"
                " LLM_PROVIDER=openai and OPENAI_API_KEY."
            )
        if provider not in PROVIDERS:
            return f"LLM_PROVIDER is not one of {', '.join(PROVIDERS)}."
        if provider in DEFAULT_MODELS and not keys[provider]:
            key = f"{provider.upper()}_API_KEY"
            return f"{key} is not set, and LLM_PROVIDER={provider} needs it: add {key}."
        return ""


def _unsafe(url: str, *, only_loopback: bool) -> str:
    """What is wrong with a base URL. A name is looked at again when it is connected to."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".").lower()
        parts.port  # noqa: B018 - raises on a wrong port
    except ValueError:
        return "is not a valid URL"
    if parts.scheme not in ("http", "https") or not host:
        return "must start with http:// or https:// and name a host"
    if parts.username or parts.password:
        return "must not contain a user name or password"
    if parts.query or parts.fragment:
        return "must not contain ? or #"
    if addresses.is_forbidden(host):
        return "points at a link-local or metadata address, which is never allowed"
    may_be_clear = addresses.is_loopback(host) or not (only_loopback or _is_far(host))
    if parts.scheme == "http" and not may_be_clear:
        return "must start with https://, or its token would travel in the clear"
    return ""


def _is_far(host: str) -> bool:
    return addresses.parse(host) is not None and not addresses.is_near(host)
