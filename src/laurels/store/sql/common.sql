-- name: insert_events
INSERT INTO events (tenant, id, participant, name, properties, occurred_at, received_at, key,
                    source, status)
VALUES (:tenant, :id, :participant, :name, :properties, :occurred_at, :received_at, :key,
        :source, :status);

-- name: copy_events (postgres)
COPY events (tenant, id, participant, name, properties, occurred_at, received_at, key, source,
             status)
FROM STDIN (FORMAT BINARY);

-- name: insert_journal
INSERT INTO journal (tenant, number, command, operation, participant, version, recorded_at,
                     changes, before, content)
VALUES (:tenant, :number, :command, :operation, :participant, :version, :recorded_at,
        :changes, :before, :content);

-- name: copy_journal (postgres)
COPY journal (tenant, number, command, operation, participant, version, recorded_at, changes,
              before, content)
FROM STDIN (FORMAT BINARY);

-- name: insert_postings
INSERT INTO postings (tenant, number, position, source, target, currency, amount, rule)
VALUES (:tenant, :number, :position, :source, :target, :currency, :amount, :rule);

-- name: copy_postings (postgres)
COPY postings (tenant, number, position, source, target, currency, amount, rule)
FROM STDIN (FORMAT BINARY);

-- name: put_receipts (sqlite)
-- A receipt that has expired makes room for the new one. One that has not would be a bug: the
-- engine has looked, so the update does not hide it but fails on NOT NULL.
INSERT INTO receipts (tenant, participant, operation, key, received_at, number)
VALUES (:tenant, :participant, :operation, :key, :received_at, :number)
    ON CONFLICT (tenant, participant, operation, key) DO UPDATE
       SET received_at = excluded.received_at,
           number = CASE WHEN receipts.received_at < excluded.received_at - :lifetime_ms
                         THEN excluded.number END;

-- name: put_receipts (postgres)
INSERT INTO receipts (tenant, participant, operation, key, received_at, number)
SELECT r ->> 0, r ->> 1, r ->> 2, decode(r ->> 3, 'base64'), CAST(r ->> 4 AS BIGINT),
       CAST(r ->> 5 AS BIGINT)
  FROM jsonb_array_elements(CAST(:rows AS JSONB)) AS r
    ON CONFLICT (tenant, participant, operation, key) DO UPDATE
       SET received_at = excluded.received_at,
           number = CASE WHEN receipts.received_at
                              < excluded.received_at - CAST(CAST(:rows AS JSONB) -> 0 ->> 6 AS BIGINT)
                         THEN excluded.number END;

-- name: insert_receipts (postgres)
-- For keys that have none, not even one that has expired.
INSERT INTO receipts (tenant, participant, operation, key, received_at, number)
VALUES (:tenant, :participant, :operation, :key, :received_at, :number);

-- name: copy_receipts (postgres)
COPY receipts (tenant, participant, operation, key, received_at, number)
FROM STDIN (FORMAT BINARY);

-- name: put_participants (sqlite)
INSERT INTO participants (tenant, id, state)
VALUES (:tenant, :id, :state)
    ON CONFLICT (tenant, id) DO UPDATE SET state = excluded.state;

-- name: put_participants (postgres)
-- They are there, and locked.
UPDATE participants AS p
   SET state = r ->> 2
  FROM jsonb_array_elements(CAST(:rows AS JSONB)) AS r
 WHERE p.tenant = r ->> 0
   AND p.id = r ->> 1;

-- name: set_due
-- Apart from the state, which is written far more often: the index is left alone then.
UPDATE participants
   SET due_at = :due_at
 WHERE tenant = :tenant
   AND id = :id;

-- name: find_participant
SELECT state
  FROM participants
 WHERE tenant = :tenant
   AND id = :id;

-- name: put_windows
INSERT INTO windows (tenant, participant, challenge, "window", progress)
VALUES (:tenant, :participant, :challenge, :window, :progress)
    ON CONFLICT (tenant, participant, challenge, "window") DO UPDATE SET progress = excluded.progress;

