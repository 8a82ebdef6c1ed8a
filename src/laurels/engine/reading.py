"""What a participant is shown: the stored state with everything settled that is due by now."""

from laurels.core.event import Instant, ParticipantId, TenantId
from laurels.core.rules.chain import Occasion
from laurels.core.timer import settle_all
from laurels.engine.answers import Met
from laurels.engine.ports import Queries


def read(queries: Queries, tenant: TenantId, participant: ParticipantId, now: Instant) -> Met:
    """Return a participant as of `now`. Nothing is recorded: the next command settles for good."""
    met = queries.participant(tenant, participant)
    settle_all(met.rulebook, met.state, Occasion(participant, now))
    return met
