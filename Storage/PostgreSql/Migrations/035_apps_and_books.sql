-- Locations of Apps and Books: what the district has bought, by its content tokens.
CREATE TABLE content_locations (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    -- Apple's id of it: two tokens with the same are of one location.
    uid text COLLATE "C" NOT NULL,
    -- As Apple says.
    name text NOT NULL,
    organization text,
    country text,
    -- Sealed.
    token bytea NOT NULL,
    token_expires_at timestamptz(3) NOT NULL,
    token_at timestamptz(3) NOT NULL,
    token_by text NOT NULL,
    -- The smallest number of days before its end that was told; null: none yet.
    warned_days integer,
    -- As Apple says who manages it; null: nobody.
    mdm_id text COLLATE "C",
    mdm_name text,
    -- When an administrator claimed it for this server; null: nothing is written at Apple.
    claimed_at timestamptz(3),
    claimed_by text,
    -- By which Apple's notifications come: sealed, and the SHA-256 of its part in the address.
    notify_secret bytea,
    notify_hash bytea,
    notified_at timestamptz(3),
    -- One more with each write of the one who syncs: two never write over each other.
    revision bigint NOT NULL,
    assets_at timestamptz(3),
    -- Where Apple's list of assignments goes on; null: all of it is read.
    since_version text COLLATE "C",
    licences_at timestamptz(3),
    next_at timestamptz(3),
    failures integer NOT NULL,
    problem smallint NOT NULL,
    problem_detail text,
    problem_at timestamptz(3),
    created_at timestamptz(3) NOT NULL,
    created_by text NOT NULL
);

CREATE UNIQUE INDEX content_locations_by_uid ON content_locations (uid);
CREATE INDEX content_locations_due ON content_locations (next_at) WHERE next_at IS NOT NULL;
CREATE UNIQUE INDEX content_locations_by_notify ON content_locations (notify_hash) WHERE notify_hash IS NOT NULL;

-- What a location owns.
CREATE TABLE content_assets (
    location_id text COLLATE "C" NOT NULL,
    adam_id text COLLATE "C" NOT NULL,
    pricing text COLLATE "C" NOT NULL,
    product_type text COLLATE "C" NOT NULL,
    device_assignable boolean NOT NULL,
    revocable boolean NOT NULL,
    total bigint NOT NULL,
    assigned bigint NOT NULL,
    available bigint NOT NULL,
    generation bigint NOT NULL,
    counted_at timestamptz(3) NOT NULL,
    -- As the App Store says; null: not asked yet, or withdrawn.
    name text,
    name_key text COLLATE "C" NOT NULL,
    bundle_id text COLLATE "C",
    metadata_at timestamptz(3),
    PRIMARY KEY (location_id, adam_id, pricing)
);

CREATE INDEX content_assets_by_name ON content_assets (name_key, location_id, adam_id, pricing);

-- Licences of iPads: those that Apple has given, and those that are on their way.
CREATE TABLE content_licences (
    location_id text COLLATE "C" NOT NULL,
    adam_id text COLLATE "C" NOT NULL,
    pricing text COLLATE "C" NOT NULL,
    serial_number text COLLATE "C" NOT NULL,
    -- 1 wanted, 2 asked for, 3 held, 4 to be given back, 5 being given back.
    state smallint NOT NULL,
    -- An assignment of this server wants it, or did. Others were given by the portal, or by another server.
    ours boolean NOT NULL,
    -- It stays on an iPad that the assignment is no longer for.
    keep boolean NOT NULL,
    -- Of a request to Apple; null: the answer is not known.
    event_id text COLLATE "C",
    asked_at timestamptz(3),
    next_at timestamptz(3),
    attempts integer NOT NULL,
    reason text,
    generation bigint NOT NULL,
    changed_at timestamptz(3) NOT NULL,
    PRIMARY KEY (location_id, adam_id, pricing, serial_number)
);

CREATE INDEX content_licences_open ON content_licences (location_id, state) WHERE state <> 3;
CREATE INDEX content_licences_by_serial ON content_licences (serial_number);

-- Notifications that were taken: Apple sends some twice.
CREATE TABLE content_notifications (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    at timestamptz(3) NOT NULL
);

CREATE INDEX content_notifications_by_time ON content_notifications (at);

-- The licence that an assigned app needs first; null: none.
ALTER TABLE assignments ADD COLUMN content_location text COLLATE "C";
ALTER TABLE assignments ADD COLUMN content_adam text COLLATE "C";
ALTER TABLE assignments ADD COLUMN content_pricing text COLLATE "C";
CREATE INDEX assignments_by_content ON assignments (content_location) WHERE content_location IS NOT NULL;
