"""
How things are called in Redis, and which lane is whose.

What belongs to one lane has the lane in braces, so that a cluster keeps it together.
"""

from hashlib import blake2b
from typing import Final
from zlib import crc32

from laurels.core.event import Event
from laurels.engine.queue import LANES

WORKERS: Final = "{laurels}:workers"
INSTALLATION: Final = "{laurels}:installation"
CONSUMERS: Final = [f"lane-{lane}" for lane in range(LANES)]
"""The lane is its own only consumer, whoever reads for it."""
STREAMS: Final = [f"{{lane-{lane}}}:events" for lane in range(LANES)]
HOLDERS: Final = [f"{{lane-{lane}}}:holder" for lane in range(LANES)]
PARKED: Final = [f"{{lane-{lane}}}:parked" for lane in range(LANES)]
TRIES: Final = [f"{{lane-{lane}}}:tries" for lane in range(LANES)]
_CLAIMS: Final = [f"{{lane-{lane}}}:claim:".encode() for lane in range(LANES)]


def lane_of(event: Event) -> int:
    """Return the lane that all events of a participant wait in, in every version of ours."""
    return crc32(f"{event.tenant}\0{event.participant}".encode()) % LANES


def claim_of(event: Event, lane: int) -> bytes:
    """Return the name under which the key of an event waits."""
    whose = f"{event.tenant}\0{event.participant}\0{event.key}".encode()
    return _CLAIMS[lane] + blake2b(whose, digest_size=16).digest()


def claims_of(event: Event | None, lane: int) -> list[bytes]:
    """Return the claim of an entry, if it has a key, and if it lies where its event belongs."""
    if event is None or event.key is None or lane_of(event) != lane:
        return []
    return [claim_of(event, lane)]
