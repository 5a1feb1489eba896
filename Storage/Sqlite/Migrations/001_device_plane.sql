-- The device plane, and what administrators keep beside it. The same tables as on PostgreSQL; times are milliseconds since 1970.
-- AUTOINCREMENT matters: rows leave the queue, and the number of a row that is gone must never be given again.

CREATE TABLE devices (
    id TEXT NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 300),
    device_id TEXT NOT NULL CHECK (length(device_id) BETWEEN 1 AND 300),
    kind INTEGER NOT NULL,
    status INTEGER NOT NULL,
    version INTEGER NOT NULL,
    write_id BLOB NOT NULL,
    udid TEXT,
    serial_number TEXT,
    product_name TEXT,
    model TEXT,
    model_name TEXT,
    device_name TEXT,
    os_version TEXT,
    build_version TEXT,
    imei TEXT,
    meid TEXT,
    user_short_name TEXT,
    user_long_name TEXT,
    school TEXT,
    invitation_id TEXT,
    topic TEXT,
    push_token BLOB,
    push_magic TEXT,
    push_token_dead TEXT,
    unlock_token BLOB,
    bootstrap_token BLOB,
    awaiting_configuration INTEGER NOT NULL DEFAULT 0,
    authenticated_at INTEGER,
    enrolled_at INTEGER,
    token_updated_at INTEGER,
    unenrolled_at INTEGER,
    search TEXT NOT NULL
) WITHOUT ROWID;

CREATE INDEX devices_by_device ON devices (device_id) WHERE device_id <> id;
CREATE INDEX devices_by_serial ON devices (serial_number);
CREATE INDEX devices_by_school ON devices (school, id) WHERE school IS NOT NULL;
CREATE INDEX devices_by_topic ON devices (topic, status) WHERE topic IS NOT NULL;
CREATE INDEX devices_search ON devices (id, search);

CREATE TABLE device_activity (
    id TEXT NOT NULL PRIMARY KEY,
    last_seen_at INTEGER,
    pushed_at INTEGER,
    push_result TEXT
) WITHOUT ROWID;

CREATE TABLE pins (
    sha256 BLOB NOT NULL PRIMARY KEY,
    device_id TEXT NOT NULL,
    not_after INTEGER NOT NULL,
    pinned_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX pins_by_device ON pins (device_id);

CREATE TABLE bodies (
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    body BLOB NOT NULL,
    last_used INTEGER NOT NULL
);

CREATE INDEX bodies_by_age ON bodies (last_used);

CREATE TABLE operations (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE CHECK (length(id) BETWEEN 1 AND 100),
    command_uuid TEXT NOT NULL CHECK (length(command_uuid) BETWEEN 1 AND 100),
    request_type TEXT NOT NULL,
    body_hash BLOB NOT NULL,
    accepted_at INTEGER NOT NULL,
    expires_at INTEGER,
    requested_by TEXT NOT NULL,
    total INTEGER NOT NULL DEFAULT 0,
    announced_at INTEGER,
    cancelled_at INTEGER,
    pushed_after INTEGER,
    pushed INTEGER NOT NULL DEFAULT 0
);

CREATE INDEX operations_unfinished ON operations (accepted_at) WHERE announced_at IS NULL OR pushed_after IS NOT NULL;

CREATE TABLE queue (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    enrolment_id TEXT NOT NULL CHECK (length(enrolment_id) BETWEEN 1 AND 300),
    command_uuid TEXT NOT NULL CHECK (length(command_uuid) BETWEEN 1 AND 100),
    request_type TEXT NOT NULL,
    body_hash BLOB NOT NULL,
    accepted_at INTEGER NOT NULL,
    expires_at INTEGER,
    operation_id TEXT,
    not_now_count INTEGER NOT NULL DEFAULT 0,
    not_now_at INTEGER
);

CREATE INDEX queue_by_enrolment ON queue (enrolment_id, sequence);
CREATE UNIQUE INDEX queue_by_command ON queue (command_uuid, enrolment_id);
CREATE INDEX queue_by_operation ON queue (operation_id, sequence) WHERE operation_id IS NOT NULL;

CREATE TABLE history (
    sequence INTEGER PRIMARY KEY,
    enrolment_id TEXT NOT NULL,
    command_uuid TEXT NOT NULL,
    request_type TEXT NOT NULL,
    body_hash BLOB NOT NULL,
    ending INTEGER NOT NULL,
    accepted_at INTEGER NOT NULL,
    sent_at INTEGER,
    finished_at INTEGER NOT NULL,
    not_now_count INTEGER NOT NULL,
    operation_id TEXT,
    error_summary TEXT,
    result BLOB,
    result_hash BLOB
);

CREATE INDEX history_by_enrolment ON history (enrolment_id, sequence DESC);
CREATE INDEX history_by_command ON history (command_uuid, enrolment_id, operation_id, ending);
CREATE INDEX history_by_age ON history (finished_at);

CREATE TABLE invitations (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE CHECK (length(id) BETWEEN 1 AND 100),
    name TEXT,
    school TEXT,
    max_uses INTEGER,
    uses INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER,
    created_by TEXT NOT NULL
);

CREATE TABLE issued_certificates (
    sha256 BLOB NOT NULL PRIMARY KEY CHECK (length(sha256) = 32),
    der BLOB NOT NULL,
    invitation_id TEXT,
    renews BLOB,
    issued_at INTEGER NOT NULL,
    not_after INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE used_challenges (
    hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    invitation_id TEXT NOT NULL,
    public_key_hash BLOB NOT NULL,
    certificate BLOB NOT NULL,
    used_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE idempotency_keys (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    claim_id BLOB NOT NULL,
    request_hash BLOB NOT NULL,
    claimed_at INTEGER NOT NULL,
    status INTEGER,
    content_type TEXT,
    body BLOB,
    location TEXT,
    PRIMARY KEY (scope, key)
) WITHOUT ROWID;

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (claimed_at);

CREATE TABLE key_ring (
    name TEXT NOT NULL PRIMARY KEY,
    xml TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE facts (
    name TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;
