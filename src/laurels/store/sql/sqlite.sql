-- Lookups of many rows in one step. SQLite takes a list as JSON; digests, which are bytes, stand
-- one after the other in a single value.

-- name: lock_states
-- The one writer holds the lock of the whole file.
SELECT p.id, p.state
  FROM json_each(:participants) AS wanted
 CROSS JOIN participants AS p
    ON p.tenant = :tenant
   AND p.id = wanted.value;

-- name: find_receipts
SELECT r.participant, r.key, r.received_at, j.command, j.version, j.recorded_at, j.changes,
       COALESCE(b.currency, 'points'), e.name, COALESCE(e.properties, j.content), e.occurred_at
  FROM json_each(:participants) AS wanted
 CROSS JOIN receipts AS r
    ON r.tenant = :tenant
   AND r.participant = wanted.value
   AND r.operation = :operation
   AND r.key = substr(:digests, wanted.key * 16 + 1, 16)
  JOIN journal AS j ON j.tenant = r.tenant AND j.number = r.number
  LEFT JOIN rulebooks AS b ON b.tenant = j.tenant AND b.version = j.version
  LEFT JOIN events AS e ON e.tenant = j.tenant AND e.id = j.command;
