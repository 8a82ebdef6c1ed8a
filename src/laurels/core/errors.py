"""
Every refusal, drawn as a tree. A docstring is the default message; `field` and `fix` add the rest.

LaurelsError
├── Refusal                      the caller can do something about it; nothing was kept
│   ├── Unauthorized             who are you?
│   │   ├── InvalidCredentials
│   │   ├── InvalidSignature     a webhook's does not fit its body and our secret
│   │   └── SignatureExpired
│   ├── Forbidden                we know you, and no
│   │   ├── TenantDisabled
│   │   ├── TenantMismatch
│   │   ├── ScopeMissing
│   │   ├── UserMismatch
│   │   └── NotDemoUser
│   ├── MalformedBody            not JSON at all
│   ├── InvalidBody              JSON, but not of the right shape
│   │   └── NumberOutOfRange
│   ├── MalformedSignature       a webhook's header does not have the form it must have
│   ├── InvalidDelivery          a webhook's body is not what its source sends
│   ├── BodyTooLarge
│   ├── InvalidQuery
│   ├── IdempotencyKeyInvalid
│   ├── IdempotencyKeyMismatch
│   ├── InvalidCommand           of the right shape, and still it cannot be
│   ├── NotFound
│   │   └── UnknownName
│   │       ├── UnknownChallenge
│   │       ├── UnknownCampaign
│   │       └── UnknownCurrency
│   ├── MethodNotAllowed
│   ├── ConnectionShared         a stream needs one of its own
│   ├── ClaimNotReady
│   ├── ChallengeLocked
│   ├── WouldOverdraw
│   ├── OutOfStock
│   ├── ClaimLimitReached
│   ├── NotOpen                  not yet, or no longer
│   ├── NothingToFreeze
│   ├── NoFreezeLeft
│   ├── FreezesFull
│   ├── RateLimited
│   │   └── ParticipantRateLimited
│   ├── Unavailable              the store cannot be asked, or too much is waiting
│   └── RulebookRefused
└── LimitMet                     met while deciding: the event is parked with this as its reason
    ├── ChainTooLong
    ├── StateTooLarge
    └── AmountTooLarge
"""

from typing import Final, Literal, NamedTuple, TypeAlias

DeliveryPart: TypeAlias = Literal["body", "id", "type", "time", "subject"]

_PARTS: Final[dict[DeliveryPart, str]] = {
    "body": "The body must be an object.",
    "id": "The delivery's id must be text of 1 to 251 characters.",
    "type": "The delivery's type must be text of 1 to 5,000 characters.",
    "time": "The delivery's time must be seconds since 1970, within the years 1900 to 9998.",
    "subject": "What the delivery is about must be an object.",
}


class Problem(NamedTuple):
    """One thing wrong with an input: where it stands, and what to do about it."""

    path: str
    message: str
    line: int | None = None

    def __str__(self) -> str:
        where = f"line {self.line}, {self.path}" if self.line else self.path
        return f"{where}: {self.message}"


class LaurelsError(Exception):
    """Something went wrong."""

    def __init__(self, message: str | None = None) -> None:
        self.message = message or (type(self).__doc__ or "").strip()
        super().__init__(self.message)


class Refusal(LaurelsError):
    """The request was refused and nothing was kept."""


class Unauthorized(Refusal):
    """No valid credentials were sent."""


class InvalidCredentials(Unauthorized):
    """The app id and secret do not belong together."""


class InvalidSignature(Unauthorized):
    """The signature does not match the body and the source's secret, or the source is unknown."""


class SignatureExpired(Unauthorized):
    """The signature's time is more than 300 seconds in the past or in the future."""


class Forbidden(Refusal):
    """The caller may not do that."""


class TenantDisabled(Forbidden):
    """The tenant is disabled."""


class TenantMismatch(Forbidden):
    """The request names a tenant other than the key's."""


class ScopeMissing(Forbidden):
    """The key does not have the scope that this route asks for."""


class UserMismatch(Forbidden):
    """A token can only speak for its own participant."""


