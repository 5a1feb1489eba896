-- What iPads should have: a profile, an app or a setting, for all iPads that a target finds.
CREATE TABLE assignments (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    -- Lower case, made by the program.
    name_key TEXT NOT NULL,
    kind INTEGER NOT NULL,
    -- Two assignments of the same item want the same thing on the iPad.
    item TEXT NOT NULL,
    -- The profile of the library, or the app of this server.
    reference TEXT,
    -- What a removal names: the app's bundle identifier.
    removal TEXT,
    -- Sealed. Null: the profile's newest version is sent.
    command BLOB,
    -- Sealed: as it was asked for, in JSON.
    asked BLOB,
    -- Of the command: one more with each change. A profile has its versions.
    revision INTEGER NOT NULL,
    -- In the words of the filter; null: all iPads.
    target TEXT,
    except_filter TEXT,
    -- The name_key of each group that they name, between line feeds.
    uses TEXT NOT NULL,
    school_id TEXT,
    -- It stays on an iPad that it is not for any more.
    keep INTEGER NOT NULL,
    starts_at INTEGER,
    ends_at INTEGER,
    -- 0: it has not begun, 1: it is in force, 2: it is over, or deleted.
    phase INTEGER NOT NULL,
    deleted_at INTEGER,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL
);

CREATE UNIQUE INDEX assignments_by_name ON assignments (name_key) WHERE deleted_at IS NULL;
CREATE INDEX assignments_by_reference ON assignments (reference) WHERE reference IS NOT NULL;

-- How each stands on each iPad that it is for.
CREATE TABLE assignment_devices (
    device_id TEXT NOT NULL,
    assignment_id TEXT NOT NULL,
    state INTEGER NOT NULL,
    -- What was sent last, and what the iPad has.
    revision INTEGER NOT NULL,
    installed INTEGER,
    -- Of the last command for it.
    command_uuid TEXT,
    attempts INTEGER NOT NULL,
    -- When the iPad's grain has something to do for it; null: nothing.
    due_at INTEGER,
    changed_at INTEGER NOT NULL,
    reason TEXT,
    PRIMARY KEY (device_id, assignment_id)
) WITHOUT ROWID;

CREATE INDEX assignment_devices_by_assignment ON assignment_devices (assignment_id, state, device_id);
CREATE INDEX assignment_devices_due ON assignment_devices (device_id, due_at) WHERE due_at IS NOT NULL;

-- One more with each change of what is assigned: nodes ask whether what they remember is the newest.
CREATE TABLE assignment_plan (
    id INTEGER NOT NULL PRIMARY KEY,
    number INTEGER NOT NULL
);

INSERT INTO assignment_plan (id, number) VALUES (1, 0);
