"""
Wake-ups: what processes tell each other so that they look sooner.

They carry no news. One that is lost costs the time until the next look, and one that comes twice,
or from another installation on the same Redis, costs a look in vain.
"""

import secrets
from collections.abc import Callable, Collection
from typing import Final, Literal, TypeAlias

import msgspec
from msgspec import Struct

from laurels.core.event import TenantId

Topic: TypeAlias = Literal["moved", "revoked", "arrived", "kept"]
Hearing: TypeAlias = Callable[[bytes | None], None]
"""Called on the listener's thread with a message; None says that any may have been missed."""

CHANNEL: Final = "laurels:"
TENANTS_NAMED_MAX: Final = 100
"""Past so many, a message says that it may be any."""
SENDER: Final = secrets.token_bytes(8)
"""This process, which need not listen to itself."""


class Moved(Struct, frozen=True, array_like=True, gc=False):
    """Something of these tenants was committed; None says that it may be any."""

    sender: bytes
    tenants: list[TenantId] | None


_decode: Final = msgspec.msgpack.Decoder(Moved).decode


def write_moved(tenants: Collection[TenantId] | None, sender: bytes = SENDER) -> bytes:
    named = None if tenants is None or len(tenants) > TENANTS_NAMED_MAX else sorted(tenants)
    return msgspec.msgpack.encode(Moved(sender, named))


def hearing_moved(
    hear: Callable[[Collection[TenantId] | None], None], sender: bytes = SENDER
) -> Hearing:
    """Return who reads these messages for somebody, and passes over one's own."""

    def hearing(message: bytes | None) -> None:
        moved = None if message is None else _read(message)
        if moved is None:
            hear(None)
        elif moved.sender != sender:
            hear(moved.tenants)

    return hearing


def hearing_any(wake: Callable[[], None]) -> Hearing:
    """Return who wakes somebody, whatever the message says."""
    return lambda _: wake()


def _read(message: bytes) -> Moved | None:
    try:
        return _decode(message)
    except msgspec.MsgspecError:  # Of another version of ours.
        return None