-- name: take_numbers
-- The last lock that a transaction takes, and it is held until the commit: whoever reads number
-- n + 1 has been able to read n.
INSERT INTO heads (tenant, number)
VALUES (:tenant, :count)
    ON CONFLICT (tenant) DO UPDATE SET number = heads.number + excluded.number
RETURNING number;

-- name: rulebook_in_force
SELECT version, source
  FROM rulebooks
 WHERE tenant = :tenant
 ORDER BY version DESC
 LIMIT 1;

-- name: rulebook_version
SELECT MAX(version)
  FROM rulebooks
 WHERE tenant = :tenant;

-- name: rulebook_of_version
SELECT version, source
  FROM rulebooks
 WHERE tenant = :tenant
   AND version = :version;

-- name: insert_rulebook
INSERT INTO rulebooks (tenant, version, currency, source, applied_at)
VALUES (:tenant, :version, :currency, :source, :applied_at);

-- name: history
-- Newest first; what happened at the same moment, the last accepted first.
SELECT id, name, properties, occurred_at
  FROM events
 WHERE tenant = :tenant
   AND participant = :participant
   AND occurred_at >= :since
   AND occurred_at < :until
   AND (CAST(:name AS TEXT) IS NULL OR name = :name)
 ORDER BY occurred_at DESC, id DESC
 LIMIT :count OFFSET :skipped;

-- name: count_history
SELECT COUNT(*)
  FROM events
 WHERE tenant = :tenant
   AND participant = :participant
   AND occurred_at >= :since
   AND occurred_at < :until
   AND (CAST(:name AS TEXT) IS NULL OR name = :name);

-- name: count_events
SELECT COUNT(*)
  FROM events
 WHERE tenant = :tenant
   AND participant = :participant;

-- name: journal_after
SELECT number, command, operation, participant, version, recorded_at, changes
  FROM journal
 WHERE tenant = :tenant
   AND number > :cursor
 ORDER BY number
 LIMIT :count;

-- name: head
SELECT number
  FROM heads
 WHERE tenant = :tenant;

-- name: feed (sqlite)
-- The list of participants makes a small table of its own; the journal is walked by its numbers.
SELECT number, command, operation, participant, version, recorded_at, changes
  FROM journal
 WHERE tenant = :tenant
   AND number > :after
   AND number <= :upto
   AND participant IN (SELECT value FROM json_each(:participants))
 ORDER BY number
 LIMIT :count;

-- name: feed (postgres)
SELECT number, command, operation, participant, version, recorded_at, changes
  FROM journal
 WHERE tenant = :tenant
   AND number > :after
   AND number <= :upto
   AND participant IN (SELECT json_array_elements_text(CAST(:participants AS JSON)))
 ORDER BY number
 LIMIT :count;

-- name: recorded_at
SELECT recorded_at
  FROM journal
 WHERE tenant = :tenant
   AND number >= :number
 ORDER BY number
 LIMIT 1;

-- name: completions
-- What looks like one in the text of a row may be none: whoever reads it decodes it.
SELECT participant, changes
  FROM journal
 WHERE tenant = :tenant
   AND number > (SELECT number FROM heads WHERE tenant = :tenant) - :rows
   AND changes LIKE '%"challenge.completed"%'
 ORDER BY number DESC;

-- name: find_window
SELECT progress
  FROM windows
 WHERE tenant = :tenant
   AND participant = :participant
   AND challenge = :challenge
   AND "window" = :window;

-- name: next_receipts
-- A slice of the table in the order of its key, so that a sweep needs no index of its own.
SELECT participant, operation, key, received_at
  FROM receipts
 WHERE tenant = :tenant
   AND (participant, operation, key) > (:participant, :operation, :key)
 ORDER BY participant, operation, key
 LIMIT :count;

-- name: delete_receipts
-- Unless its key has been used again since somebody looked.
DELETE FROM receipts
 WHERE tenant = :tenant
   AND participant = :participant
   AND operation = :operation
   AND key = :key
   AND received_at < :before;

-- name: journal_of_command
SELECT number, operation, recorded_at, changes, before
  FROM journal
 WHERE tenant = :tenant
   AND command = :command;
