"""Profiles that several describe at once: each patch is merged into what the others have left."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

import pytest
import urllib3
from msgspec import Raw
from tests.cast import SHOP
from tests.contract.together import each_at_once, several
from tests.serving import Running, environment

from laurels.core.change import ProfileChanged
from laurels.core.command import Describe
from laurels.core.section import PROFILE

PATCHES = 60
ALL = {f"a{n}": n for n in range(PATCHES)}
KEY = "bq_live_admin_" + "a" * 32


def patch(stage, attributes):
    received_at, (id_,) = stage.clock.accept(1)
    return Describe(
        tenant=SHOP,
        id=id_,
        participant="ann",
        received_at=received_at,
        patch=Raw(json.dumps(attributes).encode()),
    )


def test_patches_by_several_engines_are_all_kept(quick_postgres_url):
    with several(quick_postgres_url, 3) as stages:

        def work(stage):
            for name in list(ALL)[stages.index(stage) :: len(stages)]:
                stage.send(patch(stage, {name: ALL[name], "last": name}))

        each_at_once(stages, work)

        first = stages[0]
        profile = first.state().read(PROFILE, "")
        told = [one for entry in first.journal() for one in entry.changes]
        assert profile is not None
        attributes = json.loads(bytes(profile.attributes))
        last = attributes.pop("last")
        assert attributes == ALL
        assert len(told) == PATCHES
        # The journal says what it came to, so that nobody who folds it need merge again.
        assert isinstance(told[-1], ProfileChanged)
        assert isinstance(told[-1].attributes, Raw)
        assert json.loads(bytes(told[-1].attributes)) == ALL | {"last": last}
        assert first.findings() == []


@pytest.mark.parametrize(("kind", "count"), [("sqlite", 1), ("postgres", 2)])
def test_patches_sent_to_servers_at_once_are_all_kept(kind, count, request, tmp_path):
    store = "sqlite:laurels.db"
    if kind == "postgres":
        store = request.getfixturevalue("quick_postgres_url")
    settings = environment(
        LAURELS_STORE=store,
        LAURELS_PORT="0",
        LAURELS_JWT_SECRET="j" * 40,
        LAURELS_BOOTSTRAP_APP_SECRET="s" * 40,
        LAURELS_BOOTSTRAP_API_KEY=KEY,
    )
    with ExitStack() as stack:
        servers = [
            stack.enter_context(Running("serve", cwd=tmp_path, env=settings, log=tmp_path / "log"))
            for _ in range(count)
        ]
        http = stack.enter_context(urllib3.PoolManager(maxsize=PATCHES))
        threads = stack.enter_context(ThreadPoolExecutor(PATCHES))
        ask = partial(http.request, headers={"X-API-Key": KEY})
        urls = [f"{one.url}/api/v1/gamify/participants/ann" for one in servers]

        def send(n):
            return ask("PATCH", urls[n % count], json={"attributes": {f"a{n}": n}})

        replies = list(threads.map(send, range(PATCHES)))

        assert [reply.status for reply in replies] == [200] * PATCHES
        shown = [reply.json()["attributes"] for reply in replies]
        assert all(each[f"a{n}"] == n for n, each in enumerate(shown))
        assert [ask("GET", url).json()["attributes"] for url in urls] == [ALL] * count
