-- The invitation of a server of Automated Device Enrolment: nobody opens it by a link, and it stands in no list.
ALTER TABLE invitations ADD COLUMN automated INTEGER NOT NULL DEFAULT 0;

-- Device management services of Apple School Manager that this server speaks for.
CREATE TABLE automated_servers (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    -- Lower case, made by the program.
    name_key TEXT NOT NULL,
    -- What Apple encrypts tokens for: the certificate, and its key, sealed.
    certificate BLOB NOT NULL,
    private_key BLOB NOT NULL,
    key_made_at INTEGER NOT NULL,
    -- Sealed; null: none was uploaded.
    token BLOB,
    token_expires_at INTEGER,
    token_at INTEGER,
    token_by TEXT,
    -- As Apple said at GET /account.
    apple_uuid TEXT,
    apple_name TEXT,
    organization TEXT,
    organization_id TEXT,
    page_size INTEGER NOT NULL,
    invitation_id TEXT NOT NULL,
    -- The profile of iPads that have no other one.
    profile_id TEXT,
    -- One more with each write of the one who syncs: two never write over each other.
    revision INTEGER NOT NULL,
    cursor TEXT,
    -- The cursor is of a fetch that has not ended.
    fetching INTEGER NOT NULL,
    -- Of the fetch: what it does not list has left.
    generation INTEGER NOT NULL,
    fetched_at INTEGER,
    synced_at INTEGER,
    -- When there is something to do; null: no token.
    next_at INTEGER,
    failures INTEGER NOT NULL,
    problem INTEGER NOT NULL,
    problem_detail TEXT,
    problem_at INTEGER,
    -- Which iPad should have which profile is to be looked at anew.
    review INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL
);

CREATE UNIQUE INDEX automated_servers_by_name ON automated_servers (name_key);
CREATE UNIQUE INDEX automated_servers_by_uuid ON automated_servers (apple_uuid) WHERE apple_uuid IS NOT NULL;
CREATE INDEX automated_servers_due ON automated_servers (next_at) WHERE next_at IS NOT NULL;

-- iPads as Apple knows them. What was taken from this server there stays, and says since when.
CREATE TABLE automated_devices (
    serial_number TEXT NOT NULL PRIMARY KEY,
    server_id TEXT NOT NULL,
    model TEXT,
    description TEXT,
    color TEXT,
    asset_tag TEXT,
    device_family TEXT,
    os TEXT,
    -- As Apple says: which profile, and whether the iPad has taken it.
    profile_uuid TEXT,
    profile_status TEXT,
    profile_assigned_at INTEGER,
    profile_pushed_at INTEGER,
    assigned_by TEXT,
    assigned_at INTEGER,
    migration_deadline INTEGER,
    -- Of the newest operation that was taken: an older one changes nothing.
    op_at INTEGER,
    generation INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    released_at INTEGER,
    -- Chosen for this one.
    profile_id TEXT,
    -- 0 none is wanted, 1 waiting, 2 assigned, 3 failed, 4 throttled, 5 not accessible.
    state INTEGER NOT NULL,
    -- The profile that it should have, as Apple names it.
    wanted_uuid TEXT,
    state_at INTEGER NOT NULL,
    next_at INTEGER,
    attempts INTEGER NOT NULL,
    reason TEXT,
    -- When it last asked for its enrolment profile, and what it was answered.
    asked_at INTEGER,
    asked_os TEXT,
    answer TEXT
);

CREATE INDEX automated_devices_by_server ON automated_devices (server_id, serial_number);
CREATE INDEX automated_devices_by_state ON automated_devices (state, serial_number);
CREATE INDEX automated_devices_due ON automated_devices (server_id, next_at) WHERE next_at IS NOT NULL;
CREATE INDEX automated_devices_fetched ON automated_devices (server_id, generation) WHERE released_at IS NULL;

CREATE TABLE automated_profiles (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    -- JSON.
    definition TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL
);

CREATE UNIQUE INDEX automated_profiles_by_name ON automated_profiles (name_key);

-- A profile as it was told to Apple last: each change is a new one there.
CREATE TABLE automated_definitions (
    server_id TEXT NOT NULL,
    profile_id TEXT NOT NULL,
    digest TEXT NOT NULL,
    apple_uuid TEXT NOT NULL,
    defined_at INTEGER NOT NULL,
    PRIMARY KEY (server_id, profile_id)
);

-- The profile of iPads whose placeholder names a school.
CREATE TABLE automated_schools (
    school_id TEXT NOT NULL PRIMARY KEY,
    profile_id TEXT NOT NULL
);

-- Where iPads ask for their enrolment profile, and what they have to trust for it: written by the nodes that they reach.
CREATE TABLE automated_address (
    id INTEGER NOT NULL PRIMARY KEY,
    url TEXT NOT NULL,
    -- An array of certificates in Base64, as JSON.
    anchors TEXT NOT NULL
);

-- iPads that wait in Setup Assistant, and those that were let go without everything.
CREATE TABLE automated_holds (
    device_id TEXT NOT NULL PRIMARY KEY,
    serial_number TEXT,
    enrolled_at INTEGER NOT NULL,
    until_at INTEGER NOT NULL,
    -- 1 held, 2 on its way, 3 on its way without everything, 4 let go, 5 let go without everything, 6 it left.
    state INTEGER NOT NULL,
    command_uuid TEXT,
    missing TEXT,
    ended_at INTEGER
);

CREATE INDEX automated_holds_due ON automated_holds (until_at) WHERE state = 1;
CREATE INDEX automated_holds_by_state ON automated_holds (state, device_id);
