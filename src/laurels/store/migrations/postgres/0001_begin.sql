-- The first schema: what the embedded store has after its migration 0009. Every table about a
-- tenant's data begins its key with the tenant, and with the participant where it has one, so that
-- the same keys can be spread over many machines. Texts that are compared or sorted are COLLATE "C":
-- the order of their bytes, everywhere.

CREATE TABLE tenants (
    name       TEXT     COLLATE "C" NOT NULL PRIMARY KEY,
    disabled   SMALLINT NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
    created_at BIGINT   NOT NULL
);

CREATE TABLE apps (
    id            TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    tenant        TEXT   COLLATE "C" NOT NULL,
    secret_digest BYTEA  NOT NULL,
    created_at    BIGINT NOT NULL
);

CREATE TABLE api_keys (
    digest     BYTEA    NOT NULL PRIMARY KEY,  -- SHA-256 of the key; the key itself is never kept
    id         TEXT     COLLATE "C" NOT NULL UNIQUE,
    tenant     TEXT     COLLATE "C" NOT NULL,
    scopes     TEXT     NOT NULL,              -- separated by spaces
    hint       TEXT     NOT NULL,              -- how the key begins
    expires_at BIGINT,
    revoked    SMALLINT NOT NULL DEFAULT 0 CHECK (revoked IN (0, 1)),
    created_at BIGINT   NOT NULL
);

CREATE TABLE rulebooks (
    tenant     TEXT   COLLATE "C" NOT NULL,
    version    BIGINT NOT NULL CHECK (version > 0),
    currency   TEXT   NOT NULL,                -- the first one: what a reply calls points
    source     TEXT   NOT NULL,                -- as it was applied
    applied_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, version)
);

CREATE TABLE heads (
    tenant TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL CHECK (number >= 0) -- of the newest journal row
) WITH (fillfactor = 10);                      -- one row that every commit writes anew

CREATE TABLE participants (
    tenant TEXT   COLLATE "C" NOT NULL,
    id     TEXT   COLLATE "C" NOT NULL,
    state  TEXT   NOT NULL,                    -- one JSON value; balances are in it
    due_at BIGINT,                             -- when something must be settled, if ever
    PRIMARY KEY (tenant, id)
) WITH (fillfactor = 70);                      -- room beside each row for its next version

CREATE INDEX participants_due ON participants (tenant, due_at) WHERE due_at IS NOT NULL;

CREATE TABLE windows (                         -- finished windows, folded away from the state
    tenant      TEXT COLLATE "C" NOT NULL,
    participant TEXT COLLATE "C" NOT NULL,
    challenge   TEXT COLLATE "C" NOT NULL,
    "window"    TEXT COLLATE "C" NOT NULL,
    progress    TEXT NOT NULL,
    PRIMARY KEY (tenant, participant, challenge, "window")
);

CREATE TABLE events (
    tenant      TEXT   COLLATE "C" NOT NULL,
    id          TEXT   COLLATE "C" NOT NULL,   -- a ULID, unique for ever
    participant TEXT   COLLATE "C" NOT NULL,
    name        TEXT   COLLATE "C" NOT NULL,
    properties  TEXT   NOT NULL,               -- as they were sent
    occurred_at BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    key         TEXT,
    source      TEXT,
    status      TEXT   NOT NULL CHECK (status IN ('processed', 'parked')),
    PRIMARY KEY (tenant, id)
);

CREATE INDEX events_of_participant ON events (tenant, participant, occurred_at);

CREATE TABLE journal (
    tenant      TEXT   COLLATE "C" NOT NULL,
    number      BIGINT NOT NULL CHECK (number > 0),  -- per tenant, without gaps
    command     TEXT   COLLATE "C" NOT NULL,   -- the id of the event or claim
    operation   TEXT   COLLATE "C" NOT NULL,   -- 'event', or 'claim:' and the challenge
    participant TEXT   COLLATE "C" NOT NULL,
    version     BIGINT NOT NULL,               -- of the rulebook that judged it
    recorded_at BIGINT NOT NULL,
    changes     TEXT   NOT NULL,
    before      TEXT,                          -- the participant's command before this one that
                                               -- made postings, where this one did
    content     TEXT,                          -- what a command that is no event asked for
    PRIMARY KEY (tenant, number)
);

CREATE UNIQUE INDEX journal_of_command ON journal (tenant, command);

