-- Webhooks as they were sent to us: kept before we answer, looked at after that. They stay, so that
-- one which is sent again is known again for ever.

CREATE TABLE inbox (
    tenant      TEXT    NOT NULL,
    source      TEXT    NOT NULL,
    id          TEXT    NOT NULL,              -- the provider's
    event       TEXT    NOT NULL,              -- the id that its event will have, or has
    type        TEXT    NOT NULL,
    body        BLOB    NOT NULL,              -- byte for byte
    fingerprint BLOB,                          -- of what was signed, where the id was not
    received_at INTEGER NOT NULL,
    status      TEXT    NOT NULL
                CHECK (status IN ('waiting', 'processed', 'ignored', 'unclaimed', 'parked')),
    attempts    INTEGER NOT NULL,
    due_at      INTEGER CHECK ((due_at IS NOT NULL) = (status = 'waiting')),
    reason      TEXT,
    PRIMARY KEY (tenant, source, id)
) STRICT;  -- with a rowid: bodies would spread the keys over many pages

CREATE UNIQUE INDEX inbox_by_fingerprint ON inbox (tenant, source, fingerprint)
 WHERE fingerprint IS NOT NULL;

CREATE INDEX inbox_due ON inbox (tenant, due_at) WHERE status = 'waiting';

CREATE INDEX inbox_by_time ON inbox (tenant, received_at, event, status, source);
