-- The schools of the district. An iPad, an invitation and a placeholder name their school by its name, as they did before there was a table.
CREATE TABLE schools (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    version integer NOT NULL,
    name text COLLATE "C" NOT NULL,
    -- Lower case, made by the program: the order of the list, and what the search looks into.
    sort_name text COLLATE "C" NOT NULL,
    search text COLLATE "C" NOT NULL,
    code text COLLATE "C",
    code_key text COLLATE "C",
    -- Its id in the school's own system: sourcedId of OneRoster.
    source_id text COLLATE "C",
    time_zone text COLLATE "C",
    hours text COLLATE "C" NOT NULL,
    at_once integer,
    archived boolean NOT NULL,
    created_at timestamptz(3) NOT NULL,
    created_by text NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    updated_by text NOT NULL
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
SELECT gen_random_uuid()::text, 1, t.school, lower(t.school), lower(t.school), '[]', false, now(), 'upgrade', now(), 'upgrade'
FROM (
    SELECT school FROM devices WHERE school IS NOT NULL AND status IN (1, 2)
    UNION SELECT school FROM invitations WHERE school IS NOT NULL AND revoked_at IS NULL
    UNION SELECT school FROM placeholders WHERE school IS NOT NULL
) t;
