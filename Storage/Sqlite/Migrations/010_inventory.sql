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

-- For filters: who has an app or a profile; whose certificate ends.
CREATE INDEX inventory_items_by_key ON inventory_items (list, key, device_id);
CREATE INDEX inventory_items_by_end ON inventory_items (list, expires_at, device_id) WHERE expires_at IS NOT NULL;

-- The version of iPadOS as a number, so that 17.10 is more than 17.5. The program writes it with os_version.
ALTER TABLE devices ADD COLUMN os_number INTEGER;
UPDATE devices SET os_number = (
    SELECT json_extract(v.parts, '$[0]') * 1000000000 + coalesce(json_extract(v.parts, '$[1]'), 0) * 1000000
        + coalesce(json_extract(v.parts, '$[2]'), 0) * 1000 + coalesce(json_extract(v.parts, '$[3]'), 0)
    FROM (SELECT '[' || replace(devices.os_version, '.', ',') || ']' AS parts) AS v)
WHERE os_version NOT GLOB '*[^0-9.]*' AND os_version NOT GLOB '*[0-9][0-9][0-9][0-9]*' AND os_version NOT GLOB '*.*.*.*.*'
    AND json_valid('[' || replace(os_version, '.', ',') || ']') AND os_version <> '';
CREATE INDEX devices_by_os ON devices (os_number, id) WHERE os_number IS NOT NULL;
CREATE INDEX devices_by_product ON devices (product_name, id) WHERE product_name IS NOT NULL;

-- When an iPad is next to be asked about itself. Those that are there are spread over the coming day.
ALTER TABLE device_activity ADD COLUMN refresh_at INTEGER;
UPDATE device_activity SET refresh_at = unixepoch() * 1000 + abs(random() % 86400000);
