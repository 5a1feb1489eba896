-- The library of configuration profiles. Each change of a profile is a version, and a version never changes. What it holds is sealed as bodies are.
CREATE TABLE profiles (
    id TEXT NOT NULL PRIMARY KEY,
    identifier TEXT NOT NULL,
    name TEXT NOT NULL,
    -- Lower case, made by the program: the order of the list, and what the search looks into.
    sort_name TEXT NOT NULL,
    search TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    -- The link by which everybody can get it: its hash, to be found by, and the link itself, sealed.
    link_hash BLOB,
    link_sealed BLOB,
    link_secrets INTEGER NOT NULL DEFAULT 0,
    linked_at INTEGER
);

CREATE UNIQUE INDEX profiles_by_identifier ON profiles (identifier);
CREATE INDEX profiles_by_name ON profiles (sort_name, id);
CREATE UNIQUE INDEX profiles_by_link ON profiles (link_hash) WHERE link_hash IS NOT NULL;

CREATE TABLE profile_versions (
    profile_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    uuid TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    signed INTEGER NOT NULL,
    has_secrets INTEGER NOT NULL,
    variables TEXT NOT NULL,
    payloads TEXT NOT NULL,
    size INTEGER NOT NULL,
    hash BLOB NOT NULL,
    content BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    note TEXT,
    restored_from INTEGER,
    -- The same, signed by this server with the certificate of that fingerprint.
    signature BLOB,
    signer BLOB,
    PRIMARY KEY (profile_id, version)
);

CREATE INDEX profile_versions_by_uuid ON profile_versions (profile_id, uuid);

-- What the library last sent to each iPad: wanted is 1 to install and 2 to remove; outcome is 0 while the command waits, 1 done, 2 failed, 3 ended without.
CREATE TABLE profile_installs (
    device_id TEXT NOT NULL,
    profile_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    command_uuid TEXT NOT NULL,
    wanted INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    reason TEXT,
    PRIMARY KEY (device_id, profile_id)
) WITHOUT ROWID;

CREATE INDEX profile_installs_by_profile ON profile_installs (profile_id, device_id);
