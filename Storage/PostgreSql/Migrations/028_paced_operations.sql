-- Operations that begin in waves, in windows of time, and within what a school's network takes. Who gets the command is fixed at the start; the queue row of
-- an iPad comes when its turn comes, so that nothing is delivered early.
ALTER TABLE operations
    -- As JSON; null: everything at once.
    ADD COLUMN pace text,
    -- 1: runs; 2: paused; 3: nothing more begins.
    ADD COLUMN phase smallint,
    ADD COLUMN wave integer,
    -- Up to this wave somebody has accepted the failures.
    ADD COLUMN excused integer NOT NULL DEFAULT 0,
    ADD COLUMN begun bigint NOT NULL DEFAULT 0,
    ADD COLUMN skipped bigint NOT NULL DEFAULT 0,
    ADD COLUMN next_at timestamptz(3),
    ADD COLUMN stop_reason text,
    -- The operation whose failures it tries again.
    ADD COLUMN retry_of text COLLATE "C",
    -- The repeating operation that it is a run of.
    ADD COLUMN repeat_id text COLLATE "C";

CREATE INDEX operations_due ON operations (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX operations_by_retry ON operations (retry_of, number) WHERE retry_of IS NOT NULL;
CREATE INDEX operations_by_repeat ON operations (repeat_id, number) WHERE repeat_id IS NOT NULL;

CREATE TABLE operation_waves (
    operation_id text COLLATE "C" NOT NULL,
    wave integer NOT NULL,
    first_position bigint NOT NULL,
    last_position bigint NOT NULL,
    began_at timestamptz(3),
    ended_at timestamptz(3),
    PRIMARY KEY (operation_id, wave)
);

CREATE TABLE operation_members (
    operation_id text COLLATE "C" NOT NULL,
    enrolment_id text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    -- The name; empty: none.
    school text COLLATE "C" NOT NULL,
    -- 0: has not begun; 1: begun; 2: skipped, since it had left.
    state smallint NOT NULL DEFAULT 0,
    begun_at timestamptz(3),
    -- What it takes of its school's network. 0: nothing; 1: until its command ends; 2: for a time, since the iPad acknowledges before it downloads.
    slot smallint NOT NULL DEFAULT 0,
    PRIMARY KEY (operation_id, enrolment_id)
) WITH (autovacuum_analyze_scale_factor = 0.05);

CREATE INDEX operation_members_by_position ON operation_members (operation_id, position);
CREATE INDEX operation_members_waiting ON operation_members (operation_id, school, position) WHERE state = 0;
CREATE INDEX operation_members_slots ON operation_members (school, begun_at) WHERE slot > 0 AND state = 1;

-- Operations that are started again and again, each time for those that the target finds then.
CREATE TABLE repeating_operations (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    name text NOT NULL,
    request_type text NOT NULL,
    body_hash bytea NOT NULL,
    -- As grains take it, and in the words of the one who asked; both JSON.
    target text NOT NULL,
    asked text NOT NULL,
    pace text,
    push boolean NOT NULL,
    force boolean NOT NULL,
    -- How long the command of a run is delivered.
    expires_hours integer,
    -- Of the week, as numbers with commas; Sunday is 0.
    days text NOT NULL,
    -- After midnight.
    at_minutes integer NOT NULL,
    time_zone text NOT NULL,
    -- 1: runs; 2: paused; 3: ended.
    state smallint NOT NULL,
    next_at timestamptz(3),
    last_at timestamptz(3),
    -- What the last run was; null: it started no operation.
    last_operation_id text COLLATE "C",
    -- Why it started none.
    last_problem text,
    created_at timestamptz(3) NOT NULL,
    created_by text NOT NULL
);

CREATE INDEX repeating_operations_due ON repeating_operations (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX repeating_operations_by_body ON repeating_operations (body_hash);
