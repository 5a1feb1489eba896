-- What iPads have on them, as they last said. The same tables as on PostgreSQL.

CREATE TABLE inventory_lists (
    device_id TEXT NOT NULL,
    list INTEGER NOT NULL,
    digest BLOB NOT NULL,
    as_of INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    items INTEGER NOT NULL,
    cut INTEGER NOT NULL,
    PRIMARY KEY (device_id, list)
) WITHOUT ROWID;

CREATE TABLE inventory_items (
    device_id TEXT NOT NULL,
    list INTEGER NOT NULL,
    key TEXT NOT NULL,
    name TEXT,
    value TEXT,
    expires_at INTEGER,
    details TEXT NOT NULL,
    PRIMARY KEY (device_id, list, key)
) WITHOUT ROWID;

-- Enrolments that ended: their inventory is forgotten after a while.
CREATE INDEX devices_ended ON devices (unenrolled_at) WHERE status IN (3, 4, 5);
