-- The people of the district: pupils, teachers, staff. Classes, and who is in them.
CREATE TABLE people (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    school_id TEXT,
    -- 1 pupil, 2 teacher, 3 staff.
    role INTEGER NOT NULL,
    given_name TEXT NOT NULL,
    family_name TEXT NOT NULL,
    -- Lower case, made by the program: the order of the list and what everybody's search looks into; the other one has ids and addresses besides.
    sort_name TEXT NOT NULL,
    search TEXT NOT NULL,
    -- In the school's own system.
    source_id TEXT,
    username TEXT,
    email TEXT,
    managed_account TEXT,
    account_key TEXT,
    grade TEXT,
    active INTEGER NOT NULL,
    left_at INTEGER,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL
);

CREATE UNIQUE INDEX people_by_source ON people (source_id) WHERE source_id IS NOT NULL;
CREATE UNIQUE INDEX people_by_account ON people (account_key) WHERE account_key IS NOT NULL;
CREATE INDEX people_by_name ON people (sort_name, id);
CREATE INDEX people_by_school ON people (school_id, active, sort_name, id);

CREATE TABLE classes (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    school_id TEXT NOT NULL,
    name TEXT NOT NULL,
    sort_name TEXT NOT NULL,
    search TEXT NOT NULL,
    code TEXT,
    source_id TEXT,
    -- The last day, as 2027-06-11.
    ends_on TEXT,
    active INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL
);

CREATE UNIQUE INDEX classes_by_source ON classes (source_id) WHERE source_id IS NOT NULL;
CREATE INDEX classes_by_name ON classes (sort_name, id);
CREATE INDEX classes_by_school ON classes (school_id, active, sort_name, id);

CREATE TABLE class_members (
    class_id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    -- As of people; 3 does not stand here.
    role INTEGER NOT NULL,
    PRIMARY KEY (class_id, person_id)
);

CREATE INDEX class_members_by_person ON class_members (person_id, class_id);

-- The search reads these narrow indexes from end to end, not the rows.
CREATE INDEX people_search ON people (id, search);
CREATE INDEX people_names ON people (id, sort_name);
