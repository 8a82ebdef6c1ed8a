"""What can come of being told about participants, or of failing to decide."""

from msgspec import UNSET, Raw, Struct, UnsetType

from laurels.core.event import Instant


class ProfileChanged(Struct, frozen=True, omit_defaults=True, gc=False, tag="profile.changed"):
    """What we know of a participant; what is unset stays as it was."""

    at: Instant
    display_name: str | UnsetType | None = UNSET
    avatar_url: str | UnsetType | None = UNSET
    timezone: str | UnsetType | None = UNSET
    attributes: Raw | UnsetType = UNSET
    """All of them, as one JSON object."""
    because: int = -1


class Recommended(Struct, frozen=True, omit_defaults=True, gc=False, tag="recommended"):
    """Other challenges than before are recommended to the participant. Nothing else follows."""

    challenges: tuple[str, ...]
    why: str
    at: Instant
    because: int = -1


class ParticipantReset(Struct, frozen=True, omit_defaults=True, gc=False, tag="participant.reset"):
    """A participant begins anew, as if never met; `written_off` is what that took from them."""

    at: Instant
    written_off: tuple[tuple[str, str, int], ...] = ()
    """Account, currency and amount."""
    because: int = -1


class Parked(Struct, frozen=True, omit_defaults=True, gc=False, tag="parked"):
    """A limit was met while deciding: the event is kept with its reason, and changed nothing."""

    reason: str
    message: str
    because: int = -1
