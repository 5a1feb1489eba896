-- An exam locks iPads into an app from its beginning to its end. Which iPads is written down when it begins.
CREATE TABLE exams (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    version integer NOT NULL,
    name text COLLATE "C" NOT NULL,
    -- Lower case, made by the program.
    name_key text COLLATE "C" NOT NULL,
    school_id text COLLATE "C",
    -- In the words of the filter; null: only those of classes, and those that were named.
    target text COLLATE "C",
    except_filter text COLLATE "C",
    -- The ids of classes whose pupils have iPads, in JSON; null: none.
    class_ids text,
    -- The name_key of each group that they name, between line feeds.
    uses text COLLATE "C" NOT NULL,
    kind smallint NOT NULL,
    -- The profile of the library that it was made from.
    reference text COLLATE "C",
    -- Sealed: as it was asked for, in JSON.
    asked bytea NOT NULL,
    -- Sealed: the profile that locks, without its end.
    profile bytea NOT NULL,
    -- What it asks of an iPad, in JSON.
    needs text NOT NULL,
    starts_at timestamptz(3) NOT NULL,
    ends_at timestamptz(3) NOT NULL,
    -- 0: it has not begun, 1: it runs, 2: it is over.
    phase smallint NOT NULL,
    -- Of the lock: one more when the end is moved.
    revision integer NOT NULL,
    -- Why it could not begin.
    problem text,
    -- Who ended it before its time.
    ended_by text,
    created_at timestamptz(3) NOT NULL,
    created_by text NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    updated_by text NOT NULL
);

CREATE INDEX exams_by_start ON exams (starts_at, id);
CREATE INDEX exams_open ON exams (phase) WHERE phase <> 2;

-- How it stands on each iPad.
CREATE TABLE exam_devices (
    device_id text COLLATE "C" NOT NULL,
    exam_id text COLLATE "C" NOT NULL,
    -- One more with each write.
    stamp integer NOT NULL,
    -- Below 10: there is something to do, or to wait for.
    state smallint NOT NULL,
    -- Somebody named it; it was not found by the target.
    added boolean NOT NULL,
    -- When somebody released this one before the end.
    freed_at timestamptz(3),
    -- The lock that was sent last, and the one that the iPad has.
    revision integer NOT NULL,
    installed integer,
    -- Of the last command for it.
    command_uuid text COLLATE "C",
    attempts smallint NOT NULL,
    -- When the iPad's grain has something to do for it; null: nothing.
    due_at timestamptz(3),
    -- When it is to be woken; null: never.
    push_at timestamptz(3),
    pushes smallint NOT NULL,
    changed_at timestamptz(3) NOT NULL,
    locked_at timestamptz(3),
    released_at timestamptz(3),
    reason text,
    PRIMARY KEY (device_id, exam_id)
) WITH (fillfactor = 70);

CREATE INDEX exam_devices_by_exam ON exam_devices (exam_id, state, device_id);
CREATE INDEX exam_devices_active ON exam_devices (device_id, due_at) WHERE state < 10;
CREATE INDEX exam_devices_push ON exam_devices (push_at, device_id) WHERE push_at IS NOT NULL;
