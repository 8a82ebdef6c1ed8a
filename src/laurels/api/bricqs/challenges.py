"""Challenges: who takes part, and the claims of what was completed."""

from typing import Final

from laurels.api import instant
from laurels.api.body import Shape
from laurels.api.bricqs import docs
from laurels.api.bricqs import wire_challenges as wire
from laurels.api.bricqs.desk import Desk, answer
from laurels.api.bricqs.docs import Told, in_path, route, writes
from laurels.api.bricqs.translate import to_granted
from laurels.api.exchange import Reply, Request
from laurels.api.query import path_part
from laurels.api.route import Route
from laurels.core.change import ChallengeClaimed, Enrolled
from laurels.core.command import Claim, Enrol
from laurels.core.event import Instant
from laurels.core.number import plain
from laurels.core.section import ENROLLED
from laurels.engine.answers import Met
from laurels.engine.pictures import ChallengePicture, ObjectivePicture, challenges_of

TAG: Final = "Bricqs challenges"

_enrol: Final = Shape(wire.EnrolBody)
_claim: Final = Shape(wire.ChallengeClaimBody)


class Challenges:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def post_enrol(self, request: Request) -> Reply:
        challenge = path_part(request, "challenge_id")
        _, asked = await self._desk.take(request, _enrol)
        receipt = await self._desk.submit(Enrol(**asked.stamp(), challenge=challenge))
        enrolled = next((each for each in receipt.changes if isinstance(each, Enrolled)), None)
        if enrolled is None:
            met = await self._desk.read(asked.tenant, asked.participant)
            at = met.state.read(ENROLLED, challenge) or receipt.recorded_at
        else:
            at = enrolled.at
        text = instant.to_text(at)
        return answer(wire.Enrolled(asked.participant, challenge, text, enrolled is None))

    async def post_claim(self, request: Request) -> Reply:
        challenge = path_part(request, "challenge_id")
        _, asked = await self._desk.take(request, _claim)
        receipt = await self._desk.submit(Claim(**asked.stamp(), challenge=challenge))
        if receipt.is_paid_now:
            self._desk.edge.recommender.claimed(asked.tenant, asked.participant)
        claimed = next(each for each in receipt.changes if isinstance(each, ChallengeClaimed))
        return answer(
            wire.ChallengeClaimed(
                participant_id=asked.participant,
                challenge_id=challenge,
                claimed_at=instant.to_text(claimed.at),
                already_claimed=claimed.quiet,
                rewards_granted=list(to_granted(receipt.changes)),
            ),
            receipt,
        )


def to_challenges(met: Met, now: Instant) -> list[wire.Challenge]:
    return [to_challenge(picture) for picture in challenges_of(met, now)]


def to_challenge(picture: ChallengePicture) -> wire.Challenge:
    return wire.Challenge(
        id=picture.challenge.id,
        title=picture.challenge.title,
        status=picture.status,
        window=picture.window,
        progress=[_to_objective(each) for each in picture.objectives],
        ends_at=instant.to_text_if(picture.ends_at),
        enrolled_at=instant.to_text_if(picture.enrolled_at),
        completed_at=instant.to_text_if(picture.completed_at),
        claimed_at=instant.to_text_if(picture.claimed_at),
        times_completed=picture.times_completed,
    )


def _to_objective(picture: ObjectivePicture) -> wire.Objective:
    target = picture.objective.target
    return wire.Objective(
        objective_id=picture.objective.id,
        current=plain(min(picture.measure, target)),
        target=plain(target),
        completed=picture.is_met,
    )


_ID: Final = in_path("challenge_id", "Its id in the rulebook.")

ENROL: Final = writes(
    Told(
        id="enrol",
        tag=TAG,
        summary="Take part in a challenge",
        about=(
            "For challenges that ask for it. To enrol again while the first time lasts changes "
            "nothing, and tells when that was. So no key is needed, and none is read."
        ),
        reply=wire.Enrolled,
        shows={
            "participant_id": "user_123",
            "challenge_id": "fitness",
            "enrolled_at": docs.TIME,
            "already_enrolled": False,
        },
        parameters=(_ID,),
        refusals={
            **docs.UNKNOWN,
            409: docs.error("`challenge_locked`: others come first, or it was done often enough."),
        },
    ),
    wire.EnrolBody,
    {"participant_id": "user_123"},
)
CLAIM: Final = writes(
    Told(
        id="claimChallenge",
        tag=TAG,
        summary="Claim what a completed challenge pays",
        about="The oldest window that is completed and unclaimed is paid.",
        reply=wire.ChallengeClaimed,
        shows={
            "participant_id": "user_123",
            "challenge_id": "fitness",
            "claimed_at": docs.TIME,
            "already_claimed": False,
            "rewards_granted": [
                {"type": "points", "amount": 100, "currency": "points", "rule": "fitness"}
            ],
        },
        parameters=(_ID,),
        refusals={
            **docs.UNKNOWN,
            409: docs.error("`claim_not_ready`: nothing is completed and unclaimed."),
        },
    ),
    wire.ChallengeClaimBody,
    {"participant_id": "user_123"},
)


def routes(desk: Desk) -> list[Route]:
    challenges = Challenges(desk)
    base = f"{docs.BASE}/challenges/{{challenge_id}}"
    return [
        route("POST", f"{base}/enrol", challenges.post_enrol, ENROL),
        route("POST", f"{base}/claim", challenges.post_claim, CLAIM),
    ]