class NotDemoUser(Forbidden):
    """Only demo accounts can be reset."""


class MalformedBody(Refusal):
    """The body is not JSON."""


class InvalidBody(Refusal):
    """The body does not have the shape that this route asks for."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("; ".join(map(str, problems)) or None)


class NumberOutOfRange(InvalidBody):
    """A rule reads a number that lies outside ±9,000,000,000."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.message = self.message or "A rule reads a number outside ±9,000,000,000."


class MalformedSignature(Refusal):
    """A signature header is missing or malformed."""


class InvalidDelivery(Refusal):
    """The delivery is JSON, but not in the shape that its source sends."""

    def __init__(self, part: DeliveryPart = "body") -> None:
        self.part: DeliveryPart = part
        super().__init__(_PARTS[part])


class BodyTooLarge(Refusal):
    """The body is larger than this route accepts."""


class InvalidQuery(Refusal):
    """A query parameter does not have the shape that this route asks for."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("; ".join(map(str, problems)) or None)


class IdempotencyKeyInvalid(Refusal):
    """An idempotency key must be 1 to 255 of the characters A-Z a-z 0-9 _ - : and ."""


class IdempotencyKeyMismatch(Refusal):
    """The request has two idempotency keys, and they differ."""


class NotFound(Refusal):
    """There is nothing at this path."""


class InvalidCommand(Refusal):
    """The request cannot be carried out."""


class UnknownName(NotFound):
    """The rulebook has nothing by that name."""


class UnknownChallenge(UnknownName):
    """The rulebook has no such challenge."""


class UnknownCampaign(UnknownName):
    """The rulebook has no such campaign."""


class UnknownCurrency(UnknownName):
    """The rulebook has no such currency."""


class MethodNotAllowed(Refusal):
    """The path does not accept that method."""


class ConnectionShared(Refusal):
    """A stream needs a connection of its own; another request is waiting on this one."""


class ClaimNotReady(Refusal):
    """The challenge is not completed, so there is nothing to claim yet."""


class ChallengeLocked(Refusal):
    """The challenge is locked: others have to be completed first, or it may not be repeated."""


class WouldOverdraw(Refusal):
    """The balance is smaller than the amount."""

    def __init__(self, *, available: int = 0, required: int = 0) -> None:
        self.available = available
        self.required = required
        super().__init__(f"The balance is too small: available {available}, requested {required}.")


class OutOfStock(Refusal):
    """The reward is out of stock."""


class ClaimLimitReached(Refusal):
    """The participant has claimed the reward as often as is allowed."""


class NotOpen(Refusal):
    """The reward cannot be claimed now: it is not available yet, or no longer."""


class NothingToFreeze(Refusal):
    """No period of the streak is in danger, so there is nothing to freeze."""


class NoFreezeLeft(Refusal):
    """The participant has no freeze left for this streak."""


class FreezesFull(Refusal):
    """The participant has as many freezes as the streak allows."""


class RateLimited(Refusal):
    """Too many requests; wait and try again."""

    def __init__(self, retry_after_ms: int) -> None:
        self.retry_after_ms = retry_after_ms
        super().__init__()


class ParticipantRateLimited(RateLimited):
    """Too many writes for this participant; wait and try again."""


class Unavailable(Refusal):
    """The server cannot take this now; try again."""

    def __init__(self, message: str | None = None, *, retry_after_ms: int = 1000) -> None:
        self.retry_after_ms = retry_after_ms
        super().__init__(message)


class RulebookRefused(Refusal):
    """The rulebook cannot be applied; the old one stays in force."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("\n".join(map(str, problems)) or None)


class LimitMet(LaurelsError):
    """A limit was reached while deciding; the event is parked and changed nothing."""


class ChainTooLong(LimitMet):
    """One event led to more facts than are allowed; some rules may feed each other in a circle."""


class StateTooLarge(LimitMet):
    """The participant's state would outgrow its limit; a distinct objective may be too broad."""


class AmountTooLarge(LimitMet):
    """A posting, a balance or a sum would exceed the largest amount allowed."""
