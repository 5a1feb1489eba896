-- Claims that a later one of another certificate has taken the place of: a permission stays with the certificate that a person allowed, and a decision
-- answers the claim that the person saw. A table of its own: nodes of the version before go on with the newest claim of each iPad.
CREATE TABLE earlier_claims (
    device_id TEXT NOT NULL,
    claim_id BLOB NOT NULL PRIMARY KEY,
    sha256 BLOB NOT NULL,
    invitation_id TEXT,
    serial_number TEXT,
    product_name TEXT,
    device_name TEXT,
    address TEXT,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    decision INTEGER NOT NULL,
    decided_at INTEGER,
    decided_by TEXT,
    allowed_until INTEGER
) WITHOUT ROWID;

CREATE INDEX earlier_claims_by_device ON earlier_claims (device_id, last_at);
CREATE UNIQUE INDEX earlier_claims_by_certificate ON earlier_claims (sha256);
