-- Programs elsewhere that are told what happens.

CREATE TABLE webhooks (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    version integer NOT NULL,
    name text NOT NULL,
    url text NOT NULL,
    -- A JSON array: types of events, or what they begin with, which ends in a dot.
    events text NOT NULL,
    format smallint NOT NULL,
    -- 0: active; 1: paused; 2: disabled by the server.
    state smallint NOT NULL,
    state_reason text,
    -- Sealed.
    secret bytea NOT NULL,
    old_secret bytea,
    old_secret_until timestamptz(3),
    -- Up to this number of the audit chain it has all records that it wants.
    audit_seq bigint NOT NULL,
    created_at timestamptz(3) NOT NULL,
    created_by text NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    failing_since timestamptz(3),
    delivered_at timestamptz(3),
    last_error text,
    delivered bigint NOT NULL DEFAULT 0,
    dropped bigint NOT NULL DEFAULT 0
);

-- Written in the transaction of what happened, while somebody wants to be told. Taken from here in this order: an iPad's later event has the higher number.
CREATE TABLE webhook_outbox (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text COLLATE "C" NOT NULL,
    at timestamptz(3) NOT NULL,
    kind text COLLATE "C" NOT NULL,
    device_id text COLLATE "C" NOT NULL,
    subject text COLLATE "C",
    data text NOT NULL
);

CREATE TABLE webhook_deliveries (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    webhook_id text COLLATE "C" NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event_id text COLLATE "C" NOT NULL,
    at timestamptz(3) NOT NULL,
    kind text COLLATE "C" NOT NULL,
    device_id text COLLATE "C",
    -- One after the other within a lane: an iPad. None: in any order.
    lane text COLLATE "C",
    subject text COLLATE "C",
    data text NOT NULL,
    -- 0: waits; 1: delivered; 2: given up.
    state smallint NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    -- Only the first of a lane has one.
    next_at timestamptz(3),
    finished_at timestamptz(3),
    status integer,
    error text
);

CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, next_at, seq) WHERE state = 0 AND next_at IS NOT NULL;
CREATE INDEX webhook_deliveries_lanes ON webhook_deliveries (webhook_id, lane, seq) WHERE state = 0;
CREATE INDEX webhook_deliveries_by_state ON webhook_deliveries (webhook_id, state, seq);
CREATE INDEX webhook_deliveries_finished ON webhook_deliveries (finished_at) WHERE finished_at IS NOT NULL;
