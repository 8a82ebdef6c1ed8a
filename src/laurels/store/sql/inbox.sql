-- Webhooks on their way in.

-- name: put_delivery
INSERT INTO inbox (tenant, source, id, event, type, body, fingerprint, received_at,
                   status, attempts, due_at)
VALUES (:tenant, :source, :id, :event, :type, :body, :fingerprint, :received_at,
        'waiting', 0, :received_at)
    ON CONFLICT DO NOTHING;

-- name: delivery_kept_as
-- What a delivery that was there already is called: by its own id, else as its fingerprint says.
SELECT id
  FROM inbox
 WHERE tenant = :tenant
   AND source = :source
   AND (id = :id OR fingerprint = :fingerprint)
 ORDER BY id <> :id
 LIMIT 1;

-- name: deliveries_due
-- With the status of the event that a delivery has become, if it has: then it was processed, and
-- only the note of that is missing.
SELECT i.tenant, i.source, i.id, i.event, i.type, i.body, i.received_at, i.fingerprint,
       i.status, i.attempts, i.due_at, i.reason, e.status
  FROM inbox AS i
  LEFT JOIN events AS e ON e.tenant = i.tenant AND e.id = i.event
 WHERE i.tenant = :tenant
   AND i.status = 'waiting'
   AND i.due_at <= :now
 ORDER BY i.due_at
 LIMIT :count;

-- name: settle_delivery
-- Unless it was queued anew while it was looked at: then it is looked at again.
UPDATE inbox
   SET status = :status, reason = :reason, attempts = :attempts, due_at = :due_at
 WHERE tenant = :tenant
   AND source = :source
   AND id = :id
   AND attempts = :attempts_before
   AND due_at = :due_before;

-- name: requeue_delivery
UPDATE inbox
   SET status = 'waiting', reason = NULL, attempts = 0, due_at = :now
 WHERE tenant = :tenant
   AND source = :source
   AND id = :id;

-- name: oldest_delivery
SELECT MIN(received_at)
  FROM inbox
 WHERE tenant = :tenant;

-- name: empty_deliveries
-- What is done with keeps its name, so that it is known for ever, and gives up its body.
UPDATE inbox
   SET body = :empty
 WHERE tenant = :tenant
   AND received_at >= :since
   AND received_at < :until
   AND status IN ('processed', 'ignored');

-- name: find_delivery
SELECT tenant, source, id, event, type, body, received_at, fingerprint,
       status, attempts, due_at, reason
  FROM inbox
 WHERE tenant = :tenant
   AND source = :source
   AND id = :id;

-- name: count_deliveries
SELECT count(*)
  FROM inbox
 WHERE tenant = :tenant
   AND (CAST(:status AS TEXT) IS NULL OR status = :status)
   AND (CAST(:source AS TEXT) IS NULL OR source = :source);

-- name: list_deliveries
-- Newest first. Their bodies may be large, and stay where they are.
SELECT tenant, source, id, event, type, :empty, received_at, fingerprint,
       status, attempts, due_at, reason
  FROM inbox
 WHERE tenant = :tenant
   AND (CAST(:status AS TEXT) IS NULL OR status = :status)
   AND (CAST(:source AS TEXT) IS NULL OR source = :source)
 ORDER BY received_at DESC, event DESC
 LIMIT :count
OFFSET :skipped;
