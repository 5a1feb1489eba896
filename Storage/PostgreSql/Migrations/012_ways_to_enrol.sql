-- The iPad that proved by its device certificate who it is, before it got this certificate.
ALTER TABLE issued_certificates
    ADD COLUMN proven_udid text COLLATE "C",
    ADD COLUMN proven_serial_number text COLLATE "C";

-- Signed answers of iPads that were taken: a second one with the same challenge is worth nothing.
CREATE TABLE spent_answers (
    hash bytea NOT NULL CHECK (length(hash) = 32),
    expires_at timestamptz(3) NOT NULL,
    PRIMARY KEY (hash)
);
CREATE INDEX spent_answers_by_end ON spent_answers (expires_at);

-- iPads that are known by their serial number before they enrol, and what they get then.
CREATE TABLE placeholders (
    serial_number text COLLATE "C" NOT NULL,
    name text,
    school text COLLATE "C",
    asset_tag text,
    created_at timestamptz(3) NOT NULL,
    created_by text NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    PRIMARY KEY (serial_number)
);
