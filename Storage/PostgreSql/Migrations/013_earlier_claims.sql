-- Claims that a later one of another certificate has taken the place of: a permission stays with the certificate that a person allowed, and a decision
-- answers the claim that the person saw. A table of its own: nodes of the version before go on with the newest claim of each iPad.
CREATE TABLE earlier_claims (
    device_id text COLLATE "C" NOT NULL,
    claim_id uuid NOT NULL PRIMARY KEY,
    sha256 bytea NOT NULL,
    invitation_id text COLLATE "C",
    serial_number text,
    product_name text,
    device_name text,
    address text,
    first_at timestamptz(3) NOT NULL,
    last_at timestamptz(3) NOT NULL,
    attempts bigint NOT NULL,
    decision smallint NOT NULL,
    decided_at timestamptz(3),
    decided_by text,
    allowed_until timestamptz(3)
);

CREATE INDEX earlier_claims_by_device ON earlier_claims (device_id, last_at);
CREATE UNIQUE INDEX earlier_claims_by_certificate ON earlier_claims (sha256);
