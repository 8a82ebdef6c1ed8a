-- Due dates, the catalogue of rewards, the closing of contests, and ledgers that can be walked back.

ALTER TABLE participants ADD COLUMN due_at INTEGER;    -- when something must be settled, if ever

CREATE INDEX participants_due ON participants (tenant, due_at) WHERE due_at IS NOT NULL;

ALTER TABLE journal ADD COLUMN before TEXT;            -- the participant's command before this one
                                                       -- that made postings, where this one did

ALTER TABLE journal ADD COLUMN content TEXT;           -- what a command that is no event asked for

CREATE UNIQUE INDEX journal_of_command ON journal (tenant, command);

CREATE TABLE pools (                                   -- what all participants take from
    tenant   TEXT    NOT NULL,
    reward   TEXT    NOT NULL,
    taken    INTEGER NOT NULL CHECK (taken >= 0),
    returned INTEGER NOT NULL CHECK (returned >= 0 AND returned <= taken),
    PRIMARY KEY (tenant, reward)
) STRICT, WITHOUT ROWID;

CREATE TABLE codes (
    tenant      TEXT    NOT NULL,
    reward      TEXT    NOT NULL,
    number      INTEGER NOT NULL CHECK (number > 0),   -- given out in this order
    code        TEXT    NOT NULL,
    uploaded_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, reward, number),
    UNIQUE (tenant, reward, code)
) STRICT, WITHOUT ROWID;

CREATE TABLE claims (
    tenant      TEXT    NOT NULL,
    participant TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    reward      TEXT    NOT NULL,
    title       TEXT    NOT NULL,
    type        TEXT    NOT NULL,
    number      INTEGER NOT NULL,                      -- which of all that were taken; never twice
    has_code    INTEGER NOT NULL CHECK (has_code IN (0, 1)),
    status      TEXT    NOT NULL CHECK (status IN ('granted', 'claimed', 'fulfilled', 'void')),
    at          INTEGER NOT NULL,
    PRIMARY KEY (tenant, participant, id),
    UNIQUE (tenant, reward, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE contests (                                -- those whose standings are final
    tenant       TEXT    NOT NULL,
    contest      TEXT    NOT NULL,
    version      INTEGER NOT NULL,                     -- of the rulebook that closed it
    closed_at    INTEGER NOT NULL,
    paid         INTEGER NOT NULL DEFAULT 0,           -- up to which rank prizes went out
    completed_at INTEGER,
    PRIMARY KEY (tenant, contest)
) STRICT, WITHOUT ROWID;