CREATE TABLE receipts (
    tenant      TEXT   COLLATE "C" NOT NULL,
    participant TEXT   COLLATE "C" NOT NULL,
    operation   TEXT   COLLATE "C" NOT NULL,
    key         BYTEA  NOT NULL CHECK (length(key) = 16),
    received_at BIGINT NOT NULL,
    number      BIGINT NOT NULL,               -- the journal row that holds the answer
    PRIMARY KEY (tenant, participant, operation, key)
);

CREATE TABLE postings (
    tenant   TEXT   COLLATE "C" NOT NULL,
    number   BIGINT NOT NULL,                  -- of the journal row that made it
    position BIGINT NOT NULL,                  -- among the changes of that row
    source   TEXT   COLLATE "C" NOT NULL,
    target   TEXT   COLLATE "C" NOT NULL,
    currency TEXT   COLLATE "C" NOT NULL,
    amount   BIGINT NOT NULL CHECK (amount > 0),
    rule     TEXT   NOT NULL,
    PRIMARY KEY (tenant, number, position),
    CHECK (source <> target)
);

CREATE TABLE standings (
    tenant      TEXT   COLLATE "C" NOT NULL,
    board       TEXT   COLLATE "C" NOT NULL,   -- the board or contest
    "window"    TEXT   COLLATE "C" NOT NULL,   -- empty for a contest
    participant TEXT   COLLATE "C" NOT NULL,
    segment     TEXT   COLLATE "C",            -- the part of the board, if it has parts
    score       BIGINT NOT NULL,               -- in millionths, weighed
    reached_at  BIGINT NOT NULL,               -- decides ties
    PRIMARY KEY (tenant, board, "window", participant)
) WITH (fillfactor = 70);

