-- What `laurels verify` asks. Each finding is a bug or a damaged file; on a sound store they find
-- nothing.

-- name: verify_heads
-- Journals with a gap, or with a head that is not their last number.
SELECT h.number, COUNT(j.number), COALESCE(MAX(j.number), 0)
  FROM heads AS h
  LEFT JOIN journal AS j ON j.tenant = h.tenant
 WHERE h.tenant = :tenant
 GROUP BY h.tenant, h.number
HAVING COUNT(j.number) <> h.number OR COALESCE(MAX(j.number), 0) <> h.number;

-- name: verify_events
-- Events that are in the journal never, or more than once.
  WITH counted AS MATERIALIZED
       (SELECT command, COUNT(*) AS times FROM journal WHERE tenant = :tenant GROUP BY command)
SELECT e.id, COALESCE(c.times, 0)
  FROM events AS e
  LEFT JOIN counted AS c ON c.command = e.id
 WHERE e.tenant = :tenant
   AND COALESCE(c.times, 0) <> 1;

-- name: verify_journal
-- Journal rows of events that are not there.
SELECT j.number, j.command
  FROM journal AS j
  LEFT JOIN events AS e ON e.tenant = j.tenant AND e.id = j.command
 WHERE j.tenant = :tenant
   AND j.operation = 'event'
   AND e.id IS NULL;

-- name: verify_receipts
-- Receipts that point at no journal row, or at somebody else's.
SELECT r.participant, r.operation, r.number
  FROM receipts AS r
  LEFT JOIN journal AS j ON j.tenant = r.tenant AND j.number = r.number
 WHERE r.tenant = :tenant
   AND (j.number IS NULL OR j.participant <> r.participant);

-- name: sum_postings
-- What each participant's account holds, has earned and has spent, by its postings.
SELECT account, currency, SUM(amount), SUM(MAX(amount, 0)), SUM(MAX(-amount, 0))
  FROM (SELECT target AS account, currency, amount FROM postings WHERE tenant = :tenant
         UNION ALL
        SELECT source, currency, -amount FROM postings WHERE tenant = :tenant)
 WHERE account NOT LIKE '@%'
 GROUP BY account, currency;

-- name: all_states
SELECT id, state
  FROM participants
 WHERE tenant = :tenant
 ORDER BY id;

-- name: all_windows
SELECT challenge, window, progress
  FROM windows
 WHERE tenant = :tenant
   AND participant = :participant;

-- name: all_journal
-- Each participant's changes in the order they were decided, to be folded into the state again.
SELECT participant, changes
  FROM journal
 WHERE tenant = :tenant
 ORDER BY participant, number;
