"""Receipts that all processes can give again: a cache in Redis, of bounded size."""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec

from laurels.calls import Call, Script, ask, ask_blocking, plain, sound, together
from laurels.core import limits
from laurels.core.command import Command
from laurels.core.event import Instant
from laurels.engine.ports import Receipt, Record, Remembered, Submitter
from laurels.engine.replay import is_expired, replay
from laurels.link import BlockingLink, Link
from laurels.notify.heard import HEARD_BYTES, HeardKeys
from laurels.notify.place import DIGEST_BYTES, digest_of, receipt_key, tag_of
from laurels.notify.together import Together

log: Final = logging.getLogger("laurels.notify")

ANSWER_S_MAX: Final = 0.1
"""Redis is asked before the store, so it may not take longer than that would."""
KEPT_AT_ONCE_MAX: Final = 200

_KEEP: Final = Script("laurels.notify", "receipts")
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Remembered).decode


class SharedReceipts(Submitter):
    """
    A submitter that recalls what other processes committed, and this one before it was restarted.

    Its own memory is asked first. A cache may answer a replay; it never decides one.
    """

    def __init__(
        self, submitter: Submitter, link: Link, heard: HeardKeys, recalled: Callable[[], None]
    ) -> None:
        self.submit = submitter.submit
        self._recall = submitter.recall
        self._link = link
        self._heard = heard
        self._recalled = recalled
        self._together = Together[bytes, bytes](
            self._ask, "replays are read from the store", within_s=ANSWER_S_MAX
        )

    async def recall(self, command: Command) -> Receipt | None:
        if command.key is None:
            return None
        known = await self._recall(command)
        if known is not None:
            return known
        digest = name_of(command, command.key)
        if not self._heard.is_worth_asking(digest):
            return None
        (kept,) = await self._together.ask((digest,))
        remembered = read_kept(digest, kept)
        if remembered is None or is_expired(remembered.receipt, command):
            return None
        self._recalled()
        return replay(remembered, command, "cache")

    async def _ask(self, digests: Sequence[bytes]) -> list[bytes]:
        keys = [receipt_key(digest) for digest in digests]
        groups = together(self._link, range(len(keys)), lambda position: tag_of(keys[position]))
        calls = [plain("MGET", *(keys[position] for position in group)) for group in groups]
        found = [b""] * len(keys)
        for group, answer in zip(groups, sound(await ask(self._link, calls)), strict=True):
            for position, kept in zip(group, answer, strict=True):
                found[position] = kept or b""
        return found


class Parcel:
    """A receipt on its way to the others: its name, what is put in its place, and for how long."""

    __slots__ = ("digest", "lifetime_ms", "value")

    def __init__(self, digest: bytes, value: bytes, lifetime_ms: int) -> None:
        self.digest = digest
        self.value = value
        self.lifetime_ms = lifetime_ms


def name_of(command: Command, key: str) -> bytes:
    """Return what stands for a key: whose it is, and for which operation."""
    return digest_of(command.tenant, command.participant, command.operation, key)


def kept_of(records: Iterable[Record], now: Instant) -> list[Parcel]:
    """Return what is worth keeping of some records."""
    found: list[Parcel] = []
    for record in records:
        command, remembered = record.command, record.remembered
        lifetime_ms = remembered.receipt.received_at + limits.RECEIPT_LIFETIME_MS - now
        is_large = len(remembered.content) > limits.RECEIPT_CACHED_BYTES_MAX
        if command.key is None or is_large or lifetime_ms <= 0:
            continue
        digest = name_of(command, command.key)
        value = digest + _encode(remembered)
        if len(value) <= limits.RECEIPT_SHARED_BYTES_MAX:
            found.append(Parcel(digest, value, lifetime_ms))
    return found


def read_kept(digest: bytes, kept: bytes | None) -> Remembered | None:
    """Return the receipt that was kept under this name; another may lie in its place."""
    if not kept or kept[:DIGEST_BYTES] != digest:
        return None
    try:
        return _decode(memoryview(kept)[DIGEST_BYTES:])
    except msgspec.MsgspecError:  # Of another version of ours.
        return None


def keep(link: BlockingLink, kept: Sequence[Parcel]) -> bytes:
    """Put receipts where all processes look for them; return what to tell of them."""
    for first in range(0, len(kept), KEPT_AT_ONCE_MAX):
        _keep(link, kept[first : first + KEPT_AT_ONCE_MAX])
    return b"".join(one.digest[:HEARD_BYTES] for one in kept)


def _keep(link: BlockingLink, kept: Sequence[Parcel]) -> None:
    keys = [receipt_key(one.digest) for one in kept]
    calls: list[Call] = []
    for group in together(link, range(len(keys)), lambda position: tag_of(keys[position])):
        values: list[Any] = []
        for position in group:
            values += (kept[position].value, kept[position].lifetime_ms)
        calls.append(_KEEP.call([keys[position] for position in group], values))
    sound(ask_blocking(link, calls))
