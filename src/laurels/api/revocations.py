"""Revoking tokens, and hearing of it: at once in this process, within a second of any other's."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeAlias

from laurels.api.token import Claims
from laurels.core.errors import Unauthorized, Unavailable
from laurels.core.event import Instant, ParticipantId, TenantId
from laurels.core.limits import REVOCATIONS_READ_MAX, REVOCATIONS_REMEMBERED_MAX
from laurels.engine.denylist import Denylist, Revocation
from laurels.engine.ports import Clock

log: Final = logging.getLogger("laurels.api")

LOOK_S: Final = 0.5
BREATH_S: Final = 0.02
"""How long a look is put off behind the last one, however often others wake us."""
OVERLAP_MS: Final = 10_000
"""How late a revocation may be seen behind its own date: slow commits, clocks that differ."""
FORGET_INTERVAL_MS: Final = 60_000
FORGET_AFTER_MS: Final = 60_000
"""An expired token is refused by whoever's clock; only then is its revocation needed no longer."""

Listener: TypeAlias = Callable[[TenantId, str | None, ParticipantId | None, int | None], None]
"""Called with the tenant, and a token's id, or a participant and the cut-off in seconds."""


class Revocations:
    """
    Tells its listeners, on the event loop, of each revocation once, whoever it comes from.

    No request waits for it: whoever remembers that a token is good listens, and forgets. `tell`
    lets other processes know that it is worth looking; what they miss, they find by looking anyway.
    """

    def __init__(
        self, denylist: Denylist, clock: Clock, tell: Callable[[], None] | None = None
    ) -> None:
        self._denylist = denylist
        self._clock = clock
        self._tell_others = tell
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken = asyncio.Event()
        self._listeners: list[Listener] = []
        self._told: dict[Revocation, None] = {}
        self._looked_at = self._forgot_at = clock.now()
        self.count = 0
        """How many were told of. Read before and after asking, it says whether one came between."""

    def subscribe(self, listener: Listener) -> None:
        self._listeners.append(listener)

    async def revoke_token(
        self, tenant: TenantId, token_id: str, expires_at: Instant | None = None
    ) -> None:
        """Revoke one token. A token of the same id in another tenant is another token."""
        now = self._clock.now()
        self._revoked(
            await asyncio.to_thread(
                self._denylist.revoke_token, tenant, token_id, at=now, expires_at=expires_at
            )
        )

    async def revoke_participant(self, tenant: TenantId, participant: ParticipantId) -> None:
        """Revoke all tokens that a participant has by now."""
        now = self._clock.now()
        self._revoked(
            await asyncio.to_thread(self._denylist.revoke_participant, tenant, participant, at=now)
        )

    async def check(self, claims: Claims) -> None:
        """Raise Unauthorized for the claims of a token that was revoked."""
        if await asyncio.to_thread(
            self._denylist.is_revoked,
            claims.tenant,
            claims.token_id,
            claims.participant,
            issued_at_s=claims.issued_at_s,
        ):
            raise Unauthorized("The token was revoked.")

    async def cutoff_s(self, tenant: TenantId, participant: ParticipantId) -> int:
        """Return the second behind which a new token must be dated to be good."""
        found = await asyncio.to_thread(self._denylist.cutoff_s, tenant, participant)
        return 0 if found is None else found

    def wake(self) -> None:
        """Hear, on any thread, that another process revoked something."""
        if self._loop is not None:
            with suppress(RuntimeError):  # The loop has ended, and with it whoever listened.
                self._loop.call_soon_threadsafe(self._woken.set)

    async def run(self) -> None:
        """Go on until cancelled."""
        self._loop = asyncio.get_running_loop()
        while True:
            self._woken.clear()
            try:
                await self.look()
                await self._forget()
            except Unavailable as refusal:
                log.warning("revoked tokens cannot be read: %s", refusal)
            except Exception:
                log.exception("the look for revoked tokens stumbled, and goes on")
            await asyncio.sleep(BREATH_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S - BREATH_S):
                    await self._woken.wait()

    async def look(self) -> None:
        """Tell of all that was revoked since the last look, and a little before that."""
        now = self._clock.now()
        since = min(now, self._looked_at) - OVERLAP_MS
        last: Revocation | None = None
        while True:
            page = await asyncio.to_thread(
                self._denylist.revoked_since, since, after=last, count=REVOCATIONS_READ_MAX
            )
            for last in page:
                self._tell(last)
            if len(page) < REVOCATIONS_READ_MAX:
                break
        self._looked_at = now
        self._told = {known: None for known in self._told if known.at >= now - 2 * OVERLAP_MS}

    async def _forget(self) -> None:
        now = self._clock.now()
        if abs(now - self._forgot_at) >= FORGET_INTERVAL_MS:
            before = now - FORGET_AFTER_MS
            count = REVOCATIONS_READ_MAX
            gone = await asyncio.to_thread(self._denylist.forget_revocations, before, count=count)
            if gone < count:  # Else the next look goes on.
                self._forgot_at = now

    def _revoked(self, revocation: Revocation) -> None:
        self._tell(revocation)
        if self._tell_others is not None:
            self._tell_others()

    def _tell(self, revocation: Revocation) -> None:
        if revocation in self._told:
            return
        if len(self._told) >= REVOCATIONS_REMEMBERED_MAX:
            del self._told[next(iter(self._told))]
        self._told[revocation] = None
        self.count += 1
        for listener in self._listeners:
            try:
                listener(
                    revocation.tenant,
                    revocation.token_id,
                    revocation.participant,
                    revocation.cutoff_s,
                )
            except Exception:
                log.exception("a listener could not be told of a revocation")
