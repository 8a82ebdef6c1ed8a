"""What is remembered of an answer, and how it is given again."""

from typing import Final

import msgspec
from msgspec import UNSET, Struct
from msgspec.structs import asdict, replace

from laurels.core import limits
from laurels.core.command import Command
from laurels.core.event import Event
from laurels.core.filter import same
from laurels.engine.ports import Answerer, Receipt, Remembered

OF_EACH_SENDING: Final = frozenset(("tenant", "id", "participant", "received_at", "key"))
"""What is no content of a command."""


def remember(command: Command, receipt: Receipt) -> Remembered:
    if isinstance(command, Event):
        return Remembered(receipt, command.properties_json, command.occurred_at)
    return Remembered(receipt, content_of(command))


def content_of(command: Struct) -> str:
    """Return what a command that is no event asks for, without what each sending has anew."""
    asked = {
        name: value
        for name, value in asdict(command).items()
        if name not in OF_EACH_SENDING and value is not UNSET
    }
    return msgspec.json.encode(asked, order="sorted").decode()


def is_expired(receipt: Receipt, command: Command) -> bool:
    """Say whether the key was free again in between; both times are of acceptance."""
    # A command that waited may be the older of the two.
    return abs(command.received_at - receipt.received_at) > limits.RECEIPT_LIFETIME_MS


def replay(remembered: Remembered, command: Command, answered_by: Answerer) -> Receipt:
    """Return the first receipt, marked as a replay, and whether the content had been another."""
    return replace(
        remembered.receipt,
        answered_by=answered_by,
        mismatch=not _is_same(remembered, command),
    )


def _is_same(remembered: Remembered, command: Command) -> bool:
    """
    Say whether a command says what the remembered one said.

    A time that was not given contradicts nothing, and neither does the order of properties.
    """
    if not isinstance(command, Event):
        return content_of(command) == remembered.content
    receipt = remembered.receipt
    was_dated = remembered.occurred_at != receipt.received_at
    return (
        command.name == receipt.name
        and (not command.dated or not was_dated or command.occurred_at == remembered.occurred_at)
        and (
            command.properties_json == remembered.content
            or same(command.properties, msgspec.json.decode(remembered.content))
        )
    )
