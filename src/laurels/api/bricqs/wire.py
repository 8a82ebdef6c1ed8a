"""
Bodies and replies of `/api/v1`, as they travel.

Two editions of the ingest pages name the same fields differently; both names are known everywhere.
"""

from typing import Annotated, Any, Final, Literal, TypeAlias

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from laurels.core import limits

ParticipantId: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=limits.PARTICIPANT_ID_CHARS_MAX,
        description="Your own id of who did it. Whoever is new is welcome.",
    ),
]
IngestName: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=limits.INGEST_EVENT_NAME_CHARS_MAX)
]
GamifyName: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=limits.GAMIFY_EVENT_NAME_CHARS_MAX)
]
Key: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=limits.KEY_CHARS_MAX,
        description="The same key within 24 hours is the same request, counted once.",
    ),
]
Code: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=255, description="The id that it has in the rulebook.")
]
Reason: TypeAlias = Annotated[str, Meta(max_length=500)]
Source: TypeAlias = Annotated[
    str, Meta(max_length=limits.SOURCE_CHARS_MAX, description="The service that reports it.")
]
Time: TypeAlias = Annotated[
    str,
    Meta(
        description="When it happened: RFC 3339, UTC where no offset is given. Default: now.",
        extra_json_schema={"format": "date-time"},
    ),
]
Properties: TypeAlias = Annotated[dict[str, Any], Meta(description="Whatever the rules may read.")]


