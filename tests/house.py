"""The whole house in one process: the real app on the real engine on a store of its own."""

from collections.abc import Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.cast import Place, open_at

from laurels import wiring
from laurels.api.exchange import Receive, Scope, Send
from laurels.settings import Settings

RULEBOOK = Path(__file__).parent / "examples" / "rulebook.yaml"
LIVE_KEY = "bq_live_admin_" + "0" * 32
TEST_KEY = "bq_test_" + "1" * 32
APP_ID = "app_demo"
APP_SECRET = "an app secret of thirty-two chars"


class House(NamedTuple):
    app: object
    live_key: str
    test_key: str
    app_id: str
    app_secret: str
    server: wiring.Server
    store: wiring.Store


@contextmanager
def a_house(place: Place, **more: Any) -> Generator[House]:
    """Put up a house at a place for stores, or in a folder."""
    if isinstance(place, Path) and place.is_dir():
        place /= "laurels.db"
    where = place if isinstance(place, str) else f"sqlite:{place}"
    settings = Settings(
        jwt_secret="a jwt secret of thirty-two chars.",
        bootstrap_app_id=APP_ID,
        bootstrap_app_secret=APP_SECRET,
        bootstrap_api_key=LIVE_KEY,
        **{"rulebook": str(RULEBOOK), "store": where, **more},
    )
    store: Any = open_at(place)
    wiring.bootstrap(store.registry, settings, 0)
    wiring.put_bootstrap_key(store.registry, "demo", TEST_KEY, 0)
    server = wiring.build(settings, store)
    yield House(_started(server), LIVE_KEY, TEST_KEY, APP_ID, APP_SECRET, server, store)
    store.close()


def _started(server: wiring.Server) -> object:
    """Start the writer with the app, as `laurels serve` does."""

    @asynccontextmanager
    async def lifespan():
        server.gather.start()
        yield
        await server.gather.close()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await server.app(scope, receive, send)
            return
        await receive()
        async with lifespan():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    return app
