-- Lookups of many rows in one step. A list is given as JSON; digests, which are bytes, stand one
-- after the other in a single value.

-- name: make_participants (postgres)
-- Two who meet somebody new at the same moment must find one row to lock. It says nothing yet, and
-- is never committed like that.
INSERT INTO participants (tenant, id, state)
SELECT :tenant, wanted, ''
  FROM json_array_elements_text(CAST(:participants AS JSON)) AS wanted
 ORDER BY wanted COLLATE "C"
    ON CONFLICT (tenant, id) DO NOTHING;

-- name: lock_states (sqlite)
-- The one writer holds the lock of the whole file.
SELECT p.id, p.state
  FROM json_each(:participants) AS wanted
 CROSS JOIN participants AS p
    ON p.tenant = :tenant
   AND p.id = wanted.value;

-- name: lock_states (postgres)
-- In the order of their ids, as everybody does it: so nobody waits for each other.
SELECT id, state
  FROM participants
 WHERE id = ANY (ARRAY(SELECT json_array_elements_text(CAST(:participants AS JSON))))
   AND tenant = :tenant
 ORDER BY id
   FOR NO KEY UPDATE;

-- name: delete_participants (postgres)
-- Those that were made to be locked, and nothing came of it.
DELETE FROM participants
 WHERE id = ANY (ARRAY(SELECT json_array_elements_text(CAST(:participants AS JSON))))
   AND tenant = :tenant
   AND state = '';

-- name: find_receipts (sqlite)
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

-- name: find_receipts (postgres)
-- One lookup by its whole key after the other, whatever the planner believes of tables that it has
-- not seen grow.
SELECT r.participant, r.key, r.received_at, j.command, j.version, j.recorded_at, j.changes,
       COALESCE(b.currency, 'points'), e.name, COALESCE(e.properties, j.content), e.occurred_at
  FROM json_array_elements_text(CAST(:participants AS JSON))
       WITH ORDINALITY AS wanted (participant, place)
 CROSS JOIN LATERAL
       (SELECT participant, key, received_at, number
          FROM receipts
         WHERE tenant = :tenant
           AND participant = wanted.participant
           AND operation = :operation
           AND key = substr(CAST(:digests AS BYTEA), CAST(wanted.place - 1 AS INTEGER) * 16 + 1, 16)
         LIMIT 1) AS r
 CROSS JOIN LATERAL
       (SELECT command, version, recorded_at, changes, content
          FROM journal WHERE tenant = :tenant AND number = r.number LIMIT 1) AS j
  LEFT JOIN LATERAL
       (SELECT currency
          FROM rulebooks WHERE tenant = :tenant AND version = j.version LIMIT 1) AS b ON TRUE
  LEFT JOIN LATERAL
       (SELECT name, properties, occurred_at
          FROM events WHERE tenant = :tenant AND id = j.command LIMIT 1) AS e ON TRUE;

-- name: find_decided (sqlite)
-- Of commands, by their ids alone, or of those that stand for them. The event of one may be gone,
-- where its participant began anew.
SELECT wanted.value, COALESCE(e.received_at, j.recorded_at), j.command, j.version, j.recorded_at,
       j.changes, COALESCE(b.currency, 'points'), e.name, COALESCE(e.properties, j.content, ''),
       e.occurred_at
  FROM json_each(:commands) AS wanted
  LEFT JOIN duplicates AS d ON d.tenant = :tenant AND d.id = wanted.value
 CROSS JOIN journal AS j
    ON j.tenant = :tenant
   AND j.command = COALESCE(d.duplicate_of, wanted.value)
  LEFT JOIN rulebooks AS b ON b.tenant = j.tenant AND b.version = j.version
  LEFT JOIN events AS e ON e.tenant = j.tenant AND e.id = j.command;

-- name: find_decided (postgres)
SELECT wanted.command, COALESCE(e.received_at, j.recorded_at), j.command, j.version, j.recorded_at,
       j.changes, COALESCE(b.currency, 'points'), e.name, COALESCE(e.properties, j.content, ''),
       e.occurred_at
  FROM json_array_elements_text(CAST(:commands AS JSON)) AS wanted (command)
  LEFT JOIN LATERAL
       (SELECT duplicate_of
          FROM duplicates WHERE tenant = :tenant AND id = wanted.command LIMIT 1) AS d ON TRUE
 CROSS JOIN LATERAL
       (SELECT command, version, recorded_at, changes, content
          FROM journal
         WHERE tenant = :tenant AND command = COALESCE(d.duplicate_of, wanted.command)
         LIMIT 1) AS j
  LEFT JOIN LATERAL
       (SELECT currency
          FROM rulebooks WHERE tenant = :tenant AND version = j.version LIMIT 1) AS b ON TRUE
  LEFT JOIN LATERAL
       (SELECT name, properties, occurred_at, received_at
          FROM events WHERE tenant = :tenant AND id = j.command LIMIT 1) AS e ON TRUE;

-- name: find_keyed (sqlite)
-- No index knows keys: every event of these participants is looked at, once. That is for those who
-- come so late that no receipt can tell, and no insert has to pay for it.
SELECT e.participant, e.key, e.received_at, e.id
  FROM json_each(:participants) AS wanted
 CROSS JOIN events AS e
    ON e.tenant = :tenant
   AND e.participant = wanted.value
   AND e.received_at BETWEEN :since AND :until
   AND e.key IN (SELECT value FROM json_each(:keys))
 ORDER BY e.received_at, e.id;

-- name: find_keyed (postgres)
SELECT e.participant, e.key, e.received_at, e.id
  FROM json_array_elements_text(CAST(:participants AS JSON)) AS wanted (participant)
 CROSS JOIN LATERAL
       (SELECT participant, key, received_at, id
          FROM events
         WHERE tenant = :tenant
           AND participant = wanted.participant
           AND received_at BETWEEN :since AND :until
           AND key = ANY (ARRAY(SELECT json_array_elements_text(CAST(:keys AS JSON))))
        OFFSET 0) AS e
 ORDER BY e.received_at, e.id;

-- name: put_duplicates
-- One id is told once, however often its entry comes.
INSERT INTO duplicates (tenant, id, duplicate_of)
VALUES (:tenant, :id, :duplicate_of)
    ON CONFLICT (tenant, id) DO NOTHING;

-- name: make_pools (postgres)
INSERT INTO pools (tenant, reward, taken, returned)
SELECT :tenant, wanted, 0, 0
  FROM json_array_elements_text(CAST(:rewards AS JSON)) AS wanted
 ORDER BY wanted COLLATE "C"
    ON CONFLICT (tenant, reward) DO NOTHING;

-- name: lock_pools (postgres)
SELECT reward
  FROM pools
 WHERE reward = ANY (ARRAY(SELECT json_array_elements_text(CAST(:rewards AS JSON))))
   AND tenant = :tenant
 ORDER BY reward
   FOR NO KEY UPDATE;

-- name: lock_named (postgres)
-- Held until the commit. What a tenant shares with nobody is named with it.
SELECT pg_advisory_xact_lock(hashtextextended(:name, 0));

-- name: lock_named_shared (postgres)
SELECT pg_advisory_xact_lock_shared(hashtextextended(:name, 0));
