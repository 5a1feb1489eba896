-- A list of iPads may hand over what another person has, as at the beginning of a school year; and what it handed out can be taken back for a while.
ALTER TABLE device_imports ADD COLUMN hand_over INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device_imports ADD COLUMN undone_at INTEGER;
ALTER TABLE device_imports ADD COLUMN undone_by TEXT;
-- What was taken back: JSON.
ALTER TABLE device_imports ADD COLUMN undone TEXT;

CREATE TABLE device_import_moves (
    import_id TEXT NOT NULL,
    serial_number TEXT NOT NULL,
    -- Null: it was not enrolled, and waits for its person.
    device_id TEXT,
    holding_id TEXT,
    person_id TEXT NOT NULL,
    -- The holding that ended by it; null: nobody had it.
    ended_id TEXT,
    -- Who would have got it.
    meant_before TEXT,
    PRIMARY KEY (import_id, serial_number)
) WITHOUT ROWID;
