-- The schools of the district. An iPad, an invitation and a placeholder name their school by its name, as they did before there was a table.
CREATE TABLE schools (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    -- Lower case, made by the program: the order of the list, and what the search looks into.
    sort_name TEXT NOT NULL,
    search TEXT NOT NULL,
    code TEXT,
    code_key TEXT,
    -- Its id in the school's own system: sourcedId of OneRoster.
    source_id TEXT,
    time_zone TEXT,
    hours TEXT NOT NULL,
    at_once INTEGER,
    archived INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL
);

CREATE UNIQUE INDEX schools_by_name ON schools (name);
CREATE UNIQUE INDEX schools_by_code ON schools (code_key) WHERE code_key IS NOT NULL;
CREATE UNIQUE INDEX schools_by_source ON schools (source_id) WHERE source_id IS NOT NULL;
CREATE INDEX schools_by_sort_name ON schools (sort_name, id);

CREATE INDEX placeholders_by_school ON placeholders (school) WHERE school IS NOT NULL;
CREATE INDEX invitations_by_school ON invitations (school) WHERE school IS NOT NULL;
-- What counts the iPads of a school reads this and nothing else.
CREATE INDEX devices_enrolled_by_school ON devices (school) WHERE status = 2 AND id = device_id AND school IS NOT NULL;

INSERT INTO schools (id, version, name, sort_name, search, hours, archived, created_at, created_by, updated_at, updated_by)
SELECT lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))),
    1, t.school, lower(t.school), lower(t.school), '[]', 0, strftime('%s', 'now') * 1000, 'upgrade', strftime('%s', 'now') * 1000, 'upgrade'
FROM (
    SELECT school FROM devices WHERE school IS NOT NULL AND status IN (1, 2)
    UNION SELECT school FROM invitations WHERE school IS NOT NULL AND revoked_at IS NULL
    UNION SELECT school FROM placeholders WHERE school IS NOT NULL
) t;
