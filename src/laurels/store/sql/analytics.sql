-- Figures of accepted events: written by the batch, added up by the hour, read as the sum of both.

-- name: insert_figures
INSERT INTO analytics_batches (tenant, number, name, hour, events, lag_ms, lag_ms_max, changes)
VALUES (:tenant, :number, :name, :hour, :events, :lag_ms, :lag_ms_max, :changes);

-- name: copy_figures (postgres)
COPY analytics_batches (tenant, number, name, hour, events, lag_ms, lag_ms_max, changes)
FROM STDIN (FORMAT BINARY);

-- name: next_unmerged
SELECT MIN(tenant)
  FROM analytics_batches
 WHERE tenant > :tenant;

-- name: unmerged_slice
-- The oldest rows: how many, and the batch that the last of them is of.
SELECT COUNT(*), MAX(number)
  FROM (SELECT number
          FROM analytics_batches
         WHERE tenant = :tenant
         ORDER BY number
         LIMIT :count) AS slice;

-- name: merge_figures (sqlite)
INSERT INTO analytics_hours (tenant, hour, name, events, lag_ms, lag_ms_max, changes)
SELECT tenant, hour, name, SUM(events), SUM(lag_ms), MAX(lag_ms_max), SUM(changes)
  FROM analytics_batches
 WHERE tenant = :tenant
   AND number <= :last
 GROUP BY tenant, hour, name
    ON CONFLICT (tenant, hour, name) DO UPDATE
       SET events = analytics_hours.events + excluded.events,
           lag_ms = analytics_hours.lag_ms + excluded.lag_ms,
           lag_ms_max = CASE WHEN analytics_hours.lag_ms_max < excluded.lag_ms_max
                             THEN excluded.lag_ms_max ELSE analytics_hours.lag_ms_max END,
           changes = analytics_hours.changes + excluded.changes;

-- name: merge_figures (postgres)
-- A digest stands for the name, which may be longer than what fits into an index.
INSERT INTO analytics_hours (tenant, hour, name, events, lag_ms, lag_ms_max, changes)
SELECT tenant, hour, name, SUM(events), SUM(lag_ms), MAX(lag_ms_max), SUM(changes)
  FROM analytics_batches
 WHERE tenant = :tenant
   AND number <= :last
 GROUP BY tenant, hour, name
    ON CONFLICT (tenant, hour, sha256(decode(replace(name, '\', '\\'), 'escape'))) DO UPDATE
       SET events = analytics_hours.events + excluded.events,
           lag_ms = analytics_hours.lag_ms + excluded.lag_ms,
           lag_ms_max = CASE WHEN analytics_hours.lag_ms_max < excluded.lag_ms_max
                             THEN excluded.lag_ms_max ELSE analytics_hours.lag_ms_max END,
           changes = analytics_hours.changes + excluded.changes;

-- name: delete_merged
DELETE FROM analytics_batches
 WHERE tenant = :tenant
   AND number <= :last;

-- name: figures
-- By name, hour or day; behind each row, what all of them come to, those past the limit too. The lag
-- is added up in floating point: that of a year of late events may be more than 64 bits hold.
SELECT CASE CAST(:by AS TEXT) WHEN 'name' THEN name END,
       CASE CAST(:by AS TEXT) WHEN 'hour' THEN hour WHEN 'day' THEN hour - hour % 24 END,
       SUM(events), SUM(CAST(lag_ms AS DOUBLE PRECISION)), MAX(lag_ms_max),
       SUM(changes),
       SUM(SUM(events)) OVER (),
       SUM(SUM(CAST(lag_ms AS DOUBLE PRECISION))) OVER (),
       MAX(MAX(lag_ms_max)) OVER (),
       SUM(SUM(changes)) OVER ()
  FROM (SELECT name, hour, events, lag_ms, lag_ms_max, changes
          FROM analytics_hours
         WHERE tenant = :tenant
           AND hour >= :since
           AND hour < :until
         UNION ALL
        SELECT name, hour, events, lag_ms, lag_ms_max, changes
          FROM analytics_batches
         WHERE tenant = :tenant
           AND hour >= :since
           AND hour < :until) AS figures
 WHERE CAST(:name AS TEXT) IS NULL OR name = :name
 GROUP BY 1, 2
 ORDER BY 2, 3 DESC, 1
 LIMIT :count;

-- name: unique_participants
-- An id begins with the time of receipt, so the primary key holds the events in that order.
SELECT COUNT(DISTINCT participant)
  FROM events
 WHERE tenant = :tenant
   AND id >= :first
   AND id < :beyond
   AND (CAST(:name AS TEXT) IS NULL OR name = :name);

-- name: unique_participants_by
-- By the same groups as the figures.
SELECT CASE CAST(:by AS TEXT) WHEN 'name' THEN name END,
       CASE CAST(:by AS TEXT) WHEN 'hour' THEN hour WHEN 'day' THEN hour - hour % 24 END,
       COUNT(DISTINCT participant)
  FROM (SELECT name, participant, received_at / 3600000 AS hour
          FROM events
         WHERE tenant = :tenant
           AND id >= :first
           AND id < :beyond
           AND (CAST(:name AS TEXT) IS NULL OR name = :name)) AS of_events
 GROUP BY 1, 2;

-- name: verify_figures
-- Names and hours of which there are more events than the figures tell of. There may be fewer:
-- whoever begins anew leaves no events behind, but they were accepted.
SELECT name, hour, SUM(told), SUM(accepted)
  FROM (SELECT name, received_at / 3600000 AS hour, 0 AS told, 1 AS accepted
          FROM events
         WHERE tenant = :tenant
         UNION ALL
        SELECT name, hour, events, 0
          FROM analytics_batches
         WHERE tenant = :tenant
         UNION ALL
        SELECT name, hour, events, 0
          FROM analytics_hours
         WHERE tenant = :tenant) AS figures
 GROUP BY name, hour
HAVING SUM(told) < SUM(accepted)
 ORDER BY hour, name;

-- name: verify_sum_of_figures
-- The sum of all figures, where it is not the number of accepted events: those that are there, and
-- those in the journal that went when their participant began anew.
SELECT SUM(told), SUM(accepted)
  FROM (SELECT SUM(events) AS told, 0 AS accepted
          FROM analytics_batches
         WHERE tenant = :tenant
         UNION ALL
        SELECT SUM(events), 0
          FROM analytics_hours
         WHERE tenant = :tenant
         UNION ALL
        SELECT 0, COUNT(*)
          FROM events
         WHERE tenant = :tenant
         UNION ALL
        SELECT 0, COUNT(*)
          FROM journal AS j
         WHERE j.tenant = :tenant
           AND j.operation = 'event'
           AND j.number < (SELECT r.number
                             FROM resets AS r
                            WHERE r.tenant = j.tenant
                              AND r.participant = j.participant)
           AND NOT EXISTS (SELECT 1
                             FROM events AS e
                            WHERE e.tenant = j.tenant
                              AND e.id = j.command)) AS figures
HAVING SUM(told) <> SUM(accepted);
