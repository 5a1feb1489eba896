-- The device plane, and what administrators keep beside it.
-- Ids are compared byte by byte (COLLATE "C"), so that paging by id and prefixes work whatever the locale of the database is.
-- Times are timestamptz with milliseconds: what the program can keep on both of its databases.

CREATE TABLE devices (
    id text COLLATE "C" NOT NULL CHECK (length(id) BETWEEN 1 AND 300),
    device_id text COLLATE "C" NOT NULL CHECK (length(device_id) BETWEEN 1 AND 300),
    kind smallint NOT NULL,
    status smallint NOT NULL,
    version bigint NOT NULL,
    write_id uuid NOT NULL,
    udid text COLLATE "C",
    serial_number text COLLATE "C",
    product_name text COLLATE "C",
    model text,
    model_name text,
    device_name text,
    os_version text COLLATE "C",
    build_version text,
    imei text,
    meid text,
    user_short_name text,
    user_long_name text,
    school text COLLATE "C",
    invitation_id text COLLATE "C",
    topic text COLLATE "C",
    push_token bytea,
    push_magic text,
    push_token_dead text,
    unlock_token bytea,
    bootstrap_token bytea,
    awaiting_configuration boolean NOT NULL DEFAULT false,
    authenticated_at timestamptz(3),
    enrolled_at timestamptz(3),
    token_updated_at timestamptz(3),
    unenrolled_at timestamptz(3),
    -- Lower case, made by the program: what the administrators' search looks into.
    search text COLLATE "C" NOT NULL,
    PRIMARY KEY (id)
) WITH (fillfactor = 80);

-- Finds the user channels of a device.
CREATE INDEX devices_by_device ON devices (device_id) WHERE device_id <> id;
CREATE INDEX devices_by_serial ON devices (serial_number);
CREATE INDEX devices_by_school ON devices (school, id) WHERE school IS NOT NULL;
CREATE INDEX devices_by_topic ON devices (topic, status) WHERE topic IS NOT NULL;
-- The search reads this index from end to end instead of the rows, which are ten times as wide.
CREATE INDEX devices_search ON devices (id) INCLUDE (search);

