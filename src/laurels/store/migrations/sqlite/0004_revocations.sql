-- Tokens that are good no longer, although they have not expired.

CREATE TABLE revocations (
    tenant     TEXT    NOT NULL,
    kind       TEXT    NOT NULL CHECK (kind IN ('token', 'participant')),
    subject    TEXT    NOT NULL,               -- the id of a token, or whose tokens
    revoked_at INTEGER NOT NULL,
    cutoff_s   INTEGER,                        -- a participant's tokens up to this second
    expires_at INTEGER,                        -- when it is needed no longer; unknown: for ever
    PRIMARY KEY (tenant, kind, subject),
    CHECK ((kind = 'participant') = (cutoff_s IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX revocations_by_age ON revocations (revoked_at, tenant, kind, subject);

CREATE INDEX revocations_to_forget ON revocations (expires_at) WHERE expires_at IS NOT NULL;
