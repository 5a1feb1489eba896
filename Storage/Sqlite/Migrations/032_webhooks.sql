-- Programs elsewhere that are told what happens.

CREATE TABLE webhooks (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    -- A JSON array: types of events, or what they begin with, which ends in a dot.
    events TEXT NOT NULL,
    format INTEGER NOT NULL,
    -- 0: active; 1: paused; 2: disabled by the server.
    state INTEGER NOT NULL,
    state_reason TEXT,
    -- Sealed.
    secret BLOB NOT NULL,
    old_secret BLOB,
    old_secret_until INTEGER,
    -- Up to this number of the audit chain it has all records that it wants.
    audit_seq INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    failing_since INTEGER,
    delivered_at INTEGER,
    last_error TEXT,
    delivered INTEGER NOT NULL DEFAULT 0,
    dropped INTEGER NOT NULL DEFAULT 0
);

-- Written in the transaction of what happened, while somebody wants to be told. Taken from here in this order: an iPad's later event has the higher number.
CREATE TABLE webhook_outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    device_id TEXT NOT NULL,
    subject TEXT,
    data TEXT NOT NULL
);

CREATE TABLE webhook_deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    device_id TEXT,
    -- One after the other within a lane: an iPad. None: in any order.
    lane TEXT,
    subject TEXT,
    data TEXT NOT NULL,
    -- 0: waits; 1: delivered; 2: given up.
    state INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    -- Only the first of a lane has one.
    next_at INTEGER,
    finished_at INTEGER,
    status INTEGER,
    error text
);

CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, next_at, seq) WHERE state = 0 AND next_at IS NOT NULL;
CREATE INDEX webhook_deliveries_lanes ON webhook_deliveries (webhook_id, lane, seq) WHERE state = 0;
CREATE INDEX webhook_deliveries_by_state ON webhook_deliveries (webhook_id, state, seq);
CREATE INDEX webhook_deliveries_finished ON webhook_deliveries (finished_at) WHERE finished_at IS NOT NULL;
