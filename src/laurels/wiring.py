"""The one place that knows which adapter is which: from settings to a store and an ASGI app."""

import sqlite3
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from laurels import __version__
from laurels.advice.call import AddressUnusable, endpoint
from laurels.advice.language_model import LanguageModel
from laurels.api.app import App as Application
from laurels.api.app import create_app
from laurels.api.edge import ApiConfig, Edge
from laurels.api.questkit.stream import ServerSentEvents
from laurels.api.revocations import Revocations
from laurels.core.errors import LaurelsError, Unavailable
from laurels.core.event import Instant, TenantId
from laurels.delivery.hub import Hub
from laurels.engine.clock import SystemClock
from laurels.engine.engine import Engine
from laurels.engine.gather import Gather
from laurels.engine.inbox import Inbox, InboxWorker
from laurels.engine.metrics import Metrics
from laurels.engine.ports import Notifier
from laurels.engine.recommend.advice import Adviser
from laurels.engine.recommend.recommender import Recommender
from laurels.engine.registry import ApiKey, App, Registry
from laurels.engine.rulebook_text import load_rulebook
from laurels.engine.scheduler import Scheduler
from laurels.settings import SettingRefused, Settings, variable
from laurels.store.postgres.store import PostgresStore
from laurels.store.sqlite.lock import StoreLocked
from laurels.store.sqlite.store import SqliteStore
from laurels.store.store import SqlStore

Store: TypeAlias = SqlStore

POSTGRES: Final = ("postgresql://", "postgres://")
WORLDS: Final = ("live", "test")
ADMIN_SCOPES: Final = frozenset({"admin", "participant"})


class StoreNotOpened(LaurelsError):
    """The store cannot be opened."""


class Server(NamedTuple):
    """What serves: the app with its edge, the engine it hands its batches to, and its clockwork."""

    app: Application
    edge: Edge
    engine: Engine
    gather: Gather
    scheduler: Scheduler
    inbox: InboxWorker


def store_path(url: str) -> Path:
    """Return where a `sqlite:` store lies."""
    scheme, colon, rest = url.partition(":")
    if not colon:
        raise StoreNotOpened(f"{url!r} names no store; write sqlite:{url}.")
    if scheme != "sqlite":
        raise StoreNotOpened(
            f"{scheme}: is no kind of store we know; use sqlite:PATH or postgresql://HOST/DATABASE."
        )
    # sqlite:///var/x.db is how other tools spell /var/x.db.
    path = "/" + rest.lstrip("/") if rest.startswith("//") else rest
    if not path:
        raise StoreNotOpened("sqlite: needs the path of a file, as in sqlite:laurels.db.")
    return Path(path)


def open_store(url: str, *, migrate: bool = True, must_exist: bool = False) -> Store:
    """Open the store that a URL names."""
    if url.startswith(POSTGRES):
        return _open_database(url, migrate=migrate)
    path = store_path(url)
    if must_exist and not path.exists():
        raise StoreNotOpened(f"There is no store at {path}.")
    try:
        return SqliteStore(path, migrate_schema=migrate)
    except (OSError, sqlite3.Error) as problem:
        raise StoreNotOpened(f"{path} cannot be opened: {problem}.") from problem


def _open_database(url: str, *, migrate: bool) -> Store:
    try:
        return PostgresStore(url, migrate_schema=migrate)
    except Unavailable as problem:
        raise StoreNotOpened(f"{problem.message.removesuffix('.')}. Is the server up?") from problem


@contextmanager
def writing(store: Store, holder: str) -> Generator[None]:
    """Be the one process that takes events into a store. `holder` is what others are told."""
    with ExitStack() as stack:
        try:
            stack.enter_context(store.lock(holder))
        except StoreLocked as held:
            raise StoreNotOpened(f"{held}.") from held
        yield


def world(tenant: str, env: str) -> TenantId:
    """Name one of the two worlds of a tenant."""
    return f"{tenant}/{env}"


def digest(secret: str) -> bytes:
    """Return what we keep of a secret."""
    return sha256(secret.encode()).digest()


def bootstrap(registry: Registry, settings: Settings, at: Instant) -> None:
    """Make the first tenant, its app and its key, and put the rulebook in force; repeatable."""
    tenant = settings.bootstrap_tenant
    registry.create_tenant(tenant, at)
    if secret := settings.bootstrap_app_secret:
        live = world(tenant, "live")
        app = App(id=settings.bootstrap_app_id, tenant=live, secret_digest=digest(secret))
        if app not in registry.apps():
            registry.put_app(app, at)
    if secret := settings.bootstrap_api_key:
        put_bootstrap_key(registry, tenant, secret, at)
    if settings.rulebook:
        apply_rulebook(registry, tenant, WORLDS, read_rulebook(settings.rulebook), at)


