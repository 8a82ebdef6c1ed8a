"""Bodies about tokens, as they travel."""

from typing import Annotated, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from laurels.core import limits

_ID = Meta(min_length=1, max_length=limits.PARTICIPANT_ID_CHARS_MAX)
TokenId: TypeAlias = Annotated[str, _ID]
UserId: TypeAlias = Annotated[str, _ID]


class RevokeBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """Exactly one of the two."""

    jti: Annotated[TokenId | UnsetType, Meta(description="The token with this id.")] = UNSET
    user_id: Annotated[
        UserId | UnsetType, Meta(description="All tokens that this person has by now.")
    ] = UNSET
