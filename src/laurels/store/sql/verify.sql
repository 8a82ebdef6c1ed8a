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
-- Journal rows of events that are not there, unless their participant has begun anew since.
SELECT j.number, j.command
  FROM journal AS j
  LEFT JOIN events AS e ON e.tenant = j.tenant AND e.id = j.command
 WHERE j.tenant = :tenant
   AND j.operation = 'event'
   AND e.id IS NULL
   AND NOT EXISTS (SELECT 1 FROM resets AS r
                    WHERE r.tenant = j.tenant AND r.participant = j.participant
                      AND r.number > j.number);

-- name: verify_receipts
-- Receipts that point at no journal row, or at somebody else's.
SELECT r.participant, r.operation, r.number
  FROM receipts AS r
  LEFT JOIN journal AS j ON j.tenant = r.tenant AND j.number = r.number
 WHERE r.tenant = :tenant
   AND (j.number IS NULL OR j.participant <> r.participant);

-- name: sum_postings
-- What each participant has in hand, has earned and spent, and has set aside, by their postings
-- since they last began anew.
SELECT participant, currency, SUM(in_hand), SUM(earned), SUM(spent), SUM(held)
  FROM (SELECT substr(target, 3) AS participant, number, currency,
               CASE WHEN target LIKE 'p:%' THEN amount ELSE 0 END AS in_hand,
               CASE WHEN source = '@mint' THEN amount ELSE 0 END AS earned,
               CASE WHEN source = '@spent' THEN -amount ELSE 0 END AS spent,
               CASE WHEN target LIKE 'h:%' THEN amount ELSE 0 END AS held
          FROM postings
         WHERE tenant = :tenant AND target NOT LIKE '@%'
         UNION ALL
        SELECT substr(source, 3), number, currency,
               CASE WHEN source LIKE 'p:%' THEN -amount ELSE 0 END,
               0,
               CASE WHEN target LIKE '@%' AND target <> '@expired' THEN amount ELSE 0 END,
               CASE WHEN source LIKE 'h:%' THEN -amount ELSE 0 END
          FROM postings
         WHERE tenant = :tenant AND source NOT LIKE '@%') AS postings
 WHERE number > COALESCE((SELECT r.number FROM resets AS r
                           WHERE r.tenant = :tenant AND r.participant = postings.participant), 0)
 GROUP BY participant, currency;

-- name: verify_pools
-- Stock that was taken another number of times than there are claims.
SELECT p.reward, p.taken, COUNT(c.id)
  FROM pools AS p
  LEFT JOIN claims AS c ON c.tenant = p.tenant AND c.reward = p.reward
 WHERE p.tenant = :tenant
 GROUP BY p.reward, p.taken
HAVING p.taken <> COUNT(c.id);

-- name: verify_contests
-- Contests that are closed, and no command has closed them.
SELECT c.contest
  FROM contests AS c
 WHERE c.tenant = :tenant
   AND NOT EXISTS (SELECT 1 FROM journal AS j
                    WHERE j.tenant = c.tenant AND j.operation = 'close:' || c.contest);

-- name: all_states
SELECT id, state
  FROM participants
 WHERE tenant = :tenant
 ORDER BY id;

-- name: all_windows
SELECT challenge, "window", progress
  FROM windows
 WHERE tenant = :tenant
   AND participant = :participant;

-- name: all_journal
-- Each participant's changes in the order they were decided, to be folded into the state again.
-- What is about nobody in particular is left out.
SELECT participant, command, changes, before
  FROM journal
 WHERE tenant = :tenant
   AND participant <> ''
 ORDER BY participant, number;
