-- An exam locks iPads into an app from its beginning to its end. Which iPads is written down when it begins.
CREATE TABLE exams (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    -- Lower case, made by the program.
    name_key TEXT NOT NULL,
    school_id TEXT,
    -- In the words of the filter; null: only those of classes, and those that were named.
    target TEXT,
    except_filter TEXT,
    -- The ids of classes whose pupils have iPads, in JSON; null: none.
    class_ids TEXT,
    -- The name_key of each group that they name, between line feeds.
    uses TEXT NOT NULL,
    kind INTEGER NOT NULL,
    -- The profile of the library that it was made from.
    reference TEXT,
    -- Sealed: as it was asked for, in JSON.
    asked BLOB NOT NULL,
    -- Sealed: the profile that locks, without its end.
    profile BLOB NOT NULL,
    -- What it asks of an iPad, in JSON.
    needs TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    -- 0: it has not begun, 1: it runs, 2: it is over.
    phase INTEGER NOT NULL,
    -- Of the lock: one more when the end is moved.
    revision INTEGER NOT NULL,
    -- Why it could not begin.
    problem TEXT,
    -- Who ended it before its time.
    ended_by TEXT,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL
);

CREATE INDEX exams_by_start ON exams (starts_at, id);
CREATE INDEX exams_open ON exams (phase) WHERE phase <> 2;

-- How it stands on each iPad.
CREATE TABLE exam_devices (
    device_id TEXT NOT NULL,
    exam_id TEXT NOT NULL,
    -- One more with each write.
    stamp INTEGER NOT NULL,
    -- Below 10: there is something to do, or to wait for.
    state INTEGER NOT NULL,
    -- Somebody named it; it was not found by the target.
    added INTEGER NOT NULL,
    -- When somebody released this one before the end.
    freed_at INTEGER,
    -- The lock that was sent last, and the one that the iPad has.
    revision INTEGER NOT NULL,
    installed INTEGER,
    -- Of the last command for it.
    command_uuid TEXT,
    attempts INTEGER NOT NULL,
    -- When the iPad's grain has something to do for it; null: nothing.
    due_at INTEGER,
    -- When it is to be woken; null: never.
    push_at INTEGER,
    pushes INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    locked_at INTEGER,
    released_at INTEGER,
    reason TEXT,
    PRIMARY KEY (device_id, exam_id)
) WITHOUT ROWID;

CREATE INDEX exam_devices_by_exam ON exam_devices (exam_id, state, device_id);
CREATE INDEX exam_devices_active ON exam_devices (device_id, due_at) WHERE state < 10;
CREATE INDEX exam_devices_push ON exam_devices (push_at, device_id) WHERE push_at IS NOT NULL;
