-- A list of iPads may hand over what another person has, as at the beginning of a school year; and what it handed out can be taken back for a while.
ALTER TABLE device_imports ADD COLUMN hand_over boolean NOT NULL DEFAULT false;
ALTER TABLE device_imports ADD COLUMN undone_at timestamptz(3);
ALTER TABLE device_imports ADD COLUMN undone_by text;
-- What was taken back: JSON.
ALTER TABLE device_imports ADD COLUMN undone text COLLATE "C";

CREATE TABLE device_import_moves (
    import_id text COLLATE "C" NOT NULL,
    serial_number text COLLATE "C" NOT NULL,
    -- Null: it was not enrolled, and waits for its person.
    device_id text COLLATE "C",
    holding_id text COLLATE "C",
    person_id text COLLATE "C" NOT NULL,
    -- The holding that ended by it; null: nobody had it.
    ended_id text COLLATE "C",
    -- Who would have got it.
    meant_before text COLLATE "C",
    PRIMARY KEY (import_id, serial_number)
);
