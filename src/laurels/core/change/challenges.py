"""What can come of a challenge."""

from msgspec import Struct

from laurels.core.event import Instant
from laurels.core.number import Millionths
from laurels.core.rulebook import Reward


class ProgressMoved(Struct, frozen=True, omit_defaults=True, gc=False, tag="progress.moved"):
    """
    An objective's measure went from `before` to `after`, in millionths, uncapped.

    `quiet` moves change the state but are not reported: the objective, or its whole challenge, had
    been completed already. A distinct objective names the `value` that it had not seen before.
    `at` is the fact's own time. A move `aside` is in another window than the present one was when
    it was decided: whoever looks at the challenge does not see it.
    """

    challenge: str
    objective: str
    window: str
    before: Millionths
    after: Millionths
    target: Millionths
    quiet: bool = False
    value: str | None = None
    because: int = -1
    at: Instant = 0
    overall: tuple[int, int, Millionths] | None = None
    """Where there are several objectives: how many are met and are needed, and how far all are."""
    aside: bool = False


class ChallengeCompleted(
    Struct, frozen=True, omit_defaults=True, gc=False, tag="challenge.completed"
):
    """A challenge's needs are met, once per window. `at` is the completing fact's own time."""

    challenge: str
    window: str
    at: Instant
    because: int = -1


class ChallengeClaimed(Struct, frozen=True, omit_defaults=True, gc=False, tag="challenge.claimed"):
    """
    The rewards of a completed challenge were asked for, or paid at once.

    It says all that an answer to the claim tells, so that none ever needs the rulebook of that day.
    A quiet one came of asking again, and changes nothing.
    """

    challenge: str
    window: str
    at: Instant
    because: int = -1
    target: int = 0
    """What had to be reached, in whole units: of the one objective, else so many of several."""
    rewards: tuple[Reward, ...] = ()
    balance: int = -1
    """Of a quiet one: what is there to spend of the currency that the first reward paid."""
    quiet: bool = False


class CompletionLapsed(
    Struct, frozen=True, omit_defaults=True, gc=False, tag="challenge.completion_lapsed"
):
    """A completed window that nobody claimed was the oldest of too many; it pays nothing now."""

    challenge: str
    window: str
    at: Instant
    because: int = -1


class ChallengeMilestoneReached(
    Struct, frozen=True, omit_defaults=True, gc=False, tag="challenge.milestone"
):
    """A challenge's milestone was reached, once per window; its rewards follow."""

    challenge: str
    milestone: str
    window: str
    at: Instant
    because: int = -1


class ChallengeDroppedOff(
    Struct, frozen=True, omit_defaults=True, gc=False, tag="challenge.drop_off"
):
    """A challenge that was begun has not moved for long; told once for each standstill."""

    challenge: str
    window: str
    at: Instant
    because: int = -1


class Enrolled(Struct, frozen=True, omit_defaults=True, gc=False, tag="challenge.enrolled"):
    """A participant asked to take part in a challenge."""

    challenge: str
    at: Instant
    because: int = -1
