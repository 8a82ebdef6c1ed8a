-- The first schema. Every table about a tenant's data begins its key with the tenant, and with the
-- participant where it has one, so that the same keys can be spread over many machines.

CREATE TABLE tenants (
    name       TEXT    NOT NULL PRIMARY KEY,
    disabled   INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE apps (
    id            TEXT    NOT NULL PRIMARY KEY,
    tenant        TEXT    NOT NULL,
    secret_digest BLOB    NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE api_keys (
    digest     BLOB    NOT NULL PRIMARY KEY,   -- SHA-256 of the key; the key itself is never kept
    id         TEXT    NOT NULL UNIQUE,
    tenant     TEXT    NOT NULL,
    scopes     TEXT    NOT NULL,               -- separated by spaces
    hint       TEXT    NOT NULL,               -- how the key begins
    expires_at INTEGER,
    revoked    INTEGER NOT NULL DEFAULT 0 CHECK (revoked IN (0, 1)),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE rulebooks (
    tenant     TEXT    NOT NULL,
    version    INTEGER NOT NULL CHECK (version > 0),
    currency   TEXT    NOT NULL,               -- the first one: what a reply calls points
    source     TEXT    NOT NULL,               -- as it was applied
    applied_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE heads (
    tenant TEXT    NOT NULL PRIMARY KEY,
    number INTEGER NOT NULL CHECK (number >= 0)  -- of the newest journal row
) STRICT, WITHOUT ROWID;

CREATE TABLE participants (
    tenant TEXT NOT NULL,
    id     TEXT NOT NULL,
    state  TEXT NOT NULL,                      -- one JSON value; balances are in it
    PRIMARY KEY (tenant, id)
) STRICT;  -- with a rowid: a state of a kilobyte or more would leave the page of its key

CREATE TABLE windows (                         -- finished windows, folded away from the state
    tenant      TEXT NOT NULL,
    participant TEXT NOT NULL,
    challenge   TEXT NOT NULL,
    window      TEXT NOT NULL,
    progress    TEXT NOT NULL,
    PRIMARY KEY (tenant, participant, challenge, window)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    tenant      TEXT    NOT NULL,
    id          TEXT    NOT NULL,              -- a ULID, unique for ever
    participant TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    properties  TEXT    NOT NULL,              -- as they were sent
    occurred_at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    key         TEXT,
    source      TEXT,
    status      TEXT    NOT NULL CHECK (status IN ('processed', 'parked')),
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX events_of_participant ON events (tenant, participant, occurred_at);

CREATE TABLE journal (
    tenant      TEXT    NOT NULL,
    number      INTEGER NOT NULL CHECK (number > 0),   -- per tenant, without gaps
    command     TEXT    NOT NULL,              -- the id of the event or claim
    operation   TEXT    NOT NULL,              -- 'event', or 'claim:' and the challenge
    participant TEXT    NOT NULL,
    version     INTEGER NOT NULL,              -- of the rulebook that judged it
    recorded_at INTEGER NOT NULL,
    changes     TEXT    NOT NULL,
    PRIMARY KEY (tenant, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE receipts (
    tenant      TEXT    NOT NULL,
    participant TEXT    NOT NULL,
    operation   TEXT    NOT NULL,
    key         BLOB    NOT NULL CHECK (length(key) = 16),
    received_at INTEGER NOT NULL,
    number      INTEGER NOT NULL,              -- the journal row that holds the answer
    PRIMARY KEY (tenant, participant, operation, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE postings (
    tenant   TEXT    NOT NULL,
    number   INTEGER NOT NULL,                 -- of the journal row that made it
    position INTEGER NOT NULL,                 -- among the changes of that row
    source   TEXT    NOT NULL,
    target   TEXT    NOT NULL,
    currency TEXT    NOT NULL,
    amount   INTEGER NOT NULL CHECK (amount > 0),
    rule     TEXT    NOT NULL,
    PRIMARY KEY (tenant, number, position),
    CHECK (source <> target)
) STRICT, WITHOUT ROWID;
