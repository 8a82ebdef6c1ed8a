"""Every setting: its name, its default, what it does. Read once, handed on as values."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeAlias, get_args
from urllib.parse import unquote

import msgspec
from msgspec import Meta, Struct

from laurels.api.token import is_symmetric
from laurels.core.errors import LaurelsError

PREFIX: Final = "LAURELS_"
SECRET_BYTES_MIN: Final = 32
SECRETS: Final = (
    "jwt_secret",
    "jwt_secret_previous",
    "bootstrap_app_secret",
    "bootstrap_api_key",
    "recommender_key",
)
"""Settings that are never shown."""
OURS: Final = tuple(name for name in SECRETS if name != "recommender_key")
"""Those that we check: who knows one may do whatever it is for."""
OF_SOURCE: Final = "webhook_secret_"
"""What the names of the sources' secrets begin with; they are never shown either."""
URLS: Final = ("store", "queue")
"""Settings that may have a password inside, which is never shown."""
HIDDEN: Final = "(hidden)"
PLACEHOLDER: Final = re.compile(
    r"change.?me|replace.?(me|this|with)|(your|insert|default|example)\W.*(secret|key)|placeholder"
    r"|(^|_)(0{32,}|(0123456789abcdef){2,})\Z",
    re.IGNORECASE,
)
"""What stands in examples until somebody puts a secret there."""
SIGNING_SECRETS: Final = ("jwt_secret", "jwt_secret_previous")

Secret: TypeAlias = Annotated[
    str,
    # msgspec counts characters, and a text of that many characters has at least as many bytes.
    Meta(
        title=f"at least {SECRET_BYTES_MIN} bytes of text that nobody can guess",
        min_length=SECRET_BYTES_MIN,
    ),
]
Key: TypeAlias = Annotated[
    str,
    Meta(
        title="bq_live_ or bq_test_, then admin_ or nothing, then at least 32 hexadecimal digits",
        pattern=r"^bq_(live|test)_(admin_)?[0-9a-f]{32,200}\Z",
    ),
]
Address: TypeAlias = Annotated[
    str,
    Meta(
        title="an address such as http://localhost:11434/v1",
        pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?\Z",
    ),
]
BearerKey: TypeAlias = Annotated[
    str, Meta(title="a key of visible ASCII characters", pattern=r"^[!-~]+\Z")
]
# PostgreSQL's own library would repeat parts of a password that it cannot read.
_TEXT: Final = r"([^\s/?#@&%\[\]]|%[0-9A-Fa-f]{2})*"
_HOST: Final = r"([\w.%-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]{0,5})?"
_WHERE: Final = rf"({_TEXT}@)?{_HOST}(,{_HOST})*(/{_TEXT})?"
_PAIR: Final = r"[a-z_]+=([^\s#&%]|%[0-9A-Fa-f]{2})*"

RedisUrl: TypeAlias = Annotated[
    str,
    Meta(
        title="a Redis such as redis://host:6379/0, or rediss:// for TLS",
        pattern=(
            r"^rediss?://([^\s/?#@]*@)?([\w.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?"
            r"(/[0-9]{0,4})?(\?[^\s#]*)?\Z"
        ),
    ),
]

_ON_OR_OFF: Final = "on or off"
_SPELT: Final = {"1": "on", "0": "off"}
Switch: TypeAlias = Annotated[Literal["on", "off"], Meta(title=_ON_OR_OFF)]
"""Something that is done or not. 1 and 0 are read as on and off."""

_RATE: Final = Meta(title="a whole number; 0 switches the limit off", ge=0, le=1_000_000_000)
NAME_FORM: Final = "1 to 64 of the characters a-z 0-9 - _, beginning with a letter or a digit"
NAME_PATTERN: Final = r"^[a-z0-9][a-z0-9_-]{0,63}\Z"
_NAME: Final = Meta(title=NAME_FORM, pattern=NAME_PATTERN)


def _about(description: str) -> Meta:
    return Meta(description=description)