def put_bootstrap_key(registry: Registry, tenant: str, secret: str, at: Instant) -> None:
    """Store the key unless it is there. Its id follows from it, so a revoked one stays revoked."""
    key_id = f"key_{digest(secret).hex()[:16]}"
    if any(entry.key.id == key_id for entry in registry.keys()):  # noqa: SIM118 - no dictionary
        return
    env = secret.split("_")[1]
    key = ApiKey(id=key_id, tenant=world(tenant, env), scopes=ADMIN_SCOPES)
    registry.put_key(key, digest=digest(secret), hint=hint(secret), at=at)


def hint(secret: str) -> str:
    """
    Return how a key begins: its kind, and four characters to tell it from others.

    >>> hint("bq_live_admin_0123456789abcdef0123456789abcdef")
    'bq_live_admin_0123'
    """
    kind, _, random = secret.rpartition("_")
    return f"{kind}_{random[:4]}"


def read_rulebook(file: str | Path) -> str:
    """Return a rulebook's text once it is known to be sound."""
    try:
        text = Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise LaurelsError(f"The rulebook {file} cannot be read: {problem}.") from problem
    load_rulebook(text)
    return text


def apply_rulebook(
    registry: Registry, tenant: str, envs: tuple[str, ...], text: str, at: Instant
) -> dict[TenantId, int]:
    """Put a sound rulebook in force, and return the version that it has in each world."""
    return {world(tenant, env): registry.put_rulebook(world(tenant, env), text, at) for env in envs}


def engine_of(
    store: Store, metrics: Metrics | None = None, notifier: Notifier | None = None
) -> Engine:
    """Put the engine onto a store, for whoever needs no server, or counts what it does."""
    return Engine(store, SystemClock(), metrics, notifier)


def build(settings: Settings, store: Store) -> Server:
    """Put the engine onto the store and the app onto the engine."""
    clock = SystemClock()
    metrics = Metrics()
    hub = Hub(store.queries, clock, ServerSentEvents(), store.registry.is_disabled)
    engine = engine_of(store, metrics, hub)
    gather = Gather(engine)
    metrics.events_waiting = lambda: gather.events_waiting
    revocations = Revocations(store.denylist, clock)
    edge = Edge(
        gather,
        store.queries,
        store.registry,
        clock,
        api_config(settings),
        metrics=metrics,
        revocations=revocations,
        recommender=Recommender(gather, store.queries, clock, adviser_of(settings)),
        inbox=Inbox(store.inbox),
        hub=hub,
    )
    scheduler = Scheduler(gather, store.queries, store, clock)
    live = world(settings.bootstrap_tenant, "live")
    inbox = InboxWorker(
        edge.inbox, gather, store.queries, clock, tenant=live, observe=metrics.delivery
    )
    return Server(create_app(edge), edge, engine, gather, scheduler, inbox)


def adviser_of(settings: Settings) -> Adviser | None:
    """Return whom to ask for recommendations, if anybody is named."""
    url, model = settings.recommender_url, settings.recommender_model
    if url is None:
        return None
    url_name, model_name = variable("recommender_url"), variable("recommender_model")
    if model is None:
        raise SettingRefused(f"{url_name} needs {model_name} beside it.")
    try:
        return LanguageModel(endpoint(url, settings.recommender_key), model)
    except AddressUnusable as problem:
        raise SettingRefused(f"{url_name} is no address: {problem}.") from problem


def api_config(settings: Settings) -> ApiConfig:
    """Pick what the API needs to know."""
    secrets = (settings.jwt_secret, settings.jwt_secret_previous)
    return ApiConfig(
        jwt_secrets=tuple(secret.encode() for secret in secrets if secret),
        bootstrap_tenant=world(settings.bootstrap_tenant, "live"),
        webhook_secrets=settings.webhook_secrets,
        participant_writes_per_minute=settings.participant_writes_per_minute,
        rate_limit_key=settings.rate_limit_key,
        rate_limit_tenant=settings.rate_limit_tenant,
        rate_limit_address=settings.rate_limit_address,
        version=__version__,
        demo_accounts=settings.demo_accounts == "on",
    )