-- A text may be longer than what fits into an index, so that its digest stands there for it. Only
-- like this is PostgreSQL sure that the bytes of a text, and so its digest, never change.
CREATE INDEX standings_of_segment ON standings
       (tenant, board, "window", sha256(decode(replace(segment, '\', '\\'), 'escape')))
 WHERE segment IS NOT NULL;

CREATE TABLE snapshots (
    tenant   TEXT     COLLATE "C" NOT NULL,
    board    TEXT     COLLATE "C" NOT NULL,
    "window" TEXT     COLLATE "C" NOT NULL,
    segment  TEXT     COLLATE "C" NOT NULL,    -- empty for all of the board
    day      BIGINT   NOT NULL,
    ranks    TEXT     NOT NULL,                -- JSON: of the best, by participant
    has_more SMALLINT NOT NULL CHECK (has_more IN (0, 1)),
    PRIMARY KEY (tenant, board, "window", segment, day)
);

CREATE TABLE pools (                           -- what all participants take from
    tenant   TEXT   COLLATE "C" NOT NULL,
    reward   TEXT   COLLATE "C" NOT NULL,
    taken    BIGINT NOT NULL CHECK (taken >= 0),
    returned BIGINT NOT NULL CHECK (returned >= 0 AND returned <= taken),
    PRIMARY KEY (tenant, reward)
) WITH (fillfactor = 50);

CREATE TABLE codes (
    tenant      TEXT   COLLATE "C" NOT NULL,
    reward      TEXT   COLLATE "C" NOT NULL,
    number      BIGINT NOT NULL CHECK (number > 0),  -- given out in this order
    code        TEXT   COLLATE "C" NOT NULL,
    uploaded_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, reward, number),
    UNIQUE (tenant, reward, code)
);

CREATE TABLE claims (
    tenant      TEXT     COLLATE "C" NOT NULL,
    participant TEXT     COLLATE "C" NOT NULL,
    id          TEXT     COLLATE "C" NOT NULL,
    reward      TEXT     COLLATE "C" NOT NULL,
    title       TEXT     NOT NULL,
    type        TEXT     NOT NULL,
    number      BIGINT   NOT NULL,             -- which of all that were taken; never twice
    has_code    SMALLINT NOT NULL CHECK (has_code IN (0, 1)),
    status      TEXT     NOT NULL CHECK (status IN ('granted', 'claimed', 'fulfilled', 'void')),
    at          BIGINT   NOT NULL,
    PRIMARY KEY (tenant, participant, id),
    UNIQUE (tenant, reward, number)
);

CREATE TABLE contests (                        -- those whose standings are final
    tenant       TEXT   COLLATE "C" NOT NULL,
    contest      TEXT   COLLATE "C" NOT NULL,
    version      BIGINT NOT NULL,              -- of the rulebook that closed it
    closed_at    BIGINT NOT NULL,
    paid         BIGINT NOT NULL DEFAULT 0,    -- up to which rank prizes went out
    completed_at BIGINT,
    PRIMARY KEY (tenant, contest)
);

CREATE TABLE revocations (
    tenant     TEXT   COLLATE "C" NOT NULL,
    kind       TEXT   COLLATE "C" NOT NULL CHECK (kind IN ('token', 'participant')),
    subject    TEXT   COLLATE "C" NOT NULL,    -- the id of a token, or whose tokens
    revoked_at BIGINT NOT NULL,
    cutoff_s   BIGINT,                         -- a participant's tokens up to this second
    expires_at BIGINT,                         -- when it is needed no longer; unknown: for ever
    PRIMARY KEY (tenant, kind, subject),
    CHECK ((kind = 'participant') = (cutoff_s IS NOT NULL))
);

CREATE INDEX revocations_by_age ON revocations (revoked_at, tenant, kind, subject);

CREATE INDEX revocations_to_forget ON revocations (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE inbox (
    tenant      TEXT   COLLATE "C" NOT NULL,
    source      TEXT   COLLATE "C" NOT NULL,
    id          TEXT   COLLATE "C" NOT NULL,   -- the provider's
    event       TEXT   COLLATE "C" NOT NULL,   -- the id that its event will have, or has
    type        TEXT   NOT NULL,
    body        BYTEA  NOT NULL,               -- byte for byte
    fingerprint BYTEA,                         -- of what was signed, where the id was not
    received_at BIGINT NOT NULL,
    status      TEXT   COLLATE "C" NOT NULL
                CHECK (status IN ('waiting', 'processed', 'ignored', 'unclaimed', 'parked')),
    attempts    BIGINT NOT NULL,
    due_at      BIGINT CHECK ((due_at IS NOT NULL) = (status = 'waiting')),
    reason      TEXT,
    PRIMARY KEY (tenant, source, id)
);

CREATE UNIQUE INDEX inbox_by_fingerprint ON inbox (tenant, source, fingerprint)
 WHERE fingerprint IS NOT NULL;

CREATE INDEX inbox_due ON inbox (tenant, due_at) WHERE status = 'waiting';

CREATE INDEX inbox_by_time ON inbox (tenant, received_at, event, status, source);

CREATE TABLE analytics_batches (
    tenant     TEXT   COLLATE "C" NOT NULL,
    number     BIGINT NOT NULL,                -- the first journal number of the batch
    name       TEXT   COLLATE "C" NOT NULL,
    hour       BIGINT NOT NULL,                -- of receipt: whole hours since 1970, UTC
    events     BIGINT NOT NULL CHECK (events > 0),
    lag_ms     BIGINT NOT NULL CHECK (lag_ms >= 0),
    lag_ms_max BIGINT NOT NULL CHECK (lag_ms_max >= 0),
    changes    BIGINT NOT NULL CHECK (changes >= 0)
);

-- No primary key can be of digests: the name of an event may be too long for one.
CREATE UNIQUE INDEX analytics_batches_key ON analytics_batches
       (tenant, number, sha256(decode(replace(name, '\', '\\'), 'escape')), hour);

CREATE TABLE analytics_hours (
    tenant     TEXT   COLLATE "C" NOT NULL,
    hour       BIGINT NOT NULL,
    name       TEXT   COLLATE "C" NOT NULL,
    events     BIGINT NOT NULL CHECK (events > 0),
    lag_ms     BIGINT NOT NULL CHECK (lag_ms >= 0),
    lag_ms_max BIGINT NOT NULL CHECK (lag_ms_max >= 0),
    changes    BIGINT NOT NULL CHECK (changes >= 0)
);

CREATE UNIQUE INDEX analytics_hours_key ON analytics_hours
       (tenant, hour, sha256(decode(replace(name, '\', '\\'), 'escape')));

CREATE TABLE resets (                          -- participants who began anew
    tenant      TEXT   COLLATE "C" NOT NULL,
    participant TEXT   COLLATE "C" NOT NULL,
    number      BIGINT NOT NULL,               -- of the journal row that did it, the latest
    PRIMARY KEY (tenant, participant)
);

CREATE TABLE duplicates (                      -- ids that another id's receipt stands for
    tenant       TEXT COLLATE "C" NOT NULL,
    id           TEXT COLLATE "C" NOT NULL,
    duplicate_of TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE TABLE installation (                    -- which one this store is: one row, or none yet
    number BIGINT NOT NULL PRIMARY KEY CHECK (number = 1),
    id     TEXT   NOT NULL
);
