"""What is remembered of an answer, and how it is given again."""

import msgspec
from msgspec.structs import replace

from laurels.core import limits
from laurels.core.command import Command
from laurels.core.event import Event
from laurels.core.filter import same
from laurels.engine.ports import Answerer, Receipt, Remembered


def remember(command: Command, receipt: Receipt) -> Remembered:
    if isinstance(command, Event):
        return Remembered(receipt, command.properties_json, command.occurred_at)
    return Remembered(receipt)


def is_expired(receipt: Receipt, command: Command) -> bool:
    """Say whether the key has been free again since; both times are of acceptance."""
    return command.received_at - receipt.received_at > limits.RECEIPT_LIFETIME_MS


def replay(remembered: Remembered, command: Command, answered_by: Answerer) -> Receipt:
    """Return the first receipt, marked as a replay, and whether the content had been another."""
    return replace(
        remembered.receipt,
        answered_by=answered_by,
        mismatch=isinstance(command, Event) and not _is_same(remembered, command),
    )


def _is_same(remembered: Remembered, event: Event) -> bool:
    """
    Say whether an event says what the remembered one said.

    A time that was not given contradicts nothing, and neither does the order of properties.
    """
    receipt = remembered.receipt
    was_dated = remembered.occurred_at != receipt.received_at
    return (
        event.name == receipt.name
        and (not event.dated or not was_dated or event.occurred_at == remembered.occurred_at)
        and (
            event.properties_json == remembered.properties_json
            or same(event.properties, msgspec.json.decode(remembered.properties_json))
        )
    )
