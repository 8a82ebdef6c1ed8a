-- What accepted events came to. A batch appends a row for each event name and hour, in the same
-- transaction as its events: no two batches ever touch the same row. The scheduler adds these up by
-- the hour. What a read tells is the sum of both.

CREATE TABLE analytics_batches (
    tenant     TEXT    NOT NULL,
    number     INTEGER NOT NULL,               -- the first journal number of the batch
    name       TEXT    NOT NULL,
    hour       INTEGER NOT NULL,               -- of receipt: whole hours since 1970, UTC
    events     INTEGER NOT NULL CHECK (events > 0),
    lag_ms     INTEGER NOT NULL CHECK (lag_ms >= 0),
    lag_ms_max INTEGER NOT NULL CHECK (lag_ms_max >= 0),
    changes    INTEGER NOT NULL CHECK (changes >= 0),
    PRIMARY KEY (tenant, number, name, hour)
) STRICT, WITHOUT ROWID;

CREATE TABLE analytics_hours (
    tenant     TEXT    NOT NULL,
    hour       INTEGER NOT NULL,
    name       TEXT    NOT NULL,
    events     INTEGER NOT NULL CHECK (events > 0),
    lag_ms     INTEGER NOT NULL CHECK (lag_ms >= 0),
    lag_ms_max INTEGER NOT NULL CHECK (lag_ms_max >= 0),
    changes    INTEGER NOT NULL CHECK (changes >= 0),
    PRIMARY KEY (tenant, hour, name)
) STRICT, WITHOUT ROWID;

-- Events from before there were figures. 31622400000 is `limits.LAG_MS_MAX`.
INSERT INTO analytics_hours (tenant, hour, name, events, lag_ms, lag_ms_max, changes)
SELECT tenant, hour, name, COUNT(*), SUM(lag_ms), MAX(lag_ms), SUM(changes)
  FROM (SELECT e.tenant, e.received_at / 3600000 AS hour, e.name,
               MIN(MAX(e.received_at - e.occurred_at, 0), 31622400000) AS lag_ms,
               CASE e.status WHEN 'parked' THEN 0 ELSE json_array_length(j.changes) END AS changes
          FROM events AS e
          JOIN journal AS j ON j.tenant = e.tenant AND j.command = e.id)
 GROUP BY tenant, hour, name;
