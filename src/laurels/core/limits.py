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
TOKEN_BYTES_MAX: Final = 8192
"""The longest user id, every character of it escaped, still has a token."""
SIGNATURES_MAX: Final = 32
"""Signatures of one webhook that are tried; nobody sends more while changing a secret."""
INGEST_EVENT_NAME_CHARS_MAX: Final = 255
GAMIFY_EVENT_NAME_CHARS_MAX: Final = 100
QUESTKIT_EVENT_NAME_CHARS_MAX: Final = 5_000
WEBHOOK_BODY_BYTES_MAX: Final = 256 * 1024
WEBHOOK_ID_CHARS_MAX: Final = KEY_CHARS_MAX - len("evt_")
"""So that what we call the event fits into a key."""
CODES_MAX: Final = 10_000
"""Codes of a reward that one request may add."""
CODE_CHARS_MAX: Final = 255
PAGE_SIZE_MAX: Final = 100
TOP_MAX: Final = 100
"""Places of a leaderboard that one read may ask for."""
EACH_SIDE_MAX: Final = 25
"""Those above, and those below, a participant's own place."""
PAGE_MAX: Final = 2**31 - 1
ANALYTICS_DAYS_MAX: Final = 366
"""How long a time analytics may be asked for at once."""
ANALYTICS_DAYS_BY_HOUR_MAX: Final = 31
UNIQUE_EVENTS_MAX: Final = 1_000_000
"""Of so many events participants are counted, one by one; past it the request is refused."""
FIGURES_MAX: Final = 1_000
"""Rows of one answer; those with the fewest events are left out, and the answer says so."""

INSTANT_MIN_MS: Final = -2_208_988_800_000
"""1900-01-01T00:00:00Z."""
INSTANT_MAX_MS: Final = 253_370_764_799_999
"""9998-12-31T23:59:59.999Z: one year short of what a datetime holds, so that zones fit."""

# What a rule may read. A number outside is refused by name when a rule reads it.
NUMBER_MAX: Final = 9_000_000_000

# What one command may cause. Past these the event is parked, with no change at all.
FACTS_PER_COMMAND_MAX: Final = 100
STATE_BYTES_MAX: Final = 64 * 1024
ATTRIBUTES_BYTES_MAX: Final = 16 * 1024
"""They are read and written with the state, which must have room for everything else."""
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
RECEIPT_KEPT_MS: Final = RECEIPT_LIFETIME_MS + 60 * 60 * 1000
"""An hour longer, so that whatever waited for less finds each receipt that is good for it."""
LAG_MS_MAX: Final = 366 * 24 * 60 * 60 * 1000
"""An event that came later counts as so late: sums stay within 64 bits."""
WEBHOOK_BODY_LIFETIME_MS: Final = 30 * 24 * 60 * 60 * 1000
"""The body of a delivery that was processed or ignored is given up after that; its name is not."""
COMPLETIONS_OWED_MAX: Final = 31
"""Completed windows of one challenge that wait to be claimed; past these the oldest lapses."""
REVOCATIONS_READ_MAX: Final = 1_000
"""Revocations of others read in one step, and expired ones deleted; the next follows at once."""
CUTOFF_AHEAD_S_MAX: Final = 30
"""How many more times than once a second all tokens of one participant can be revoked."""
WINDOWS_LIVE_MAX: Final = 8
"""Windows of one challenge held in a participant's state; older ones fold away into rows."""

# What waits in the process. Past these the caller hears 503 and when to come back.
GATHERED_EVENTS_MAX: Final = 1_000
"""Events in one transaction; a single larger submission goes alone."""
WAITING_EVENTS_MAX: Final = 20_000
WEBHOOKS_WAITING_MAX: Final = 100
"""Deliveries, of 256 KiB at most, that wait to be written into the inbox."""
RECEIPTS_CACHED_MAX: Final = 20_000
RECEIPT_CACHED_BYTES_MAX: Final = 2_048
"""An event with larger properties is not cached; its replay is read from the store."""
RECEIPTS_SHARED_MAX: Final = 2**18
"""Places for receipts in Redis; a newer one takes the place of an older one, and a day ends all."""
RECEIPT_SHARED_BYTES_MAX: Final = 4_096
"""A larger one is not shared: its replay is read from the store."""
RECEIPTS_HEARD_MAX: Final = 200_000
"""Receipts of others that a process knows of; the replay of an older one is read from the store."""
RECEIPTS_TO_SHARE_MAX: Final = 20_000
"""Receipts that wait to be shared; those past it are not."""
STATES_CACHED_MAX: Final = 20_000
CALLERS_CACHED_MAX: Final = 10_000
REVOCATIONS_REMEMBERED_MAX: Final = 100_000
"""Revocations told of lately; past these, one that is read again is told again, to no harm."""
RATE_LOGS_MAX: Final = 100_000
RANKINGS_LOADED_MAX: Final = 256
"""Past either, those that were not asked for longest are loaded again at their next question."""
RANKED_ENTRIES_MAX: Final = 2_000_000
"""Of all loaded rankings together, some 200 bytes each; a larger ranking is loaded alone."""

# Streams.
STREAMS_MAX: Final = 20_000
"""Open in one process; past these, 503 and when to come back."""
STREAMS_OF_PARTICIPANT_MAX: Final = 20
"""Past these, 429."""
STREAM_MESSAGES_MAX: Final = 256
STREAM_BYTES_MAX: Final = 256 * 1024
"""What may wait for a reader who does not read; past either, the connection is cut off."""
FEED_AGE_MS_MAX: Final = 7 * 24 * 60 * 60 * 1000
FEED_NUMBERS_MAX: Final = 1_000_000
"""How far back a stream can be resumed; past either, it is told to begin anew."""
FEED_ENTRIES_READ_MAX: Final = 500
FEED_NUMBERS_READ_MAX: Final = 10_000
"""What one read of a feed returns, and what it looks through; the next read goes on."""

# Recommendations. Past these less is looked at, and a list is made anew at its next question.
RECOMMENDED_MAX: Final = 3
RECOMMENDATION_LIFETIME_MS: Final = 60 * 60 * 1000
RECOMMENDATIONS_CACHED_MAX: Final = 10_000
"""Lists, of one participant each, at a kilobyte or less."""
RECOMMENDATIONS_WAITING_MAX: Final = 1_000
"""Participants whose list waits to be renewed after a claim, or is asked about."""
LATEST_EVENTS_MAX: Final = 50
"""Of a participant, to see what they do."""
HABITS_LIFETIME_MS: Final = 10 * 60 * 1000
HABITS_CACHED_MAX: Final = 64
"""Tenants of which it is remembered what is completed after what."""
HABIT_ROWS_MAX: Final = 20_000
"""Journal rows that are looked through for that, the newest."""
HABIT_COMPLETIONS_MAX: Final = 20_000
HABIT_PAIRS_MAX: Final = 5_000
ADVICE_CHOICES_MAX: Final = 50
"""Open challenges that an adviser is shown: the best by our own ranking."""
ADVICE_NAME_CHARS_MAX: Final = 100
"""Of a title, or of an event's name, that an adviser is shown."""
