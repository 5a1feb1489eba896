-- Files of people and classes that were looked at and may be applied. Their rows wait here until then, and go when they were applied or are a day old.
CREATE TABLE imports (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    format text COLLATE "C" NOT NULL,
    -- The file is the whole list of its schools: who is not in it has left.
    complete boolean NOT NULL,
    -- Which columns of people the file has, as a JSON array: the others stay as they stand.
    columns text COLLATE "C" NOT NULL,
    -- What was wrong in it, and how it was read: JSON.
    notes text COLLATE "C" NOT NULL,
    -- All its rows wait here.
    staged boolean NOT NULL,
    created_at timestamptz(3) NOT NULL,
    created_by text NOT NULL,
    applied_at timestamptz(3),
    applied_by text,
    -- What it changed: JSON.
    result text COLLATE "C"
);

CREATE INDEX imports_by_time ON imports (created_at, id);

CREATE TABLE import_schools (
    import_id text COLLATE "C" NOT NULL,
    -- Of the school that stands, or that is to be made.
    id text COLLATE "C" NOT NULL,
    source_id text COLLATE "C",
    name text COLLATE "C" NOT NULL,
    sort_name text COLLATE "C" NOT NULL,
    search text COLLATE "C" NOT NULL,
    code text COLLATE "C",
    code_key text COLLATE "C",
    is_new boolean NOT NULL,
    PRIMARY KEY (import_id, id)
);

CREATE TABLE import_people (
    import_id text COLLATE "C" NOT NULL,
    source_id text COLLATE "C" NOT NULL,
    -- Of a person who is new.
    id text COLLATE "C" NOT NULL,
    school_id text COLLATE "C",
    role smallint NOT NULL,
    given_name text COLLATE "C" NOT NULL,
    family_name text COLLATE "C" NOT NULL,
    sort_name text COLLATE "C" NOT NULL,
    given_first text COLLATE "C" NOT NULL,
    username text COLLATE "C",
    email text COLLATE "C",
    managed_account text COLLATE "C",
    account_key text COLLATE "C",
    grade text COLLATE "C",
    active boolean NOT NULL,
    line integer NOT NULL,
    PRIMARY KEY (import_id, source_id)
);

CREATE INDEX import_people_by_account ON import_people (import_id, account_key) WHERE account_key IS NOT NULL;

CREATE TABLE import_classes (
    import_id text COLLATE "C" NOT NULL,
    source_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    school_id text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    sort_name text COLLATE "C" NOT NULL,
    search text COLLATE "C" NOT NULL,
    code text COLLATE "C",
    ends_on text COLLATE "C",
    active boolean NOT NULL,
    PRIMARY KEY (import_id, source_id)
);

CREATE TABLE import_members (
    import_id text COLLATE "C" NOT NULL,
    class_source_id text COLLATE "C" NOT NULL,
    person_source_id text COLLATE "C" NOT NULL,
    role smallint NOT NULL,
    active boolean NOT NULL,
    PRIMARY KEY (import_id, class_source_id, person_source_id)
);
