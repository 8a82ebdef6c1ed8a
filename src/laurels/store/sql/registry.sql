-- What operators manage. These statements are about all tenants: no tenant's data is in them.

-- name: create_tenant
INSERT INTO tenants (name, created_at)
VALUES (:name, :created_at)
    ON CONFLICT (name) DO NOTHING;

-- name: all_tenants
SELECT name, disabled
  FROM tenants
 ORDER BY name;

-- name: set_disabled
UPDATE tenants
   SET disabled = :disabled
 WHERE name = :name;

-- name: is_disabled
-- A world is disabled with its tenant.
SELECT disabled
  FROM tenants
 WHERE :world IN (name || '/live', name || '/test');

-- name: put_app
INSERT INTO apps (id, tenant, secret_digest, created_at)
VALUES (:id, :tenant, :secret_digest, :created_at)
    ON CONFLICT (id) DO UPDATE SET tenant = excluded.tenant, secret_digest = excluded.secret_digest;

-- name: find_app
SELECT id, tenant, secret_digest,
       COALESCE((SELECT disabled FROM tenants AS t
                  WHERE apps.tenant IN (t.name || '/live', t.name || '/test')), 0)
  FROM apps
 WHERE id = :id;

-- name: all_apps
SELECT id, tenant, secret_digest,
       COALESCE((SELECT disabled FROM tenants AS t
                  WHERE apps.tenant IN (t.name || '/live', t.name || '/test')), 0)
  FROM apps
 ORDER BY id;

-- name: put_key
INSERT INTO api_keys (digest, id, tenant, scopes, hint, expires_at, created_at)
VALUES (:digest, :id, :tenant, :scopes, :hint, :expires_at, :created_at)
    ON CONFLICT DO NOTHING;

-- name: find_key
SELECT id, tenant, scopes, expires_at, revoked,
       COALESCE((SELECT disabled FROM tenants AS t
                  WHERE api_keys.tenant IN (t.name || '/live', t.name || '/test')), 0)
  FROM api_keys
 WHERE digest = :digest;

-- name: all_keys
SELECT id, tenant, scopes, expires_at, revoked,
       COALESCE((SELECT disabled FROM tenants AS t
                  WHERE api_keys.tenant IN (t.name || '/live', t.name || '/test')), 0),
       hint, created_at
  FROM api_keys
 ORDER BY created_at, id;

-- name: revoke_key
UPDATE api_keys
   SET revoked = 1
 WHERE id = :id;

-- name: all_worlds
-- Every world that has a journal.
SELECT tenant
  FROM heads
 ORDER BY tenant;

-- name: worlds_with_rulebooks
SELECT DISTINCT tenant
  FROM rulebooks
 ORDER BY tenant;

-- name: participants_due
-- Of all worlds, since the scheduler looks after all of them.
SELECT tenant, id
  FROM participants
 WHERE tenant IN (SELECT tenant FROM heads)
   AND due_at <= :now
 ORDER BY due_at
 LIMIT :count;

-- name: put_installation
INSERT INTO installation (number, id)
VALUES (1, :id)
    ON CONFLICT (number) DO NOTHING;

-- name: installation
SELECT id
  FROM installation;
