-- Tokens that are good no longer.

-- name: put_revocation
-- Of two about the same, the later one says all that the earlier one did.
INSERT INTO revocations (tenant, kind, subject, revoked_at, cutoff_s, expires_at)
VALUES (:tenant, :kind, :subject, :revoked_at, :cutoff_s, :expires_at)
    ON CONFLICT (tenant, kind, subject) DO UPDATE
   SET revoked_at = excluded.revoked_at,
       cutoff_s = excluded.cutoff_s,
       expires_at = excluded.expires_at;

-- name: find_revocation
SELECT cutoff_s, expires_at
  FROM revocations
 WHERE tenant = :tenant
   AND kind = :kind
   AND subject = :subject;

-- name: revocations_after
-- Of all tenants, since one watcher looks after all of them.
SELECT tenant, kind, subject, revoked_at, cutoff_s, expires_at
  FROM revocations
 WHERE (revoked_at, tenant, kind, subject) > (:revoked_at, :world, :kind, :subject)
 ORDER BY revoked_at, tenant, kind, subject
 LIMIT :count;

-- name: forget_revocations
-- Of all tenants. A token that has expired is refused for that.
DELETE FROM revocations
 WHERE (tenant, kind, subject) IN (SELECT tenant, kind, subject
                                     FROM revocations
                                    WHERE expires_at < :before
                                    ORDER BY expires_at
                                    LIMIT :count);
