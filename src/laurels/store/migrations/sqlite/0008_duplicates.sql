-- Events that waited in a queue while another id took their key. Every id that was ever answered can
-- be found: here, or among the events.

CREATE TABLE duplicates (
    tenant       TEXT    NOT NULL,
    id           TEXT    NOT NULL,
    duplicate_of TEXT    NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