class Settings(Struct, frozen=True, kw_only=True):
    """
    What a server can be told. The variable is `LAURELS_` and the field's name, in capitals.

    A title says what a value must be; a description, what it is for.
    """

    host: Annotated[
        str,
        Meta(title="an address or host name", min_length=1),
        _about("Address to listen on. The default can be reached from this machine alone."),
    ] = "127.0.0.1"
    port: Annotated[
        int,
        Meta(title="a whole number from 0 to 65535", ge=0, le=65535),
        _about("Port to listen on; 0 takes any free one."),
    ] = 8080
    store: Annotated[
        str,
        Meta(
            title="a store such as sqlite:laurels.db or postgresql://user:password@host/database, "
            "with %40 for an @ in a password",
            min_length=1,
            pattern=rf"^(?!postgres(ql)?:)|^postgres(ql)?://{_WHERE}(\?{_PAIR}(&{_PAIR})*)?\Z",
        ),
        _about(
            "Where everything is kept: `sqlite:PATH`, relative or absolute, for one process; or "
            "`postgresql://user@host:port/database`, for any number of them."
        ),
    ] = "sqlite:laurels.db"
    queue: Annotated[
        RedisUrl | None,
        _about(
            "Redis, or any node of a Redis Cluster, in which events wait for `laurels work` when "
            "they were sent to the asynchronous routes. For a store in PostgreSQL."
        ),
    ] = None
    queue_backlog_max: Annotated[
        int,
        Meta(title="a whole number from 1 to 1,000,000,000", ge=1, le=1_000_000_000),
        _about("Events that may wait in the queue; beyond that the answer is 503."),
    ] = 1_000_000
    queue_down: Annotated[
        Literal["refuse", "store"],
        Meta(title="refuse or store"),
        _about(
            "What becomes of an event for the queue while Redis does not answer: it is refused "
            "with 503, or goes straight to the store."
        ),
    ] = "refuse"
    accept_data_loss: Annotated[
        Switch,
        _about(
            "Whether to start on a PostgreSQL or Redis that is set up to lose what it was given. "
            "See `docs/operating/durability.md`."
        ),
    ] = "off"
    rulebook: Annotated[
        str | None,
        Meta(title="the path of a rulebook file"),
        _about(
            "Rulebook to apply at start to both worlds of the bootstrap tenant, as a new version "
            "when its content differs from the one in force."
        ),
    ] = None
    jwt_secret: Annotated[
        Secret | None,
        _about("What tokens are signed with. Generated at the first start if not given."),
    ] = None
    jwt_secret_previous: Annotated[
        Secret | None,
        _about("The secret before this one. Its tokens stay valid until they expire."),
    ] = None
    bootstrap_tenant: Annotated[
        str,
        _NAME,
        _about("Tenant that exists from the first start on."),
    ] = "demo"
    bootstrap_app_id: Annotated[
        str,
        _NAME,
        _about("App of that tenant; it mints tokens for people."),
    ] = "demo"
    bootstrap_app_secret: Annotated[
        Secret | None,
        _about("That app's secret. Generated at the first start if not given."),
    ] = None
    bootstrap_api_key: Annotated[
        Key | None,
        _about(
            "API key of that tenant, with admin scope. Generated at the first start if not given."
        ),
    ] = None
    migrate: Annotated[
        Switch,
        _about("Whether a start brings the store's schema up to date, or only checks it."),
    ] = "on"
    participant_writes_per_minute: Annotated[
        int,
        _RATE,
        _about("Events of one participant that `/gamify` takes in 60 seconds."),
    ] = 600
    rate_limit_key: Annotated[
        int,
        _RATE,
        _about("Requests that one API key may make in 60 seconds."),
    ] = 0
    rate_limit_tenant: Annotated[
        int,
        _RATE,
        _about("Requests that all callers of one tenant may make in 60 seconds."),
    ] = 0
    rate_limit_address: Annotated[
        int,
        _RATE,
        _about("Requests that may come from one address in 60 seconds."),
    ] = 0
    recommender_url: Annotated[
        Address | None,
        _about(
            "Language model that is asked for recommendations: any endpoint compatible with "
            "OpenAI's. Without one the ranking is our own, and nothing leaves the server."
        ),
    ] = None
    recommender_model: Annotated[
        str | None,
        Meta(title="the name of a model"),
        _about("Model to ask for by name. Needed if `LAURELS_RECOMMENDER_URL` is set."),
    ] = None
    recommender_key: Annotated[
        BearerKey | None,
        _about("Key of that endpoint, if it wants one; sent as a bearer token."),
    ] = None
    webhook_secrets: dict[str, tuple[str, ...]] = {}
    """By source, as its variable spells it; any of several is good while one is being changed."""
    demo_accounts: Annotated[
        Switch,
        _about("Whether demo accounts (`kind: demo`, user ids `demo_…`) may reset themselves."),
    ] = "off"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(title="debug, info, warning or error"),
        _about("How severe a message must be to reach standard error."),
    ] = "warning"


FIELDS: Final = {
    field.name: field
    for field in msgspec.structs.fields(Settings)
    if field.name != "webhook_secrets"
}
"""Those of one variable each. Every source of webhooks has a variable of its own beside them."""


class SettingRefused(LaurelsError):
    """A setting does not have the form it must have."""


