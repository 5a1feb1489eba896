-- What iPads have on them, as they last said. A list that is told again unchanged writes one time; one that changed writes the items that differ.

CREATE TABLE inventory_lists (
    device_id text COLLATE "C" NOT NULL,
    list smallint NOT NULL,
    digest uuid NOT NULL,
    as_of timestamptz(3) NOT NULL,
    changed_at timestamptz(3) NOT NULL,
    items integer NOT NULL,
    cut boolean NOT NULL,
    PRIMARY KEY (device_id, list)
) WITH (fillfactor = 80);

CREATE TABLE inventory_items (
    device_id text COLLATE "C" NOT NULL,
    list smallint NOT NULL,
    key text COLLATE "C" NOT NULL,
    name text,
    value text,
    expires_at timestamptz(3),
    details text NOT NULL,
    PRIMARY KEY (device_id, list, key)
);

-- Enrolments that ended: their inventory is forgotten after a while.
CREATE INDEX devices_ended ON devices (unenrolled_at) WHERE status IN (3, 4, 5);

-- For filters: who has an app or a profile; whose certificate ends.
CREATE INDEX inventory_items_by_key ON inventory_items (list, key, device_id);
CREATE INDEX inventory_items_by_end ON inventory_items (list, expires_at, device_id) WHERE expires_at IS NOT NULL;

-- The version of iPadOS as a number, so that 17.10 is more than 17.5. The program writes it with os_version.
ALTER TABLE devices ADD COLUMN os_number bigint;
UPDATE devices SET os_number =
    split_part(os_version, '.', 1)::bigint * 1000000000 + coalesce(nullif(split_part(os_version, '.', 2), '')::bigint, 0) * 1000000
    + coalesce(nullif(split_part(os_version, '.', 3), '')::bigint, 0) * 1000 + coalesce(nullif(split_part(os_version, '.', 4), '')::bigint, 0)
WHERE os_version ~ '^[0-9]{1,3}([.][0-9]{1,3}){0,3}$';
CREATE INDEX devices_by_os ON devices (os_number, id) WHERE os_number IS NOT NULL;
CREATE INDEX devices_by_product ON devices (product_name, id) WHERE product_name IS NOT NULL;

-- When an iPad is next to be asked about itself. Those that are there are spread over the coming day.
ALTER TABLE device_activity ADD COLUMN refresh_at timestamptz(3);
UPDATE device_activity SET refresh_at = now() + random() * interval '1 day';
