-- The invitation of a server of Automated Device Enrolment: nobody opens it by a link, and it stands in no list.
ALTER TABLE invitations ADD COLUMN automated boolean NOT NULL DEFAULT false;

-- Device management services of Apple School Manager that this server speaks for.
CREATE TABLE automated_servers (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    version integer NOT NULL,
    name text NOT NULL,
    -- Lower case, made by the program.
    name_key text COLLATE "C" NOT NULL,
    -- What Apple encrypts tokens for: the certificate, and its key, sealed.
    certificate bytea NOT NULL,
    private_key bytea NOT NULL,
    key_made_at timestamptz(3) NOT NULL,
    -- Sealed; null: none was uploaded.
    token bytea,
    token_expires_at timestamptz(3),
    token_at timestamptz(3),
    token_by text,
    -- As Apple said at GET /account.
    apple_uuid text COLLATE "C",
    apple_name text,
    organization text,
    organization_id text COLLATE "C",
    page_size integer NOT NULL,
    invitation_id text COLLATE "C" NOT NULL,
    -- The profile of iPads that have no other one.
    profile_id text COLLATE "C",
    -- One more with each write of the one who syncs: two never write over each other.
    revision bigint NOT NULL,
    cursor text COLLATE "C",
    -- The cursor is of a fetch that has not ended.
    fetching boolean NOT NULL,
    -- Of the fetch: what it does not list has left.
    generation bigint NOT NULL,
    fetched_at timestamptz(3),
    synced_at timestamptz(3),
    -- When there is something to do; null: no token.
    next_at timestamptz(3),
    failures integer NOT NULL,
    problem smallint NOT NULL,
    problem_detail text,
    problem_at timestamptz(3),
    -- Which iPad should have which profile is to be looked at anew.
    review boolean NOT NULL,
    created_at timestamptz(3) NOT NULL,
    created_by text NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    updated_by text NOT NULL
);

CREATE UNIQUE INDEX automated_servers_by_name ON automated_servers (name_key);
CREATE UNIQUE INDEX automated_servers_by_uuid ON automated_servers (apple_uuid) WHERE apple_uuid IS NOT NULL;
CREATE INDEX automated_servers_due ON automated_servers (next_at) WHERE next_at IS NOT NULL;

-- iPads as Apple knows them. What was taken from this server there stays, and says since when.
CREATE TABLE automated_devices (
    serial_number text COLLATE "C" NOT NULL PRIMARY KEY,
    server_id text COLLATE "C" NOT NULL,
    model text,
    description text,
    color text,
    asset_tag text,
    device_family text,
    os text,
    -- As Apple says: which profile, and whether the iPad has taken it.
    profile_uuid text COLLATE "C",
    profile_status text COLLATE "C",
    profile_assigned_at timestamptz(3),
    profile_pushed_at timestamptz(3),
    assigned_by text,
    assigned_at timestamptz(3),
    migration_deadline timestamptz(3),
    -- Of the newest operation that was taken: an older one changes nothing.
    op_at timestamptz(3),
    generation bigint NOT NULL,
    first_at timestamptz(3) NOT NULL,
    changed_at timestamptz(3) NOT NULL,
    released_at timestamptz(3),
    -- Chosen for this one.
    profile_id text COLLATE "C",
    -- 0 none is wanted, 1 waiting, 2 assigned, 3 failed, 4 throttled, 5 not accessible.
    state smallint NOT NULL,
    -- The profile that it should have, as Apple names it.
    wanted_uuid text COLLATE "C",
    state_at timestamptz(3) NOT NULL,
    next_at timestamptz(3),
    attempts smallint NOT NULL,
    reason text,
    -- When it last asked for its enrolment profile, and what it was answered.
    asked_at timestamptz(3),
    asked_os text,
    answer text
);

CREATE INDEX automated_devices_by_server ON automated_devices (server_id, serial_number);
CREATE INDEX automated_devices_by_state ON automated_devices (state, serial_number);
CREATE INDEX automated_devices_due ON automated_devices (server_id, next_at) WHERE next_at IS NOT NULL;
CREATE INDEX automated_devices_fetched ON automated_devices (server_id, generation) WHERE released_at IS NULL;

CREATE TABLE automated_profiles (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    version integer NOT NULL,
    name text NOT NULL,
    name_key text COLLATE "C" NOT NULL,
    -- JSON.
    definition text COLLATE "C" NOT NULL,
    created_at timestamptz(3) NOT NULL,
    created_by text NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    updated_by text NOT NULL
);

CREATE UNIQUE INDEX automated_profiles_by_name ON automated_profiles (name_key);

-- A profile as it was told to Apple last: each change is a new one there.
CREATE TABLE automated_definitions (
    server_id text COLLATE "C" NOT NULL,
    profile_id text COLLATE "C" NOT NULL,
    digest text COLLATE "C" NOT NULL,
    apple_uuid text COLLATE "C" NOT NULL,
    defined_at timestamptz(3) NOT NULL,
    PRIMARY KEY (server_id, profile_id)
);

-- The profile of iPads whose placeholder names a school.
CREATE TABLE automated_schools (
    school_id text COLLATE "C" NOT NULL PRIMARY KEY,
    profile_id text COLLATE "C" NOT NULL
);

-- Where iPads ask for their enrolment profile, and what they have to trust for it: written by the nodes that they reach.
CREATE TABLE automated_address (
    id integer NOT NULL PRIMARY KEY,
    url text COLLATE "C" NOT NULL,
    -- An array of certificates in Base64, as JSON.
    anchors text COLLATE "C" NOT NULL
);

-- iPads that wait in Setup Assistant, and those that were let go without everything.
CREATE TABLE automated_holds (
    device_id text COLLATE "C" NOT NULL PRIMARY KEY,
    serial_number text COLLATE "C",
    enrolled_at timestamptz(3) NOT NULL,
    until_at timestamptz(3) NOT NULL,
    -- 1 held, 2 on its way, 3 on its way without everything, 4 let go, 5 let go without everything, 6 it left.
    state smallint NOT NULL,
    command_uuid text COLLATE "C",
    missing text,
    ended_at timestamptz(3)
);

CREATE INDEX automated_holds_due ON automated_holds (until_at) WHERE state = 1;
CREATE INDEX automated_holds_by_state ON automated_holds (state, device_id);
