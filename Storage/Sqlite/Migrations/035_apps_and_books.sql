-- Locations of Apps and Books: what the district has bought, by its content tokens.
CREATE TABLE content_locations (
    id TEXT NOT NULL PRIMARY KEY,
    -- Apple's id of it: two tokens with the same are of one location.
    uid TEXT NOT NULL,
    -- As Apple says.
    name TEXT NOT NULL,
    organization TEXT,
    country TEXT,
    -- Sealed.
    token BLOB NOT NULL,
    token_expires_at INTEGER NOT NULL,
    token_at INTEGER NOT NULL,
    token_by TEXT NOT NULL,
    -- The smallest number of days before its end that was told; null: none yet.
    warned_days INTEGER,
    -- As Apple says who manages it; null: nobody.
    mdm_id TEXT,
    mdm_name TEXT,
    -- When an administrator claimed it for this server; null: nothing is written at Apple.
    claimed_at INTEGER,
    claimed_by TEXT,
    -- By which Apple's notifications come: sealed, and the SHA-256 of its part in the address.
    notify_secret BLOB,
    notify_hash BLOB,
    notified_at INTEGER,
    -- One more with each write of the one who syncs: two never write over each other.
    revision INTEGER NOT NULL,
    assets_at INTEGER,
    -- Where Apple's list of assignments goes on; null: all of it is read.
    since_version TEXT,
    licences_at INTEGER,
    next_at INTEGER,
    failures INTEGER NOT NULL,
    problem INTEGER NOT NULL,
    problem_detail TEXT,
    problem_at INTEGER,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL
);

CREATE UNIQUE INDEX content_locations_by_uid ON content_locations (uid);
CREATE INDEX content_locations_due ON content_locations (next_at) WHERE next_at IS NOT NULL;
CREATE UNIQUE INDEX content_locations_by_notify ON content_locations (notify_hash) WHERE notify_hash IS NOT NULL;

-- What a location owns.
CREATE TABLE content_assets (
    location_id TEXT NOT NULL,
    adam_id TEXT NOT NULL,
    pricing TEXT NOT NULL,
    product_type TEXT NOT NULL,
    device_assignable INTEGER NOT NULL,
    revocable INTEGER NOT NULL,
    total INTEGER NOT NULL,
    assigned INTEGER NOT NULL,
    available INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    counted_at INTEGER NOT NULL,
    -- As the App Store says; null: not asked yet, or withdrawn.
    name TEXT,
    name_key TEXT NOT NULL,
    bundle_id TEXT,
    metadata_at INTEGER,
    PRIMARY KEY (location_id, adam_id, pricing)
);

CREATE INDEX content_assets_by_name ON content_assets (name_key, location_id, adam_id, pricing);

-- Licences of iPads: those that Apple has given, and those that are on their way.
CREATE TABLE content_licences (
    location_id TEXT NOT NULL,
    adam_id TEXT NOT NULL,
    pricing TEXT NOT NULL,
    serial_number TEXT NOT NULL,
    -- 1 wanted, 2 asked for, 3 held, 4 to be given back, 5 being given back.
    state INTEGER NOT NULL,
    -- An assignment of this server wants it, or did. Others were given by the portal, or by another server.
    ours INTEGER NOT NULL,
    -- It stays on an iPad that the assignment is no longer for.
    keep INTEGER NOT NULL,
    -- Of a request to Apple; null: the answer is not known.
    event_id TEXT,
    asked_at INTEGER,
    next_at INTEGER,
    attempts INTEGER NOT NULL,
    reason TEXT,
    generation INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (location_id, adam_id, pricing, serial_number)
);

CREATE INDEX content_licences_open ON content_licences (location_id, state) WHERE state <> 3;
CREATE INDEX content_licences_by_serial ON content_licences (serial_number);

-- Notifications that were taken: Apple sends some twice.
CREATE TABLE content_notifications (
    id TEXT NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL
);

CREATE INDEX content_notifications_by_time ON content_notifications (at);

-- The licence that an assigned app needs first; null: none.
ALTER TABLE assignments ADD COLUMN content_location TEXT;
ALTER TABLE assignments ADD COLUMN content_adam TEXT;
ALTER TABLE assignments ADD COLUMN content_pricing TEXT;
CREATE INDEX assignments_by_content ON assignments (content_location) WHERE content_location IS NOT NULL;
