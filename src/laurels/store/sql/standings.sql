-- Rankings. The order itself is held in memory: here are the rows that it is made of.

-- name: put_standings (sqlite)
INSERT INTO standings (tenant, board, "window", participant, segment, score, reached_at)
VALUES (:tenant, :board, :window, :participant, :segment, :score, :reached_at)
    ON CONFLICT (tenant, board, "window", participant) DO UPDATE
       SET segment = excluded.segment,
           score = excluded.score,
           reached_at = excluded.reached_at;

-- name: put_standings (postgres)
INSERT INTO standings (tenant, board, "window", participant, segment, score, reached_at)
SELECT r ->> 0, r ->> 1, r ->> 2, r ->> 3, r ->> 4, CAST(r ->> 5 AS BIGINT), CAST(r ->> 6 AS BIGINT)
  FROM jsonb_array_elements(CAST(:rows AS JSONB)) AS r
    ON CONFLICT (tenant, board, "window", participant) DO UPDATE
       SET segment = excluded.segment,
           score = excluded.score,
           reached_at = excluded.reached_at;

-- name: scores_after
-- Every row that moved a score since a number; a few others may look as if they did.
SELECT number, participant, changes
  FROM journal
 WHERE tenant = :tenant
   AND number > :number
   AND changes LIKE '%"score.moved"%'
 ORDER BY number;

-- name: standings_of_board (sqlite)
-- A few thousand entries a row, best first: SQLite sorts and spells them while other threads run.
-- Each row that is fetched gives up the interpreter and has to wait for it again.
SELECT json_group_array(json_array(participant, score, reached_at))
  FROM (SELECT participant, score, reached_at,
               (row_number() OVER (ORDER BY score DESC, reached_at, participant) - 1)
               / :block AS block
          FROM standings
         WHERE tenant = :tenant
           AND board = :board
           AND "window" = :window)
 GROUP BY block
 ORDER BY block;

-- name: standings_of_board (postgres)
SELECT CAST(json_agg(json_build_array(participant, score, reached_at)
                     ORDER BY score DESC, reached_at, participant) AS TEXT)
  FROM (SELECT participant, score, reached_at,
               (row_number() OVER (ORDER BY score DESC, reached_at, participant) - 1)
               / :block AS block
          FROM standings
         WHERE tenant = :tenant
           AND board = :board
           AND "window" = :window) AS entries
 GROUP BY block
 ORDER BY block;

-- name: standings_of_segment (sqlite)
-- The same, of one part of the board.
SELECT json_group_array(json_array(participant, score, reached_at))
  FROM (SELECT participant, score, reached_at,
               (row_number() OVER (ORDER BY score DESC, reached_at, participant) - 1)
               / :block AS block
          FROM standings
         WHERE tenant = :tenant
           AND board = :board
           AND "window" = :window
           AND segment = :segment)
 GROUP BY block
 ORDER BY block;

-- name: standings_of_segment (postgres)
-- Its index is of digests, since an attribute may be too long for one.
SELECT CAST(json_agg(json_build_array(participant, score, reached_at)
                     ORDER BY score DESC, reached_at, participant) AS TEXT)
  FROM (SELECT participant, score, reached_at,
               (row_number() OVER (ORDER BY score DESC, reached_at, participant) - 1)
               / :block AS block
          FROM standings
         WHERE tenant = :tenant
           AND board = :board
           AND "window" = :window
           AND segment = :segment
           AND sha256(decode(replace(segment, '\', '\\'), 'escape'))
             = sha256(decode(replace(CAST(:segment AS TEXT), '\', '\\'), 'escape'))) AS entries
 GROUP BY block
 ORDER BY block;

-- name: put_snapshot
-- The ranks of a day are those it began with: the first stay.
INSERT INTO snapshots (tenant, board, "window", segment, day, ranks, has_more)
VALUES (:tenant, :board, :window, :segment, :day, :ranks, :has_more)
    ON CONFLICT (tenant, board, "window", segment, day) DO NOTHING;

-- name: find_snapshot
SELECT ranks, has_more
  FROM snapshots
 WHERE tenant = :tenant
   AND board = :board
   AND "window" = :window
   AND segment = :segment
   AND day = :day;

-- name: delete_snapshots
DELETE FROM snapshots
 WHERE tenant = :tenant
   AND day < :day;

-- name: all_scores
-- Each participant's changes that move a score, in the order they were decided.
SELECT participant, changes
  FROM journal
 WHERE tenant = :tenant
   AND changes LIKE '%"score.moved"%'
 ORDER BY participant, number;

-- name: all_standings
SELECT participant, board, "window", segment, score, reached_at
  FROM standings
 WHERE tenant = :tenant
 ORDER BY participant, board, "window";
