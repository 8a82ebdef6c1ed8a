"""A connection that ends just before it is used again, on the event loop that servers run on."""

from typing import Any

import uvloop

from laurels.core.errors import Unavailable
from laurels.link import connect
from laurels.queue.script import ask, plain


def test_a_connection_that_was_closed_under_us_is_no_bug_of_ours(redis_url):
    """Uvloop says so in its own way, which no client of Redis knows."""

    async def play() -> list[object]:
        link: Any = connect(redis_url)
        heard: list[object] = []
        for _ in range(3):
            try:
                heard += await ask(link, [plain("PING")])
            except Unavailable as refusal:
                heard.append(refusal)
            if len(heard) == 1:
                for connection in link.connection_pool._available_connections:
                    connection._writer.transport.abort()
        await link.aclose()
        return heard

    first, second, third = uvloop.run(play())

    assert (first, third) == (True, True)
    assert second is True or isinstance(second, Unavailable)
