"""Every setting: its name, its default, what it does. Read once, handed on as values."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeAlias, get_args

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
OF_SOURCE: Final = "webhook_secret_"
"""What the names of the sources' secrets begin with; they are never shown either."""
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
        title="bq_live_ or bq_test_, admin_ if you like, and at least 32 hexadecimal digits",
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

_RATE: Final = Meta(title="a whole number; 0 switches the limit off", ge=0, le=1_000_000_000)
_NAME: Final = Meta(
    title="1 to 64 characters out of a-z 0-9 - and _, beginning with a letter or a digit",
    pattern=r"^[a-z0-9][a-z0-9_-]{0,63}\Z",
)


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
        _about("Address to listen on. The default is reached from this machine alone."),
    ] = "127.0.0.1"
    port: Annotated[
        int,
        Meta(title="a whole number from 0 to 65535", ge=0, le=65535),
        _about("Port to listen on; 0 takes any free one."),
    ] = 8080
    store: Annotated[
        str,
        Meta(title="a store such as sqlite:laurels.db", min_length=1),
        _about("Where everything is kept: `sqlite:PATH`, relative or absolute."),
    ] = "sqlite:laurels.db"
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
        _about("What tokens are signed with. Made at the first start when not given."),
    ] = None
    jwt_secret_previous: Annotated[
        Secret | None,
        _about("The secret before this one. Its tokens stay valid until they expire."),
    ] = None
    bootstrap_tenant: Annotated[
        str,
        _NAME,
        _about("Tenant that is there from the first start on."),
    ] = "demo"
    bootstrap_app_id: Annotated[
        str,
        _NAME,
        _about("App of that tenant; it mints tokens for people."),
    ] = "demo"
    bootstrap_app_secret: Annotated[
        Secret | None,
        _about("That app's secret. Made at the first start when not given."),
    ] = None
    bootstrap_api_key: Annotated[
        Key | None,
        _about("API key of that tenant, with admin scope. Made at the first start if not given."),
    ] = None
    migrate: Annotated[
        Literal["on", "off"],
        Meta(title="on or off"),
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
            "Language model that is asked for recommendations: any endpoint that speaks like "
            "OpenAI's. Without one the ranking is our own, and nothing leaves the server."
        ),
    ] = None
    recommender_model: Annotated[
        str | None,
        Meta(title="the name of a model"),
        _about("Model to ask for by name. Needed where there is a `LAURELS_RECOMMENDER_URL`."),
    ] = None
    recommender_key: Annotated[
        BearerKey | None,
        _about("Key of that endpoint, if it wants one; sent as a bearer token."),
    ] = None
    webhook_secrets: dict[str, tuple[str, ...]] = {}
    """By source, as its variable spells it; any of several is good while one is being changed."""
    demo_accounts: Annotated[
        Literal["on", "off"],
        Meta(title="on or off"),
        _about("Whether demo accounts (`kind: demo`, user ids `demo_…`) may reset themselves."),
    ] = "off"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(title="debug, info, warning or error"),
        _about("What is worth a line on standard error."),
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
        return "(hidden)"
    value = getattr(reading.settings, name)
    if value is None:
        return "(not set)"
    return "(hidden)" if name in SECRETS else str(value)


def _convert(name: str, value: object, source: str) -> Any:
    called = f"--{name.replace('_', '-')}" if source == "flag" else variable(name)
    try:
        # Leniency is for digits alone: elsewhere it would read the text "null" as nothing.
        lenient = type(FIELDS[name].default) is int
        converted = msgspec.convert(value, FIELDS[name].type, strict=not lenient)
    except msgspec.ValidationError:
        got = "" if name in SECRETS else f", not {value!r}"
        raise SettingRefused(f"{called} must be {expected(name)}{got}.") from None
    if name in SIGNING_SECRETS and not is_symmetric(converted):
        raise SettingRefused(f"{called} must be {expected(name)}, not a key of a pair.")
    return converted


def _webhook_secrets(name: str, text: str) -> tuple[str, ...]:
    """Read the secrets between commas."""
    secrets = tuple(part.strip() for part in text.split(","))
    if any(len(secret.encode("utf-8", "surrogateescape")) < SECRET_BYTES_MIN for secret in secrets):
        raise SettingRefused(
            f"{name} must be secrets of at least {SECRET_BYTES_MIN} bytes each, between commas."
        )
    return secrets


def _metas(name: str) -> Iterator[Meta]:
    waiting = [FIELDS[name].type]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Meta):
            yield part
        waiting.extend(get_args(part))
