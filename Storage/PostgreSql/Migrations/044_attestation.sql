-- Identities with an attestation of Apple's (ACME), and what attestations proved.
-- An order lives as long as its client identifier, an hour as a rule.
CREATE TABLE attested_orders (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    -- SHA-256 of the client identifier: one order for each.
    challenge_hash bytea NOT NULL,
    -- The client identifier, sealed: the iPad is told again what it named.
    identifier bytea NOT NULL,
    -- SHA-256 of the account's key.
    account bytea NOT NULL,
    -- What the client identifier says.
    invitation_id text COLLATE "C",
    renews bytea,
    authority text COLLATE "C",
    udid text COLLATE "C",
    serial_number text COLLATE "C",
    -- Of its challenge.
    token text COLLATE "C" NOT NULL,
    -- 0 pending, 1 ready, 2 valid, 3 invalid.
    state smallint NOT NULL,
    problem text COLLATE "C",
    -- What was proved: SHA-256 of the key, and the properties.
    key_hash bytea,
    attested text COLLATE "C",
    leaf bytea,
    -- SHA-256 of what was issued.
    certificate bytea,
    created_at timestamptz(3) NOT NULL,
    expires_at timestamptz(3) NOT NULL
);

CREATE UNIQUE INDEX attested_orders_by_challenge ON attested_orders (challenge_hash);
CREATE INDEX attested_orders_ended ON attested_orders (expires_at);

-- What was proved when an identity certificate was issued. Without a row it was issued without an attestation.
CREATE TABLE identity_attestations (
    certificate bytea NOT NULL PRIMARY KEY,
    udid text COLLATE "C" NOT NULL,
    serial_number text COLLATE "C" NOT NULL,
    os_version text COLLATE "C",
    sep_os_version text COLLATE "C",
    software_update_device_id text COLLATE "C",
    proved_at timestamptz(3) NOT NULL,
    -- The certificate of Apple's that says so.
    leaf bytea NOT NULL
);

-- iPads that were given a profile with ACME and have not come back with a certificate; and why the last try failed.
CREATE TABLE attestation_tries (
    serial_number text COLLATE "C" NOT NULL PRIMARY KEY,
    tries integer NOT NULL,
    last_at timestamptz(3) NOT NULL,
    refused text COLLATE "C"
);

CREATE INDEX attestation_tries_by_time ON attestation_tries (last_at);

-- The newest question of an administrator for an attestation. The answer stands in the history of commands.
CREATE TABLE attestation_questions (
    device_id text COLLATE "C" NOT NULL PRIMARY KEY,
    command_uuid text COLLATE "C" NOT NULL,
    nonce bytea NOT NULL,
    asked_at timestamptz(3) NOT NULL,
    asked_by text COLLATE "C" NOT NULL
);
