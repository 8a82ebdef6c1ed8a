"""What holds for every test: in CI, nothing may be skipped."""

import os
from collections.abc import Generator
from contextlib import ExitStack, nullcontext

import pytest
from hypothesis import settings
from tests.cast import a_stage
from tests.databases import Shared
from tests.house import a_house
from tests.servers import Databases, OtherRedis, PostgresServer, RedisCluster, RedisServer

SKIPS_FORBIDDEN = os.environ.get("CI") == "true"

UNTRACED = {"api", "browser", "cli", "docs", "e2e", "model"}
"""
What counts for the coverage of core and engine are the tests of their own folders. These go through
them too, at nearly twice the time if every line were noted.
"""

LONGEST = ("model", "e2e")

# How long an example takes tells what else the machine is doing: several tests run at once.
settings.register_profile("laurels", deadline=None)
settings.load_profile("laurels")


def _folder(item: pytest.Item) -> str:
    return item.nodeid.split("/")[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # What takes longest comes first, so that in the end nobody waits for it alone.
    items.sort(key=lambda item: (*LONGEST, _folder(item)).index(_folder(item)))
    for item in items:
        if _folder(item) in UNTRACED:
            item.add_marker("no_cover")


def _forbid(report: pytest.TestReport | pytest.CollectReport) -> None:
    if SKIPS_FORBIDDEN and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"Skipped, where nothing may be: {report.longrepr}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _forbid(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _forbid(report)
    return report


@pytest.fixture
def house(tmp_path):
    """The whole house on a store of its own, with the rulebook that the transcripts speak of."""
    with a_house(tmp_path) as house:
        yield house


@pytest.fixture(scope="session")
def postgres_server():
    """One for the session, or the one that `LAURELS_TEST_POSTGRES` names."""
    if url := os.environ.get("LAURELS_TEST_POSTGRES"):
        yield Databases(url)
        return
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def redis_server():
    """One for the session, or the one that `LAURELS_TEST_REDIS` names: it is emptied."""
    if url := os.environ.get("LAURELS_TEST_REDIS"):
        yield OtherRedis(url)
        return
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="session")
def redis_cluster():
    with RedisCluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def shared_database(postgres_server):
    shared = Shared(postgres_server)
    yield shared
    shared.close()


@pytest.fixture(scope="session")
def shared_quick_database(postgres_server):
    shared = Shared(postgres_server, synchronous_commit="off")
    yield shared
    shared.close()


@pytest.fixture
def postgres_url(shared_database):
    """A database with our schema, and nothing in it."""
    with shared_database.lent() as url:
        yield url


@pytest.fixture
def quick_postgres_url(shared_quick_database):
    """The same, where no test can tell whether a commit waits for the disk."""
    with shared_quick_database.lent() as url:
        yield url


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def places(request, tmp_path_factory):
    """Return what lends an empty place for a store, for promises of every store, time and again."""
    if request.param == "postgres":
        return request.getfixturevalue("shared_quick_database").lent
    return lambda: nullcontext(tmp_path_factory.mktemp("store") / "laurels.db")


@pytest.fixture
def place(places):
    """Where a store may be, for promises of every store: a file, or a database."""
    with places() as place:
        yield place


@pytest.fixture
def opens(place):
    """Return what opens a stage on one store once more, as another process would."""
    with ExitStack() as stack:
        yield lambda rulebook="", **more: stack.enter_context(a_stage(place, rulebook, **more))


@pytest.fixture
def empty_postgres_url(postgres_server):
    """A new database without a schema: several times the price."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture
def redis_url(redis_server):
    """An empty Redis."""
    redis_server.flush()
    return redis_server.url
