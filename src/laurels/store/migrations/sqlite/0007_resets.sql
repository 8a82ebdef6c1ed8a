-- Participants who began anew: what the journal tells of them before that is nobody's any more.

CREATE TABLE resets (
    tenant      TEXT    NOT NULL,
    participant TEXT    NOT NULL,
    number      INTEGER NOT NULL,                      -- of the journal row that did it, the latest
    PRIMARY KEY (tenant, participant)
) STRICT, WITHOUT ROWID;
