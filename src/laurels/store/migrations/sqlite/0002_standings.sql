-- Rankings: each participant's score on each board and contest they have scored on, and the ranks
-- of the best as they were when a day began. What the rankings in memory are made of.

CREATE TABLE standings (
    tenant      TEXT    NOT NULL,
    board       TEXT    NOT NULL,              -- the board or contest
    window      TEXT    NOT NULL,              -- empty for a contest
    participant TEXT    NOT NULL,
    segment     TEXT,                          -- the part of the board, if it has parts
    score       INTEGER NOT NULL,              -- in millionths, weighed
    reached_at  INTEGER NOT NULL,              -- decides ties
    PRIMARY KEY (tenant, board, window, participant)
) STRICT, WITHOUT ROWID;

CREATE INDEX standings_of_segment ON standings (tenant, board, window, segment)
 WHERE segment IS NOT NULL;

CREATE TABLE snapshots (
    tenant   TEXT    NOT NULL,
    board    TEXT    NOT NULL,
    window   TEXT    NOT NULL,
    segment  TEXT    NOT NULL,                 -- empty for all of the board
    day      INTEGER NOT NULL,
    ranks    TEXT    NOT NULL,                 -- JSON: of the best, by participant
    has_more INTEGER NOT NULL CHECK (has_more IN (0, 1)),
    PRIMARY KEY (tenant, board, window, segment, day)
) STRICT, WITHOUT ROWID;
