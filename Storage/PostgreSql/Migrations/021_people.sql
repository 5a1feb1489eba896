-- The people of the district: pupils, teachers, staff. Classes, and who is in them.
CREATE TABLE people (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    version integer NOT NULL,
    school_id text COLLATE "C",
    -- 1 pupil, 2 teacher, 3 staff.
    role smallint NOT NULL,
    given_name text COLLATE "C" NOT NULL,
    family_name text COLLATE "C" NOT NULL,
    -- Lower case, made by the program: the order of the list and what everybody's search looks into; the other one has ids and addresses besides.
    sort_name text COLLATE "C" NOT NULL,
    search text COLLATE "C" NOT NULL,
    -- In the school's own system.
    source_id text COLLATE "C",
    username text COLLATE "C",
    email text COLLATE "C",
    managed_account text COLLATE "C",
    account_key text COLLATE "C",
    grade text COLLATE "C",
    active boolean NOT NULL,
    left_at timestamptz(3),
    created_at timestamptz(3) NOT NULL,
    created_by text NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    updated_by text NOT NULL
);

CREATE UNIQUE INDEX people_by_source ON people (source_id) WHERE source_id IS NOT NULL;
CREATE UNIQUE INDEX people_by_account ON people (account_key) WHERE account_key IS NOT NULL;
CREATE INDEX people_by_name ON people (sort_name, id);
CREATE INDEX people_by_school ON people (school_id, active, sort_name, id);

CREATE TABLE classes (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    version integer NOT NULL,
    school_id text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    sort_name text COLLATE "C" NOT NULL,
    search text COLLATE "C" NOT NULL,
    code text COLLATE "C",
    source_id text COLLATE "C",
    -- The last day, as 2027-06-11.
    ends_on text COLLATE "C",
    active boolean NOT NULL,
    created_at timestamptz(3) NOT NULL,
    created_by text NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    updated_by text NOT NULL
);

CREATE UNIQUE INDEX classes_by_source ON classes (source_id) WHERE source_id IS NOT NULL;
CREATE INDEX classes_by_name ON classes (sort_name, id);
CREATE INDEX classes_by_school ON classes (school_id, active, sort_name, id);

CREATE TABLE class_members (
    class_id text COLLATE "C" NOT NULL,
    person_id text COLLATE "C" NOT NULL,
    -- As of people; 3 does not stand here.
    role smallint NOT NULL,
    PRIMARY KEY (class_id, person_id)
);

CREATE INDEX class_members_by_person ON class_members (person_id, class_id);

DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX people_name_by_part ON people USING gin (sort_name gin_trgm_ops);
    CREATE INDEX people_search_by_part ON people USING gin (search gin_trgm_ops);
EXCEPTION
    WHEN insufficient_privilege OR feature_not_supported OR undefined_file OR undefined_object THEN
        RAISE WARNING 'pg_trgm cannot be had: the search for people reads all of them (%)', SQLERRM;
END
$$;
