-- Identities with an attestation of Apple's (ACME), and what attestations proved.
-- An order lives as long as its client identifier, an hour as a rule.
CREATE TABLE attested_orders (
    id TEXT NOT NULL PRIMARY KEY,
    -- SHA-256 of the client identifier: one order for each.
    challenge_hash BLOB NOT NULL,
    -- The client identifier, sealed: the iPad is told again what it named.
    identifier BLOB NOT NULL,
    -- SHA-256 of the account's key.
    account BLOB NOT NULL,
    -- What the client identifier says.
    invitation_id TEXT,
    renews BLOB,
    authority TEXT,
    udid TEXT,
    serial_number TEXT,
    -- Of its challenge.
    token TEXT NOT NULL,
    -- 0 pending, 1 ready, 2 valid, 3 invalid.
    state INTEGER NOT NULL,
    problem TEXT,
    -- What was proved: SHA-256 of the key, and the properties.
    key_hash BLOB,
    attested TEXT,
    leaf BLOB,
    -- SHA-256 of what was issued.
    certificate BLOB,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
);

CREATE UNIQUE INDEX attested_orders_by_challenge ON attested_orders (challenge_hash);
CREATE INDEX attested_orders_ended ON attested_orders (expires_at);

-- What was proved when an identity certificate was issued. Without a row it was issued without an attestation.
CREATE TABLE identity_attestations (
    certificate BLOB NOT NULL PRIMARY KEY,
    udid TEXT NOT NULL,
    serial_number TEXT NOT NULL,
    os_version TEXT,
    sep_os_version TEXT,
    software_update_device_id TEXT,
    proved_at INTEGER NOT NULL,
    -- The certificate of Apple's that says so.
    leaf BLOB NOT NULL
);

-- iPads that were given a profile with ACME and have not come back with a certificate; and why the last try failed.
CREATE TABLE attestation_tries (
    serial_number TEXT NOT NULL PRIMARY KEY,
    tries INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    refused TEXT
);

CREATE INDEX attestation_tries_by_time ON attestation_tries (last_at);

-- The newest question of an administrator for an attestation. The answer stands in the history of commands.
CREATE TABLE attestation_questions (
    device_id TEXT NOT NULL PRIMARY KEY,
    command_uuid TEXT NOT NULL,
    nonce BLOB NOT NULL,
    asked_at INTEGER NOT NULL,
    asked_by TEXT NOT NULL
);
