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
