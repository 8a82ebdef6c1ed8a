"""Who participants are, what they are recommended, and how one begins anew."""

from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import UNSET, Raw

from laurels.core import limits
from laurels.core.change import Change, ParticipantReset, ProfileChanged, Recommended
from laurels.core.command import Describe, Recommend, Reset
from laurels.core.errors import InvalidBody, Problem
from laurels.core.ledger import held_account_of
from laurels.core.rules.chain import Chain
from laurels.core.section import PROFILE, Profile

_raws: Final = msgspec.json.Decoder(dict[str, Raw]).decode


def describe(chain: Chain, command: Describe) -> Iterator[Change]:
    attributes = command.attributes
    if command.patch is not UNSET:
        attributes = _merged(chain.draft.read(PROFILE) or Profile(), command.patch)
    if attributes is not UNSET and len(bytes(attributes)) > limits.ATTRIBUTES_BYTES_MAX:
        most = limits.ATTRIBUTES_BYTES_MAX // 1024
        raise InvalidBody(Problem("attributes", f"must have {most} KiB at most, all together"))
    yield ProfileChanged(
        command.received_at,
        command.display_name,
        command.avatar_url,
        command.timezone,
        attributes,
    )


def _merged(profile: Profile, patch: Raw) -> Raw:
    """Return the attributes as they will be: the state is locked, so nobody else merges now."""
    merged = _raws(profile.attributes) | _raws(patch)
    kept = {name: part for name, part in merged.items() if bytes(part) != b"null"}
    return Raw(msgspec.json.encode(kept))


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