-- What changes with every contact stands apart: it is narrow, has no index but its key (so that its updates stay on their page),
-- and the wide rows of devices stay untouched.
CREATE TABLE device_activity (
    id text COLLATE "C" NOT NULL,
    last_seen_at timestamptz(3),
    pushed_at timestamptz(3),
    push_result text,
    PRIMARY KEY (id)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

CREATE TABLE pins (
    sha256 bytea NOT NULL,
    device_id text COLLATE "C" NOT NULL,
    not_after timestamptz(3) NOT NULL,
    pinned_at timestamptz(3) NOT NULL,
    PRIMARY KEY (sha256)
);

CREATE INDEX pins_by_device ON pins (device_id);

-- Commands and large reports, once by content. last_used is refreshed when it is older than a day; what nothing refers to is
-- dropped when it is days older than that.
CREATE TABLE bodies (
    hash bytea NOT NULL CHECK (length(hash) = 32),
    body bytea NOT NULL,
    last_used timestamptz(3) NOT NULL,
    PRIMARY KEY (hash)
);

CREATE INDEX bodies_by_age ON bodies (last_used);

CREATE TABLE operations (
    id text COLLATE "C" NOT NULL CHECK (length(id) BETWEEN 1 AND 100),
    number bigint GENERATED ALWAYS AS IDENTITY,
    command_uuid text COLLATE "C" NOT NULL CHECK (length(command_uuid) BETWEEN 1 AND 100),
    request_type text NOT NULL,
    body_hash bytea NOT NULL,
    accepted_at timestamptz(3) NOT NULL,
    expires_at timestamptz(3),
    requested_by text NOT NULL,
    total bigint NOT NULL DEFAULT 0,
    announced_at timestamptz(3),
    cancelled_at timestamptz(3),
    -- Pushes were handed over up to this sequence; null: all of them.
    pushed_after bigint,
    pushed bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX operations_by_number ON operations (number);
CREATE INDEX operations_unfinished ON operations (accepted_at) WHERE announced_at IS NULL OR pushed_after IS NOT NULL;

-- Pending commands only. The uniqueness of a CommandUUID within an enrolment is kept by an index that begins with the UUID: an
-- operation appends one UUID for many enrolments, so its entries lie side by side, and it is looked up at one place.
CREATE TABLE queue (
    enrolment_id text COLLATE "C" NOT NULL CHECK (length(enrolment_id) BETWEEN 1 AND 300),
    sequence bigint GENERATED ALWAYS AS IDENTITY,
    command_uuid text COLLATE "C" NOT NULL CHECK (length(command_uuid) BETWEEN 1 AND 100),
    request_type text NOT NULL,
    body_hash bytea NOT NULL,
    accepted_at timestamptz(3) NOT NULL,
    expires_at timestamptz(3),
    operation_id text COLLATE "C",
    not_now_count integer NOT NULL DEFAULT 0,
    not_now_at timestamptz(3),
    PRIMARY KEY (enrolment_id, sequence)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

CREATE UNIQUE INDEX queue_by_command ON queue (command_uuid, enrolment_id);
CREATE INDEX queue_by_operation ON queue (operation_id, sequence) WHERE operation_id IS NOT NULL;

-- Finished commands, one partition a month, made ahead of time by the program; the default partition takes what no month was made
-- for, so that nothing is ever refused. Two indexes: one lists the history of an enrolment; the other finds a command by its
-- UUID and counts the endings of an operation without touching the rows.
CREATE TABLE history (
    enrolment_id text COLLATE "C" NOT NULL,
    sequence bigint NOT NULL,
    command_uuid text COLLATE "C" NOT NULL,
    request_type text NOT NULL,
    body_hash bytea NOT NULL,
    ending smallint NOT NULL,
    accepted_at timestamptz(3) NOT NULL,
    sent_at timestamptz(3),
    finished_at timestamptz(3) NOT NULL,
    not_now_count integer NOT NULL,
    operation_id text COLLATE "C",
    error_summary text,
    result bytea,
    result_hash bytea
) PARTITION BY RANGE (finished_at);

CREATE INDEX history_by_enrolment ON history (enrolment_id, sequence DESC);
CREATE INDEX history_by_command ON history (command_uuid, enrolment_id) INCLUDE (operation_id, ending);

CREATE TABLE history_default PARTITION OF history DEFAULT;

CREATE TABLE invitations (
    id text COLLATE "C" NOT NULL CHECK (length(id) BETWEEN 1 AND 100),
    number bigint GENERATED ALWAYS AS IDENTITY,
    name text,
    school text COLLATE "C",
    max_uses integer,
    uses integer NOT NULL DEFAULT 0,
    created_at timestamptz(3) NOT NULL,
    expires_at timestamptz(3) NOT NULL,
    revoked_at timestamptz(3),
    created_by text NOT NULL,
    PRIMARY KEY (id)
) WITH (fillfactor = 50);

CREATE UNIQUE INDEX invitations_by_number ON invitations (number);

CREATE TABLE issued_certificates (
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    der bytea NOT NULL,
    invitation_id text COLLATE "C",
    renews bytea,
    issued_at timestamptz(3) NOT NULL,
    not_after timestamptz(3) NOT NULL,
    PRIMARY KEY (sha256)
);

-- One-time challenges that were used, and for what.
CREATE TABLE used_challenges (
    hash bytea NOT NULL CHECK (length(hash) = 32),
    invitation_id text COLLATE "C" NOT NULL,
    public_key_hash bytea NOT NULL,
    certificate bytea NOT NULL,
    used_at timestamptz(3) NOT NULL,
    PRIMARY KEY (hash)
);

CREATE TABLE idempotency_keys (
    scope text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    claim_id uuid NOT NULL,
    request_hash bytea NOT NULL,
    claimed_at timestamptz(3) NOT NULL,
    status integer,
    content_type text,
    body bytea,
    location text,
    PRIMARY KEY (scope, key)
);

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (claimed_at);

CREATE TABLE key_ring (
    name text COLLATE "C" NOT NULL,
    xml text NOT NULL,
    PRIMARY KEY (name)
);

CREATE TABLE facts (
    name text COLLATE "C" NOT NULL,
    value bytea NOT NULL,
    PRIMARY KEY (name)
);
