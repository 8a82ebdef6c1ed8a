"""How far a tenant's journal goes."""

from laurels.core.event import TenantId
from laurels.store.hand import Hand


def head(reader: Hand, tenant: TenantId) -> int:
    """Return the newest number of a journal; 0 for an empty one."""
    row = reader.run("head", tenant).fetchone()
    return 0 if row is None else row[0]
