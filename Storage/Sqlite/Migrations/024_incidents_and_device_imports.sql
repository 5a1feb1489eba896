-- What is wrong with an iPad: opened, closed, with what was said of it in between. At most one of a kind is open.
CREATE TABLE incidents (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    device_id TEXT NOT NULL,
    -- 1 broken screen, 2 in repair, 3 lost, 4 other.
    kind INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    opened_by TEXT NOT NULL,
    closed_at INTEGER,
    closed_by TEXT
);

CREATE UNIQUE INDEX incidents_open ON incidents (device_id, kind) WHERE closed_at IS NULL;
CREATE INDEX incidents_by_device ON incidents (device_id, opened_at, id);
CREATE INDEX incidents_by_time ON incidents (opened_at, id);
CREATE INDEX incidents_open_by_time ON incidents (opened_at, id) WHERE closed_at IS NULL;

CREATE TABLE device_notes (
    id TEXT NOT NULL PRIMARY KEY,
    device_id TEXT NOT NULL,
    incident_id TEXT,
    -- 1 a note; of an incident besides: 2 opened, 3 changed, 4 closed, 5 opened again.
    what INTEGER NOT NULL,
    -- Of the incident, from then on.
    kind INTEGER,
    text TEXT,
    written_at INTEGER NOT NULL,
    written_by TEXT NOT NULL
);

CREATE INDEX device_notes_by_device ON device_notes (device_id, written_at, id);
CREATE INDEX device_notes_by_incident ON device_notes (incident_id, written_at, id) WHERE incident_id IS NOT NULL;

-- Who gets an iPad when it enrols: from the list of another server.
ALTER TABLE placeholders ADD COLUMN person_id TEXT;
CREATE INDEX placeholders_by_person ON placeholders (person_id) WHERE person_id IS NOT NULL;

-- Lists of iPads of other servers that were looked at and may be applied. Their rows wait here until then, and go when they were applied or are a day old.
CREATE TABLE device_imports (
    id TEXT NOT NULL PRIMARY KEY,
    -- Which columns of placeholders the file has, as a JSON array: the others stay as they stand.
    columns TEXT NOT NULL,
    -- What was wrong in it, and how it was read: JSON.
    notes TEXT NOT NULL,
    -- An array of arrays: serial number, name, school, asset tag, person, id of the holding.
    rows TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    applied_at INTEGER,
    applied_by TEXT,
    -- What it changed: JSON.
    result TEXT
);

CREATE INDEX device_imports_by_time ON device_imports (created_at, id);
