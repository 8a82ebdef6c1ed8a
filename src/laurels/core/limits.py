"""Every bound of the system, unit last. What happens at each is said beside it."""

from typing import Final

# What a caller may send. Past these the request, or its item, is refused.
BODY_BYTES_MAX: Final = 64 * 1024
BATCH_BODY_BYTES_MAX: Final = 4 * 1024 * 1024
JSON_DEPTH_MAX: Final = 64
"""How deep a body may nest; the body itself is 1."""
INGEST_BATCH_EVENTS_MAX: Final = 500
GAMIFY_BATCH_EVENTS_MAX: Final = 100
PARTICIPANT_ID_CHARS_MAX: Final = 255
KEY_CHARS_MAX: Final = 255
SOURCE_CHARS_MAX: Final = 255
INGEST_EVENT_NAME_CHARS_MAX: Final = 255
GAMIFY_EVENT_NAME_CHARS_MAX: Final = 100
QUESTKIT_EVENT_NAME_CHARS_MAX: Final = 5_000
PAGE_SIZE_MAX: Final = 100
PAGE_MAX: Final = 2**31 - 1

INSTANT_MIN_MS: Final = -2_208_988_800_000
"""1900-01-01T00:00:00Z."""
INSTANT_MAX_MS: Final = 253_370_764_799_999
"""9998-12-31T23:59:59.999Z: one year short of what a datetime holds, so that zones fit."""

# What a rule may read. A number outside is refused by name when a rule reads it.
NUMBER_MAX: Final = 9_000_000_000

# What one command may cause. Past these the event is parked, with no change at all.
FACTS_PER_COMMAND_MAX: Final = 100
STATE_BYTES_MAX: Final = 64 * 1024
AMOUNT_MAX: Final = 10**15
"""The largest single posting, and the largest balance: both stay exact in a JSON number."""
MEASURE_MAX: Final = NUMBER_MAX * 10**9
"""The largest sum of an objective, in millionths: within 64 bits. Past it the event is parked."""

TIERS_REMEMBERED_MAX: Final = 20
"""Earlier tiers of one participant that a read can tell of."""
TICKS_AT_ONCE_MAX: Final = 100
"""Moments of one participant settled before a command; the scheduler sees to the rest."""

PAUSE_DAYS_MAX: Final = 366
"""How long a streak may be paused."""

# What a rulebook may hold. Past these it is refused.
RULEBOOK_BYTES_MAX: Final = 1024 * 1024
RULES_MAX: Final = 10_000
FILTER_DEPTH_MAX: Final = 16

# What is kept, and for how long.
RECEIPT_LIFETIME_MS: Final = 24 * 60 * 60 * 1000
"""An idempotency key older than this may be used again."""
TIDY_INTERVAL_MS: Final = 1_000
"""How often the writer deletes a slice of the receipts that have expired."""
WINDOWS_LIVE_MAX: Final = 8
"""Windows of one challenge held in a participant's state; older ones fold away into rows."""

# What waits in the process. Past these the caller hears 503 and when to come back.
GATHERED_EVENTS_MAX: Final = 1_000
"""Events in one transaction; a single larger submission goes alone."""
WAITING_EVENTS_MAX: Final = 20_000
RECEIPTS_CACHED_MAX: Final = 20_000
RECEIPT_CACHED_BYTES_MAX: Final = 2_048
"""An event with larger properties is not cached; its replay is read from the store."""
STATES_CACHED_MAX: Final = 20_000
CALLERS_CACHED_MAX: Final = 10_000
RATE_LOGS_MAX: Final = 100_000
RANKINGS_LOADED_MAX: Final = 256
"""Past either, those that were not asked for longest are loaded again at their next question."""
RANKED_ENTRIES_MAX: Final = 2_000_000
"""Of all loaded rankings together, some 200 bytes each; a larger ranking is loaded alone."""
