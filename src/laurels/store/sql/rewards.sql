-- The catalogue of rewards, and the closing of contests.

-- name: find_pool
SELECT COALESCE((SELECT taken FROM pools WHERE tenant = :tenant AND reward = :reward), 0),
       COALESCE((SELECT returned FROM pools WHERE tenant = :tenant AND reward = :reward), 0),
       COALESCE((SELECT MAX(number) FROM codes WHERE tenant = :tenant AND reward = :reward), 0);

-- name: take_from_pool
INSERT INTO pools (tenant, reward, taken, returned)
VALUES (:tenant, :reward, 1, 0)
    ON CONFLICT (tenant, reward) DO UPDATE SET taken = pools.taken + 1;

-- name: return_to_pool
-- Only what was taken comes back, so there is a row.
UPDATE pools
   SET returned = returned + 1
 WHERE tenant = :tenant
   AND reward = :reward;

-- name: last_code
SELECT COALESCE(MAX(number), 0)
  FROM codes
 WHERE tenant = :tenant
   AND reward = :reward;

-- name: find_code
SELECT code
  FROM codes
 WHERE tenant = :tenant
   AND reward = :reward
   AND number = :number;

-- name: put_code
INSERT INTO codes (tenant, reward, number, code, uploaded_at)
VALUES (:tenant, :reward, :number, :code, :uploaded_at)
    ON CONFLICT (tenant, reward, code) DO NOTHING;

-- name: put_claims
INSERT INTO claims (tenant, participant, id, reward, title, type, number, has_code, status, at)
VALUES (:tenant, :participant, :id, :reward, :title, :type, :number, :has_code, :status, :at)
    ON CONFLICT (tenant, participant, id) DO UPDATE
       SET has_code = excluded.has_code, status = excluded.status, at = excluded.at;

-- name: settle_claims
UPDATE claims
   SET status = :status
 WHERE tenant = :tenant
   AND participant = :participant
   AND id = :id;

-- name: claims_of_participant
SELECT c.id, c.reward, c.title, c.type, c.status, k.code, c.at
  FROM claims AS c
  LEFT JOIN codes AS k
    ON k.tenant = c.tenant AND k.reward = c.reward AND k.number = c.number AND c.has_code = 1
 WHERE c.tenant = :tenant
   AND c.participant = :participant
 ORDER BY c.at DESC, c.id DESC;

-- name: closed_contests
SELECT contest, version, closed_at, paid, completed_at
  FROM contests
 WHERE tenant = :tenant;

-- name: close_contest
INSERT INTO contests (tenant, contest, version, closed_at)
VALUES (:tenant, :contest, :version, :closed_at);

-- name: pay_contest
UPDATE contests
   SET paid = CASE WHEN paid < :paid THEN :paid ELSE paid END
 WHERE tenant = :tenant
   AND contest = :contest;

-- name: complete_contest
UPDATE contests
   SET completed_at = :completed_at
 WHERE tenant = :tenant
   AND contest = :contest;
