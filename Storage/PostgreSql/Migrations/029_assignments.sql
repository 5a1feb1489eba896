-- What iPads should have: a profile, an app or a setting, for all iPads that a target finds.
CREATE TABLE assignments (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    version integer NOT NULL,
    name text COLLATE "C" NOT NULL,
    -- Lower case, made by the program.
    name_key text COLLATE "C" NOT NULL,
    kind smallint NOT NULL,
    -- Two assignments of the same item want the same thing on the iPad.
    item text COLLATE "C" NOT NULL,
    -- The profile of the library, or the app of this server.
    reference text COLLATE "C",
    -- What a removal names: the app's bundle identifier.
    removal text COLLATE "C",
    -- Sealed. Null: the profile's newest version is sent.
    command bytea,
    -- Sealed: as it was asked for, in JSON.
    asked bytea,
    -- Of the command: one more with each change. A profile has its versions.
    revision integer NOT NULL,
    -- In the words of the filter; null: all iPads.
    target text COLLATE "C",
    except_filter text COLLATE "C",
    -- The name_key of each group that they name, between line feeds.
    uses text COLLATE "C" NOT NULL,
    school_id text COLLATE "C",
    -- It stays on an iPad that it is not for any more.
    keep boolean NOT NULL,
    starts_at timestamptz(3),
    ends_at timestamptz(3),
    -- 0: it has not begun, 1: it is in force, 2: it is over, or deleted.
    phase smallint NOT NULL,
    deleted_at timestamptz(3),
    created_at timestamptz(3) NOT NULL,
    created_by text NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    updated_by text NOT NULL
);

CREATE UNIQUE INDEX assignments_by_name ON assignments (name_key) WHERE deleted_at IS NULL;
CREATE INDEX assignments_by_reference ON assignments (reference) WHERE reference IS NOT NULL;

-- How each stands on each iPad that it is for.
CREATE TABLE assignment_devices (
    device_id text COLLATE "C" NOT NULL,
    assignment_id text COLLATE "C" NOT NULL,
    state smallint NOT NULL,
    -- What was sent last, and what the iPad has.
    revision integer NOT NULL,
    installed integer,
    -- Of the last command for it.
    command_uuid text COLLATE "C",
    attempts smallint NOT NULL,
    -- When the iPad's grain has something to do for it; null: nothing.
    due_at timestamptz(3),
    changed_at timestamptz(3) NOT NULL,
    reason text,
    PRIMARY KEY (device_id, assignment_id)
) WITH (fillfactor = 70);

CREATE INDEX assignment_devices_by_assignment ON assignment_devices (assignment_id, state, device_id);
CREATE INDEX assignment_devices_due ON assignment_devices (device_id, due_at) WHERE due_at IS NOT NULL;

-- One more with each change of what is assigned: nodes ask whether what they remember is the newest.
CREATE TABLE assignment_plan (
    id smallint NOT NULL PRIMARY KEY,
    number bigint NOT NULL
);

INSERT INTO assignment_plan (id, number) VALUES (1, 0);
