"""What a stream says, as it travels."""

from typing import Annotated, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from laurels.api.questkit.wire_missions import Balance, Progress, Reward
from laurels.api.questkit.wire_recommendations import Recommendations
from laurels.delivery.stream import WhyReset


class Granted(Struct, frozen=True, rename="camel", gc=False):
    user_id: str
    reward: Reward
    mission_id: Annotated[
        str | UnsetType, Meta(description="Only where a claimed mission paid it.")
    ] = UNSET


class MissionProgress(Struct, frozen=True, tag_field="type", tag="mission.progress", gc=False):
    data: Progress


class MissionCompleted(Struct, frozen=True, tag_field="type", tag="mission.completed", gc=False):
    data: Progress


class MissionClaimed(Struct, frozen=True, tag_field="type", tag="mission.claimed", gc=False):
    data: Progress


class RewardGranted(Struct, frozen=True, tag_field="type", tag="reward.granted", gc=False):
    data: Granted


class BalanceChanged(Struct, frozen=True, tag_field="type", tag="balance.changed", gc=False):
    data: Balance


class Recommendation(Struct, frozen=True, tag_field="type", tag="recommendation", gc=False):
    data: Recommendations


Update: TypeAlias = (
    MissionProgress
    | MissionCompleted
    | MissionClaimed
    | RewardGranted
    | BalanceChanged
    | Recommendation
)
"""The data of one `event: update`."""


class Reset(Struct, frozen=True, gc=False):
    """The data of an `event: reset`: what came before is not told, so ask for everything anew."""

    reason: WhyReset | Literal["began_anew"]
