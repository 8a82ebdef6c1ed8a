"""Who participants are, what they are recommended, and how one begins anew."""

from collections.abc import Iterator

from laurels.core.change import Change, ParticipantReset, ProfileChanged, Recommended
from laurels.core.command import Describe, Recommend, Reset
from laurels.core.ledger import held_account_of
from laurels.core.rules.chain import Chain


def describe(_: Chain, command: Describe) -> Iterator[Change]:
    yield ProfileChanged(
        command.received_at,
        command.display_name,
        command.avatar_url,
        command.timezone,
        command.attributes,
    )


def recommend(_: Chain, command: Recommend) -> Iterator[Change]:
    yield Recommended(command.challenges, command.why, command.received_at)


def reset(chain: Chain, command: Reset) -> Iterator[Change]:
    """Write off what the participant has, and forget the rest."""
    held = held_account_of(command.participant)
    written_off = [
        (account, currency, amount)
        for currency in chain.draft.currencies()
        for account, amount in (
            (chain.account, chain.draft.balance(currency).amount),
            (held, chain.draft.balance(currency).held),
        )
        if amount
    ]
    yield ParticipantReset(command.received_at, tuple(written_off))