class Reading(NamedTuple):
    """The settings in force, and where each one came from."""

    settings: Settings
    sources: dict[str, str]


def variable(name: str) -> str:
    """
    Name the environment variable of a field.

    >>> variable("jwt_secret")
    'LAURELS_JWT_SECRET'
    """
    return PREFIX + name.upper()


def expected(name: str) -> str:
    """Say what a value of this setting must be."""
    return next(meta.title for meta in _metas(name) if meta.title)


def purpose(name: str) -> str:
    """Say what a setting is for."""
    return next(meta.description for meta in _metas(name) if meta.description)


def read(
    environment: Mapping[str, str],
    flags: Mapping[str, object] | None = None,
    kept: Mapping[str, str] | None = None,
) -> Reading:
    """
    Choose each value: a flag, else the environment, else a kept secret, else the default.

    An empty variable counts as absent, since compose files write absent ones so.
    """
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    places = (("flag", flags or {}), ("environment", environment), ("secrets file", kept or {}))
    for name in FIELDS:
        sources[name] = "default"
        for source, place in places:
            text = place.get(name if source == "flag" else variable(name))
            if text is not None and text != "":
                values[name] = _convert(name, text, source)
                sources[name] = source
                break
    webhook_secrets: dict[str, tuple[str, ...]] = {}
    for source, place in places[1:]:
        for name, text in sorted(place.items()):
            called = name.removeprefix(PREFIX + OF_SOURCE.upper())
            if text and called not in ("", name, *webhook_secrets):
                webhook_secrets[called] = _webhook_secrets(name, str(text))
                sources[OF_SOURCE + called.lower()] = source
    return Reading(Settings(**values, webhook_secrets=webhook_secrets), sources)


def shown(reading: Reading, name: str) -> str:
    """Return a value as it may be printed: secrets are not."""
    if name.startswith(OF_SOURCE):
        return HIDDEN
    value = getattr(reading.settings, name)
    if value is None:
        return "(not set)"
    if name in URLS:
        return without_password(value)
    return HIDDEN if name in SECRETS else str(value)


def without_password(url: str) -> str:
    """
    Return a URL as it may be printed, however badly it is written.

    >>> without_password("postgresql://laurels:hunter2@db/laurels?sslmode=require")
    'postgresql://laurels:(hidden)@db/laurels?sslmode=require'
    >>> without_password("redis://cache?password=hunter2")
    'redis://cache?password=(hidden)'
    """
    # Up to the last @ of all: a password that should have been escaped may hold anything.
    named = re.sub(r"(:/*[^:/@]*):.*@", rf"\1:{HIDDEN}@", url, count=1, flags=re.DOTALL)
    return re.sub(r"(?<=[?&])([^=&]*)=[^&]*", _without_value, named)


def _without_value(pair: re.Match[str]) -> str:
    is_secret = "pass" in unquote(pair[1]).lower()
    return f"{pair[1]}={HIDDEN}" if is_secret else pair[0]


def _convert(name: str, value: object, source: str) -> Any:
    called = f"--{name.replace('_', '-')}" if source == "flag" else variable(name)
    if expected(name) == _ON_OR_OFF and isinstance(value, str):
        value = _SPELT.get(value, value)
    try:
        # Leniency is for digits alone: elsewhere it would read the text "null" as nothing.
        lenient = type(FIELDS[name].default) is int
        converted = msgspec.convert(value, FIELDS[name].type, strict=not lenient)
    except msgspec.ValidationError:
        got = "" if name in SECRETS or name in URLS else f", not {value!r}"
        raise SettingRefused(f"{called} must be {expected(name)}{got}.") from None
    if name in OURS and PLACEHOLDER.search(converted):
        raise SettingRefused(
            f"{called} is a placeholder that anybody can guess; make one with openssl rand -hex 32."
        )
    if name in SIGNING_SECRETS and not is_symmetric(converted):
        raise SettingRefused(f"{called} must be {expected(name)}, not a key of a pair.")
    return converted


def _webhook_secrets(name: str, text: str) -> tuple[str, ...]:
    """Read the secrets between commas."""
    secrets = tuple(part.strip() for part in text.split(","))
    if any(len(secret.encode("utf-8", "surrogateescape")) < SECRET_BYTES_MIN for secret in secrets):
        raise SettingRefused(
            f"{name} must be a comma-separated list of secrets of at least "
            f"{SECRET_BYTES_MIN} bytes each."
        )
    return secrets


def _metas(name: str) -> Iterator[Meta]:
    waiting = [FIELDS[name].type]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Meta):
            yield part
        waiting.extend(get_args(part))
