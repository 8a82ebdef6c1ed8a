"""A server: the engine on a store, the app on the engine, and the company that they keep."""

from functools import partial
from typing import NamedTuple, get_args

from msgspec.structs import replace

from laurels import __version__
from laurels.advice.call import AddressUnusable, endpoint
from laurels.advice.language_model import LanguageModel
from laurels.api.app import App as Application
from laurels.api.app import create_app
from laurels.api.edge import ApiConfig, Edge
from laurels.api.questkit.stream import ServerSentEvents
from laurels.api.revocations import Revocations
from laurels.delivery.hub import Hub
from laurels.engine.clock import SystemClock
from laurels.engine.durability import Durability
from laurels.engine.engine import Engine
from laurels.engine.gather import Gather
from laurels.engine.inbox import Inbox, InboxWorker
from laurels.engine.metrics import Metrics
from laurels.engine.ports import Clock
from laurels.engine.recommend.advice import Adviser
from laurels.engine.recommend.recommender import Recommender
from laurels.engine.scheduler import Scheduler
from laurels.settings import SettingRefused, Settings, variable
from laurels.wiring.company import Company, NoCompany
from laurels.wiring.first import world
from laurels.wiring.places import POSTGRES, Store
from laurels.wiring.stores import engine_of


class Server(NamedTuple):
    """What serves: the app with its edge, the engine it hands its batches to, and its clockwork."""

    app: Application
    edge: Edge
    engine: Engine
    gather: Gather
    scheduler: Scheduler
    inbox: InboxWorker
    company: Company


def build(settings: Settings, store: Store, durability: Durability = "strict") -> Server:
    """Put the engine onto the store and the app onto the engine."""
    clock, metrics = SystemClock(), Metrics()
    company = _company(settings, store, clock)
    hub = Hub(store.queries, clock, ServerSentEvents(), store.registry.is_disabled)
    engine = engine_of(store, metrics, company.notifier(hub))
    gather = Gather(engine)
    metrics.events_waiting = lambda: gather.events_waiting
    revocations = Revocations(store.denylist, clock, company.revoked)
    company.hear(hub, revocations)
    submitter = company.submitter(gather, metrics)
    edge = Edge(
        submitter,
        store.queries,
        store.registry,
        clock,
        api_config(settings, durability),
        metrics=metrics,
        revocations=revocations,
        recommender=Recommender(submitter, store.queries, clock, adviser_of(settings)),
        inbox=Inbox(store.inbox),
        hub=hub,
        intake=company.intake(gather, store.queries, metrics),
        rate_logs=company.rate_logs,
    )
    company.open(partial(_share, edge))
    scheduler = Scheduler(gather, store.queries, store, clock)
    live = world(settings.bootstrap_tenant, "live")
    inbox = InboxWorker(
        edge.inbox, gather, store.queries, clock, tenant=live, observe=metrics.delivery
    )
    return Server(create_app(edge), edge, engine, gather, scheduler, inbox, company)


def _share(edge: Edge, durability: Durability) -> None:
    """Say that events are now kept elsewhere, too: what is kept worst counts."""
    worst = max(durability, edge.config.durability, key=get_args(Durability).index)
    edge.config = replace(edge.config, durability=worst)


def _company(settings: Settings, store: Store, clock: Clock) -> Company:
    if settings.queue is None:
        return NoCompany(is_alone=not settings.store.startswith(POSTGRES))
    from laurels.wiring.with_redis import SharedRedis  # noqa: PLC0415 - most servers have none to load

    return SharedRedis(settings, store, clock)


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


def api_config(settings: Settings, durability: Durability = "strict") -> ApiConfig:
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
        store="postgresql" if settings.store.startswith(POSTGRES) else "sqlite",
        queue="none" if settings.queue is None else "redis",
        durability=durability,
        demo_accounts=settings.demo_accounts == "on",
    )
