-- What is wrong with an iPad: opened, closed, with what was said of it in between. At most one of a kind is open.
CREATE TABLE incidents (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    version integer NOT NULL,
    device_id text COLLATE "C" NOT NULL,
    -- 1 broken screen, 2 in repair, 3 lost, 4 other.
    kind smallint NOT NULL,
    opened_at timestamptz(3) NOT NULL,
    opened_by text NOT NULL,
    closed_at timestamptz(3),
    closed_by text
);

CREATE UNIQUE INDEX incidents_open ON incidents (device_id, kind) WHERE closed_at IS NULL;
CREATE INDEX incidents_by_device ON incidents (device_id, opened_at, id);
CREATE INDEX incidents_by_time ON incidents (opened_at, id);
CREATE INDEX incidents_open_by_time ON incidents (opened_at, id) WHERE closed_at IS NULL;

CREATE TABLE device_notes (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    device_id text COLLATE "C" NOT NULL,
    incident_id text COLLATE "C",
    -- 1 a note; of an incident besides: 2 opened, 3 changed, 4 closed, 5 opened again.
    what smallint NOT NULL,
    -- Of the incident, from then on.
    kind smallint,
    text text COLLATE "C",
    written_at timestamptz(3) NOT NULL,
    written_by text NOT NULL
);

CREATE INDEX device_notes_by_device ON device_notes (device_id, written_at, id);
CREATE INDEX device_notes_by_incident ON device_notes (incident_id, written_at, id) WHERE incident_id IS NOT NULL;

-- Who gets an iPad when it enrols: from the list of another server.
ALTER TABLE placeholders ADD COLUMN person_id text COLLATE "C";
CREATE INDEX placeholders_by_person ON placeholders (person_id) WHERE person_id IS NOT NULL;

-- Lists of iPads of other servers that were looked at and may be applied. Their rows wait here until then, and go when they were applied or are a day old.
CREATE TABLE device_imports (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    -- Which columns of placeholders the file has, as a JSON array: the others stay as they stand.
    columns text COLLATE "C" NOT NULL,
    -- What was wrong in it, and how it was read: JSON.
    notes text COLLATE "C" NOT NULL,
    -- An array of arrays: serial number, name, school, asset tag, person, id of the holding.
    rows text COLLATE "C" NOT NULL,
    created_at timestamptz(3) NOT NULL,
    created_by text NOT NULL,
    applied_at timestamptz(3),
    applied_by text,
    -- What it changed: JSON.
    result text COLLATE "C"
);

CREATE INDEX device_imports_by_time ON device_imports (created_at, id);
