"""Recommendations, as they travel: in the reply, and on the stream."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from laurels.core import limits


class Recommendations(Struct, frozen=True, rename="camel", gc=False):
    """Missions to try next, and why."""

    mission_ids: Annotated[
        list[str],
        Meta(max_length=limits.RECOMMENDED_MAX, description="Missions that are open, best first."),
    ]
    reason: Annotated[str, Meta(description="One sentence about the first of them.")]
    cached: Annotated[bool, Meta(description="Whether this was made earlier within the hour.")]
    count: Annotated[int, Meta(description="How many missions there are.")]
    fallback: Annotated[
        bool | UnsetType,
        Meta(description="`true` when a language model was asked in vain; else absent."),
    ] = UNSET
