"""Bodies and replies of `/v1`, as they travel."""

from typing import Annotated, Any, Final, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from laurels.core import limits

UserId: TypeAlias = Annotated[str, Meta(min_length=1, max_length=limits.PARTICIPANT_ID_CHARS_MAX)]
AppText: TypeAlias = Annotated[str, Meta(min_length=1, max_length=limits.KEY_CHARS_MAX)]

_IN_RANGE: Final = Meta(ge=limits.INSTANT_MIN_MS, lt=limits.INSTANT_MAX_MS + 1)


class TokenBody(
    Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, gc=False
):
    """An app asks for a token for one of its people. Never send this from a browser."""

    app_id: AppText
    app_secret: AppText
    user_id: UserId
    kind: Annotated[
        Any, Meta(description='Only `"demo"` has an effect; whatever else is ignored.')
    ] = None


class TokenMinted(Struct, frozen=True, rename="camel", gc=False):
    token: str
    expires_at: Annotated[int, Meta(description="Unix milliseconds; one hour ahead.")]


class QuestEvent(
    Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, gc=False
):
    """Something the token's user did."""

    user_id: Annotated[UserId, Meta(description="Must be the `sub` of the token.")]
    name: Annotated[str, Meta(min_length=1, max_length=limits.QUESTKIT_EVENT_NAME_CHARS_MAX)]
    payload: Annotated[dict[str, Any], Meta(description="Whatever the rules may read.")]
    timestamp: Annotated[
        Annotated[int, _IN_RANGE] | Annotated[float, _IN_RANGE],
        Meta(description="Unix milliseconds, 1900 to 9998; fractions are floored."),
    ]
    idempotency_key: Annotated[
        str,
        Meta(
            max_length=limits.KEY_CHARS_MAX,
            description="The header `Idempotency-Key` wins over this one; empty is absent.",
        ),
    ] = ""


class QuestEventAccepted(Struct, frozen=True, rename="camel", gc=False):
    accepted: Literal[True]
    event_id: str
    missions_updated: Annotated[
        list[str], Meta(description="Missions whose progress changed by this event.")
    ]


class DeliveryAccepted(Struct, frozen=True, rename="camel", gc=False):
    accepted: Literal[True]
    event_id: Annotated[str, Meta(description="`evt_` and the id that the provider gave.")]


class Done(Struct, frozen=True, gc=False):
    ok: Literal[True]


class Health(Struct, frozen=True, gc=False):
    """Whether the server takes events, what it is, and how safely it keeps them."""

    ok: bool
    version: str
    commit: str
    store: str
    queue: str
    durability: str


class QuestError(Struct, frozen=True, omit_defaults=True, rename="camel", gc=False):
    error: str
    message: str | UnsetType = UNSET
    retry_after_ms: int | UnsetType = UNSET
