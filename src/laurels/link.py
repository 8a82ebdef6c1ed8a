"""How to reach Redis: one server or a cluster, in a thread or on an event loop."""

from typing import Any, Final, TypeAlias

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException
from redis.retry import Retry

CONNECT_S_MAX: Final = 1.0
ANSWER_S_MAX: Final = 2.0

AsyncLink: TypeAlias = "redis.asyncio.Redis | redis.asyncio.RedisCluster"
Link: TypeAlias = "AsyncLink | LaterLink"
BlockingLink: TypeAlias = "redis.Redis | redis.RedisCluster"

PATIENCE: Final[dict[str, Any]] = {
    "socket_connect_timeout": CONNECT_S_MAX,
    "socket_timeout": ANSWER_S_MAX,
    "socket_keepalive": True,
}
LOST: Final = (redis.ConnectionError,)
"""What is tried once more: a server that was started anew has closed our connection, no more."""

FAILURES: Final = (
    redis.RedisError,
    RedisClusterException,  # No node of a cluster answers.
    OSError,
    RuntimeError,  # A connection was closed unnoticed by uvloop.
)
"""How it shows that Redis is away."""

# A client's own types are full of gaps.
_single: Any = redis.Redis
_cluster: Any = redis.RedisCluster
_single_async: Any = redis.asyncio.Redis
_cluster_async: Any = redis.asyncio.RedisCluster


class LaterLink:
    """Reaches Redis from an event loop as soon as `link` is there; until then Redis is away."""

    link: "AsyncLink | None" = None

    @property
    def is_there(self) -> bool:
        return self.link is not None

    def pipeline(self, *, transaction: bool) -> Any:
        """Raise redis.ConnectionError without a link."""
        if self.link is None:
            raise redis.ConnectionError("it is not used yet")
        return self.link.pipeline(transaction=transaction)

    async def aclose(self) -> None:
        # A client's own types are full of gaps.
        link: Any = self.link
        if link is not None:
            await link.aclose()


def connect(url: str) -> AsyncLink:
    """
    Reach Redis from an event loop. Answers are bytes.

    Asks once, blocking, which of the two it is; raises one of FAILURES if there is no answer.
    """
    client = _cluster_async if is_cluster(url) else _single_async
    retry = AsyncRetry(NoBackoff(), 1, supported_errors=LOST)
    return client.from_url(url, retry=retry, **PATIENCE)


def connect_blocking(url: str) -> BlockingLink:
    """Reach Redis from any thread. Answers are bytes."""
    client = _cluster if is_cluster(url) else _single
    retry = Retry(NoBackoff(), 1, supported_errors=LOST)
    return client.from_url(url, retry=retry, **PATIENCE)


def is_cluster(url: str) -> bool:
    """Ask the server itself whether it is a node of a cluster."""
    retry = Retry(NoBackoff(), 1, supported_errors=LOST)
    with _single.from_url(url, retry=retry, **PATIENCE) as one:
        return bool(int(one.execute_command("INFO", "cluster")["cluster_enabled"]))
