-- The library of configuration profiles. Each change of a profile is a version, and a version never changes. What it holds is sealed as bodies are.
CREATE TABLE profiles (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    identifier text COLLATE "C" NOT NULL,
    name text NOT NULL,
    -- Lower case, made by the program: the order of the list, and what the search looks into.
    sort_name text COLLATE "C" NOT NULL,
    search text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    created_at timestamptz(3) NOT NULL,
    created_by text NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    updated_by text NOT NULL,
    -- The link by which everybody can get it: its hash, to be found by, and the link itself, sealed.
    link_hash bytea,
    link_sealed bytea,
    link_secrets boolean NOT NULL DEFAULT false,
    linked_at timestamptz(3)
);

CREATE UNIQUE INDEX profiles_by_identifier ON profiles (identifier);
CREATE INDEX profiles_by_name ON profiles (sort_name, id);
CREATE UNIQUE INDEX profiles_by_link ON profiles (link_hash) WHERE link_hash IS NOT NULL;

CREATE TABLE profile_versions (
    profile_id text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    uuid text COLLATE "C" NOT NULL,
    name text NOT NULL,
    description text,
    signed boolean NOT NULL,
    has_secrets boolean NOT NULL,
    variables text NOT NULL,
    payloads text NOT NULL,
    size integer NOT NULL,
    hash bytea NOT NULL,
    content bytea NOT NULL,
    created_at timestamptz(3) NOT NULL,
    created_by text NOT NULL,
    note text,
    restored_from integer,
    -- The same, signed by this server with the certificate of that fingerprint.
    signature bytea,
    signer bytea,
    PRIMARY KEY (profile_id, version)
);

CREATE INDEX profile_versions_by_uuid ON profile_versions (profile_id, uuid);

-- What the library last sent to each iPad: wanted is 1 to install and 2 to remove; outcome is 0 while the command waits, 1 done, 2 failed, 3 ended without.
CREATE TABLE profile_installs (
    device_id text COLLATE "C" NOT NULL,
    profile_id text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    command_uuid text COLLATE "C" NOT NULL,
    wanted smallint NOT NULL,
    outcome smallint NOT NULL,
    changed_at timestamptz(3) NOT NULL,
    reason text,
    PRIMARY KEY (device_id, profile_id)
) WITH (fillfactor = 80);

CREATE INDEX profile_installs_by_profile ON profile_installs (profile_id, device_id);
