-- Files of people and classes that were looked at and may be applied. Their rows wait here until then, and go when they were applied or are a day old.
CREATE TABLE imports (
    id TEXT NOT NULL PRIMARY KEY,
    format TEXT NOT NULL,
    -- The file is the whole list of its schools: who is not in it has left.
    complete INTEGER NOT NULL,
    -- Which columns of people the file has, as a JSON array: the others stay as they stand.
    columns TEXT NOT NULL,
    -- What was wrong in it, and how it was read: JSON.
    notes TEXT NOT NULL,
    -- All its rows wait here.
    staged INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    applied_at INTEGER,
    applied_by TEXT,
    -- What it changed: JSON.
    result TEXT
);

CREATE INDEX imports_by_time ON imports (created_at, id);

CREATE TABLE import_schools (
    import_id TEXT NOT NULL,
    -- Of the school that stands, or that is to be made.
    id TEXT NOT NULL,
    source_id TEXT,
    name TEXT NOT NULL,
    sort_name TEXT NOT NULL,
    search TEXT NOT NULL,
    code TEXT,
    code_key TEXT,
    is_new INTEGER NOT NULL,
    PRIMARY KEY (import_id, id)
);

CREATE TABLE import_people (
    import_id TEXT NOT NULL,
    source_id TEXT NOT NULL,
    -- Of a person who is new.
    id TEXT NOT NULL,
    school_id TEXT,
    role INTEGER NOT NULL,
    given_name TEXT NOT NULL,
    family_name TEXT NOT NULL,
    sort_name TEXT NOT NULL,
    given_first TEXT NOT NULL,
    username TEXT,
    email TEXT,
    managed_account TEXT,
    account_key TEXT,
    grade TEXT,
    active INTEGER NOT NULL,
    line INTEGER NOT NULL,
    PRIMARY KEY (import_id, source_id)
);

CREATE INDEX import_people_by_account ON import_people (import_id, account_key) WHERE account_key IS NOT NULL;

CREATE TABLE import_classes (
    import_id TEXT NOT NULL,
    source_id TEXT NOT NULL,
    id TEXT NOT NULL,
    school_id TEXT NOT NULL,
    name TEXT NOT NULL,
    sort_name TEXT NOT NULL,
    search TEXT NOT NULL,
    code TEXT,
    ends_on TEXT,
    active INTEGER NOT NULL,
    PRIMARY KEY (import_id, source_id)
);

CREATE TABLE import_members (
    import_id TEXT NOT NULL,
    class_source_id TEXT NOT NULL,
    person_source_id TEXT NOT NULL,
    role INTEGER NOT NULL,
    active INTEGER NOT NULL,
    PRIMARY KEY (import_id, class_source_id, person_source_id)
);