class IngestEvent(Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """
    Something a participant did.

    `event_type`, `attributes` and `occurred_at` are other names of `event_name`, `properties` and
    `timestamp`; where both are sent they must agree.
    """

    participant_id: ParticipantId
    event_name: IngestName | None = None
    event_type: IngestName | None = None
    properties: Properties | None = None
    attributes: Properties | None = None
    timestamp: Time | None = None
    occurred_at: Time | None = None
    idempotency_key: Key | None = None
    source: Source | None = None


class GamifyEvent(Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """
    Something a participant did.

    `event_type`, `attributes` and `occurred_at` are other names of `event_name`, `properties` and
    `timestamp`; where both are sent they must agree.
    """

    participant_id: ParticipantId
    event_name: GamifyName | None = None
    event_type: GamifyName | None = None
    properties: Properties | UnsetType = UNSET
    attributes: Properties | None = None
    timestamp: Time | None = None
    occurred_at: Time | None = None
    idempotency_key: Key | None = None
    source: Source | None = None


class About(Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """Whatever is about one participant."""

    participant_id: ParticipantId


class Keyed(About, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """The same, under a key: `Idempotency-Key` may carry it instead."""

    idempotency_key: Key | None = None


EventBody: TypeAlias = IngestEvent | GamifyEvent

_NAMED: Final = Meta(
    extra_json_schema={"anyOf": [{"required": ["event_name"]}, {"required": ["event_type"]}]}
)
NamedIngestEvent: TypeAlias = Annotated[IngestEvent, _NAMED]
NamedGamifyEvent: TypeAlias = Annotated[GamifyEvent, _NAMED]


class IngestBatch(Struct, frozen=True, forbid_unknown_fields=True):
    """Up to 500 events, each judged on its own."""

    events: Annotated[
        list[NamedIngestEvent], Meta(min_length=1, max_length=limits.INGEST_BATCH_EVENTS_MAX)
    ]


class GamifyBatch(Struct, frozen=True, forbid_unknown_fields=True):
    """Up to 100 events. One that does not have the right shape sinks them all."""

    events: Annotated[
        list[NamedGamifyEvent], Meta(min_length=1, max_length=limits.GAMIFY_BATCH_EVENTS_MAX)
    ]


class Texts(Struct, gc=False):
    """The free-form part of an event as it was sent, where numbers still have all their digits."""

    properties: Raw = Raw()
    attributes: Raw = Raw()


class BatchTexts(Struct):
    events: list[Texts]


class Items(Struct):
    """The events of a batch, unread."""

    events: list[Raw]


class Accepted(Struct, frozen=True, gc=False):
    """The event is kept, and will be counted exactly once."""

    accepted: Literal[True]
    message_id: str
    event_id: str
    duplicate: bool
    warnings: list[str]


class BatchRow(Struct, frozen=True, gc=False, kw_only=True):
    """What became of one event of a batch. Ids are null unless it was accepted."""

    index: int
    idempotency_key: str | None
    event_id: str | None = None
    message_id: str | None = None
    duplicate: bool = False
    status: Literal["accepted", "duplicate", "rejected"]
    error: str | UnsetType = UNSET
    warnings: list[str]


class BatchAccepted(Struct, frozen=True):
    """One row an event, in the order they were sent."""

    accepted: int
    rejected: int
    duplicates: int
    message_ids: list[str]
    results: list[BatchRow]


class ObjectiveMove(Struct, frozen=True, gc=False, rename={"before": "from", "after": "to"}):
    """How far an objective came. Counts never go past the target."""

    challenge_id: str
    objective_id: str
    before: int | float
    after: int | float
    completed: bool


class BadgeEarned(Struct, frozen=True, gc=False):
    badge_code: str
    badge_name: str
    earned_at: str


class TierMove(
    Struct, frozen=True, gc=False, kw_only=True, rename={"before": "from", "after": "to"}
):
    """From one tier to another. A tier that was lost leaves null."""

    before: str | None
    after: str | None
    code: str | None
    name: str | None
    level: int
    previous_code: str | None
    previous_level: int


class ScoreDelta(Struct, frozen=True, gc=False):
    """What the event moved a contest's score by, and the rank it came to."""

    contest_id: str
    delta: int | float
    new_rank: int | None


class Results(Struct, frozen=True, kw_only=True):
    """What the event led to. Points are of the first currency."""

    points_granted: int = 0
    tier_changed: TierMove | None = None
    challenge_progress: list[ObjectiveMove] = []
    badges_earned: list[BadgeEarned] = []
    contest_score_delta: list[ScoreDelta] = []


class Outcome(Struct, frozen=True, kw_only=True):
    """
    What the event led to.

    Of a duplicate nothing new came: `results` is empty, and what came of it the first time stands
    in `original_results`.
    """

    event_id: str
    fact_id: str
    fact_type: str
    processed_at: str
    duplicate: bool
    results: Results
    original_results: Results | UnsetType = UNSET
    warnings: list[str]


class PointsGranted(Struct, frozen=True, tag_field="type", tag="points", gc=False):
    amount: int
    currency: str
    rule: str


class BadgeGranted(Struct, frozen=True, tag_field="type", tag="badge", gc=False):
    badge_code: str
    badge_name: str


class RewardGranted(Struct, frozen=True, tag_field="type", tag="reward", gc=False):
    """An item, or one of the catalogue: that has a claim, and waits for the participant."""

    reward_id: str
    quantity: int
    claim_id: str | UnsetType = UNSET
    reward_name: str | UnsetType = UNSET


class FreezesGranted(Struct, frozen=True, tag_field="type", tag="freeze", gc=False):
    """Freezes of a streak, each of which forgives a missed period."""

    streak_code: str
    quantity: int


Granted: TypeAlias = PointsGranted | BadgeGranted | RewardGranted | FreezesGranted


class Emitted(Struct, frozen=True, kw_only=True):
    """What the event led to. Its ids are null when `status` is `error`, and `error` says why."""

    event_id: str | None = None
    fact_id: str | None = None
    status: Literal["processed", "error"] = "processed"
    rewards_granted: list[Granted] = []
    error: str | UnsetType = UNSET


class BatchEmitted(Struct, frozen=True):
    """One result an event, in the order they were sent."""

    processed: int
    failed: int
    results: list[Emitted]


class HistoryEvent(Struct, frozen=True, gc=False):
    id: str
    event_name: str
    properties: Annotated[Raw, Meta(extra_json_schema={"type": "object"})]
    occurred_at: str


class HistoryPage(Struct, frozen=True):
    """Newest first."""

    participant_id: str
    events: list[HistoryEvent]
    total: int
    page: int
    page_size: int


class Fault(Struct, frozen=True, gc=False):
    """One thing that is wrong, and where it stands."""

    path: str
    message: str


class ErrorBody(Struct, frozen=True):
    """
    Why not, for a person in `detail` and for a program in `code`.

    `error` is `code` in lower case. Too few points also tell how many there are and are asked for.
    """

    detail: str
    code: str
    error: str
    errors: list[Fault]
    available: int | UnsetType = UNSET
    required: int | UnsetType = UNSET
