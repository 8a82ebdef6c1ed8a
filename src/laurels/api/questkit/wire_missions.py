"""Missions, balances and campaigns of `/v1`, as they travel."""

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

_MS = Meta(description="Unix milliseconds.")


class CurrencyReward(Struct, frozen=True, tag_field="kind", tag="currency", gc=False):
    currency: str
    amount: int


class BadgeReward(Struct, frozen=True, rename="camel", tag_field="kind", tag="badge", gc=False):
    badge_id: str


class ItemReward(Struct, frozen=True, rename="camel", tag_field="kind", tag="item", gc=False):
    """Whatever is no points and no badge; an offer of the catalogue and a freeze are items too."""

    item_id: str
    quantity: int


Reward: TypeAlias = CurrencyReward | BadgeReward | ItemReward


class Criteria(Struct, frozen=True, rename="camel", gc=False):
    """What has to be done how often."""

    event_name: str
    count: Annotated[int, Meta(description="So many events; or the target of a sum, floored.")]
    window: Annotated[str, Meta(description="`daily`, `weekly`, `monthly`, `lifetime`, `rolling`.")]
    filter: Annotated[
        dict[str, Any] | UnsetType,
        Meta(description="By property, operators that must all hold."),
    ] = UNSET


class Mission(Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    id: str
    title: str
    description: str
    criteria: Annotated[Criteria, Meta(description="Of the first objective.")]
    objectives: Annotated[
        list[Criteria] | UnsetType, Meta(description="All of them, where there are several.")
    ] = UNSET
    reward: Annotated[Reward | None, Meta(description="The first one.")]
    rewards: list[Reward]
    campaign_id: str | UnsetType = UNSET
    expires_at: Annotated[int | UnsetType, _MS] = UNSET
    icon_url: str | UnsetType = UNSET


Status: TypeAlias = Literal["locked", "active", "completed", "claimed"]


class Progress(Struct, frozen=True, rename="camel", gc=False):
    user_id: str
    mission_id: str
    status: Status
    progress: Annotated[float, Meta(ge=0, le=1)]
    current_count: Annotated[int, Meta(description="At most the target.")]
    target_count: int
    updated_at: Annotated[int, _MS]


class Missions(Struct, frozen=True, rename="camel", gc=False):
    missions: list[Mission]
    progress: Annotated[
        dict[str, Progress], Meta(description="Of those on this page that were ever touched.")
    ]
    next_cursor: Annotated[str | UnsetType, Meta(description="Only where there are more.")] = UNSET


class OneMission(Struct, frozen=True, gc=False):
    mission: Mission
    progress: Progress | None


class Balance(Struct, frozen=True, rename="camel", gc=False):
    user_id: str
    currency: str
    amount: int
    updated_at: Annotated[
        int, Meta(description="Since when, at the latest, the amount is this; 0 if it always was.")
    ]


class Balances(Struct, frozen=True, gc=False):
    balances: list[Balance]


class OneBalance(Struct, frozen=True, gc=False):
    balance: Balance


class Claimed(Struct, frozen=True, gc=False):
    progress: Progress
    balance: Annotated[
        Balance | None, Meta(description="After the claim, where the reward is a currency.")
    ]
    reward: Reward | None


class Theme(Struct, frozen=True, rename="camel", gc=False):
    primary_color: str


class Campaign(Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    id: str
    title: str
    description: str
    start_at: Annotated[int, _MS]
    end_at: Annotated[int, _MS]
    mission_ids: list[str]
    theme: Theme | UnsetType = UNSET
    banner_url: str | UnsetType = UNSET


class Campaigns(Struct, frozen=True, gc=False):
    campaigns: list[Campaign]


class OneCampaign(Struct, frozen=True, gc=False):
    campaign: Campaign
    missions: list[Mission] | UnsetType = UNSET
