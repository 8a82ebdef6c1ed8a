-- What is deleted when a participant begins anew. The journal keeps its rows, so that its numbers
-- have no gap; what they tell is history.

-- name: put_reset
INSERT INTO resets (tenant, participant, number)
VALUES (:tenant, :participant, :number)
    ON CONFLICT (tenant, participant) DO UPDATE SET number = excluded.number;

-- name: delete_windows_of
DELETE FROM windows
 WHERE tenant = :tenant
   AND participant = :participant;

-- name: delete_receipts_of
DELETE FROM receipts
 WHERE tenant = :tenant
   AND participant = :participant
   AND number < :number;

-- name: delete_events_of
-- Those that were decided before: one that came later in the same batch stays.
DELETE FROM events
 WHERE tenant = :tenant
   AND participant = :participant
   AND EXISTS (SELECT 1
                 FROM journal AS j
                WHERE j.tenant = events.tenant
                  AND j.command = events.id
                  AND j.number < :number);
