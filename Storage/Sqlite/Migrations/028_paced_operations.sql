-- Operations that begin in waves, in windows of time, and within what a school's network takes. Who gets the command is fixed at the start; the queue row of
-- an iPad comes when its turn comes, so that nothing is delivered early.
-- As JSON; null: everything at once.
ALTER TABLE operations ADD COLUMN pace TEXT;
-- 1: runs; 2: paused; 3: nothing more begins.
ALTER TABLE operations ADD COLUMN phase INTEGER;
ALTER TABLE operations ADD COLUMN wave INTEGER;
-- Up to this wave somebody has accepted the failures.
ALTER TABLE operations ADD COLUMN excused INTEGER NOT NULL DEFAULT 0;
ALTER TABLE operations ADD COLUMN begun INTEGER NOT NULL DEFAULT 0;
ALTER TABLE operations ADD COLUMN skipped INTEGER NOT NULL DEFAULT 0;
ALTER TABLE operations ADD COLUMN next_at INTEGER;
ALTER TABLE operations ADD COLUMN stop_reason TEXT;
-- The operation whose failures it tries again.
ALTER TABLE operations ADD COLUMN retry_of TEXT;
-- The repeating operation that it is a run of.
ALTER TABLE operations ADD COLUMN repeat_id TEXT;

CREATE INDEX operations_due ON operations (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX operations_by_retry ON operations (retry_of, number) WHERE retry_of IS NOT NULL;
CREATE INDEX operations_by_repeat ON operations (repeat_id, number) WHERE repeat_id IS NOT NULL;

CREATE TABLE operation_waves (
    operation_id TEXT NOT NULL,
    wave INTEGER NOT NULL,
    first_position INTEGER NOT NULL,
    last_position INTEGER NOT NULL,
    began_at INTEGER,
    ended_at INTEGER,
    PRIMARY KEY (operation_id, wave)
) WITHOUT ROWID;

CREATE TABLE operation_members (
    operation_id TEXT NOT NULL,
    enrolment_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    -- The name; empty: none.
    school TEXT NOT NULL,
    -- 0: has not begun; 1: begun; 2: skipped, since it had left.
    state INTEGER NOT NULL DEFAULT 0,
    begun_at INTEGER,
    -- What it takes of its school's network. 0: nothing; 1: until its command ends; 2: for a time, since the iPad acknowledges before it downloads.
    slot INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (operation_id, enrolment_id)
) WITHOUT ROWID;

CREATE INDEX operation_members_by_position ON operation_members (operation_id, position);
CREATE INDEX operation_members_waiting ON operation_members (operation_id, school, position) WHERE state = 0;
CREATE INDEX operation_members_slots ON operation_members (school, begun_at) WHERE slot > 0 AND state = 1;

-- Operations that are started again and again, each time for those that the target finds then.
CREATE TABLE repeating_operations (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    request_type TEXT NOT NULL,
    body_hash BLOB NOT NULL,
    -- As grains take it, and in the words of the one who asked; both JSON.
    target TEXT NOT NULL,
    asked TEXT NOT NULL,
    pace TEXT,
    push INTEGER NOT NULL,
    force INTEGER NOT NULL,
    -- How long the command of a run is delivered.
    expires_hours INTEGER,
    -- Of the week, as numbers with commas; Sunday is 0.
    days TEXT NOT NULL,
    -- After midnight.
    at_minutes INTEGER NOT NULL,
    time_zone TEXT NOT NULL,
    -- 1: runs; 2: paused; 3: ended.
    state INTEGER NOT NULL,
    next_at INTEGER,
    last_at INTEGER,
    -- What the last run was; null: it started no operation.
    last_operation_id TEXT,
    -- Why it started none.
    last_problem TEXT,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL
) WITHOUT ROWID;

CREATE INDEX repeating_operations_due ON repeating_operations (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX repeating_operations_by_body ON repeating_operations (body_hash);
