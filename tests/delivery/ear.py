"""Somebody who listens in on a stream without a network, and what they hear."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from laurels.api.questkit.stream import ServerSentEvents
from laurels.delivery.cursor import read_cursor
from laurels.delivery.hub import Hub
from laurels.delivery.stream import Stream, Subscriber
from laurels.engine.engine import Engine

WAIT_S_MAX = 20
FAR_OFF_S = 10**10


class Message(NamedTuple):
    """One block of a stream: its id, which event it is, and its data."""

    id: str
    event: str
    data: object


def read_messages(text: bytes) -> list[Message]:
    """Read blocks as the HTML standard has it; those without data are no messages to anybody."""
    found: list[Message] = []
    for block in text.decode().split("\n\n"):
        fields: dict[str, str] = {}
        for line in block.split("\n"):
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        if "data" in fields:
            data = json.loads(fields["data"])
            found.append(Message(fields["id"], fields.get("event", "message"), data))
    return found


class Ear:
    """An outlet that keeps what comes. While it is not clear, nothing has been taken in."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.is_clear = True
        self.end = ""

    def write(self, data: bytes) -> None:
        assert not self.end
        self.pieces.append(data)

    def close(self) -> None:
        self.end = "closed"

    def abort(self) -> None:
        self.end = "aborted"

    @property
    def text(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def messages(self) -> list[Message]:
        return read_messages(self.text)

    @property
    def told(self) -> list[str]:
        """The ids of all that it was told, in that order."""
        return [message.id for message in self.messages]

    @property
    def updates(self) -> list[str]:
        return [message.id for message in self.messages if message.event == "update"]


def hub_of(stage, is_disabled: Callable[[str], bool] | None = None) -> Hub:
    """Put a hub onto a stage, and an engine that wakes it."""
    is_disabled = is_disabled or stage.store.registry.is_disabled
    hub = Hub(stage.store.queries, stage.clock, ServerSentEvents(), is_disabled)
    stage.engine = Engine(stage.store, stage.clock, notifier=hub)
    return hub


def someone(
    stage, who: str = "ann", *, tenant: str = "", expires_at_s: int = FAR_OFF_S
) -> Subscriber:
    return Subscriber(
        tenant=tenant or stage.world,
        participant=who,
        token_id="t",
        issued_at_s=0,
        expires_at_s=expires_at_s,
    )


class Listening(NamedTuple):
    ear: Ear
    stream: Stream


def listen(hub: Hub, stage, who: str = "ann", since: Any = None, **more: Any) -> Listening:
    """Open a stream; a text is an id that was heard last."""
    if isinstance(since, str):
        since = read_cursor(since.encode()) or "unreadable"
    ear, stream = Ear(), hub.open(someone(stage, who, **more), since)
    hub.begin(stream, ear)
    return Listening(ear, stream)


async def until(is_so: Callable[[], object]) -> None:
    """Wait for something that comes by itself."""
    async with asyncio.timeout(WAIT_S_MAX):
        while not is_so():  # noqa: ASYNC110 - it is told to nobody else
            await asyncio.sleep(0.001)


async def begun(*listening: Listening) -> None:
    await until(lambda: all(one.stream.is_live for one in listening))
