"""Asks Redis, or each master of a cluster, how well it keeps what it is given."""

from contextlib import closing
from typing import Any

import redis

from laurels.engine.durability import RedisSettings
from laurels.link import BlockingLink, connect_blocking


def ask(url: str) -> list[RedisSettings]:
    """Ask before anything is kept there. Raises one of link.FAILURES without an answer."""
    with closing(connect_blocking(url)) as link:
        return read_settings(link)


def read_settings(link: BlockingLink) -> list[RedisSettings]:
    """Ask whoever may be given something to keep. Raises one of link.FAILURES without an answer."""
    # What the client's methods return depends on more than its types can tell.
    client: Any = link
    if isinstance(link, redis.RedisCluster):
        return [
            _read(client.get_redis_connection(node), f"{node.host}:{node.port}")
            for node in client.get_primaries()
        ]
    at = client.get_connection_kwargs()
    return [_read(client, f"{at['host']}:{at['port']}")]


def _read(one: Any, place: str) -> RedisSettings:
    # INFO is allowed where CONFIG is not, and tells all but one.
    told = one.execute_command("INFO")
    if told["loading"]:  # Until then it says that it appends nothing.
        raise redis.BusyLoadingError(f"the Redis at {place} still reads its files")
    return RedisSettings(
        place=place,
        version=told["redis_version"],
        role=told["role"],
        replicas=told["connected_slaves"],
        is_appending=bool(told["aof_enabled"]),
        appendfsync=_appendfsync(one),
        maxmemory_policy=told["maxmemory_policy"],
    )


def _appendfsync(one: Any) -> str | None:
    try:
        told = one.config_get("appendfsync")
    except redis.ResponseError:
        # Renamed away, or not among what this user may do: managed servers are like that.
        return None
    return told.get("appendfsync")
