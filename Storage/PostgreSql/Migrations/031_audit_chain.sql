-- Audit records are signed when they are written, and stand in a chain: whatever is changed, removed or put in afterwards shows.

-- The right with which it was done, and the server's signature of the record; older records have neither.
ALTER TABLE audit ADD COLUMN used_right text COLLATE "C";
ALTER TABLE audit ADD COLUMN mac bytea;

-- Records that are not in the chain yet: whoever commits first comes first, and nobody waits for anybody.
CREATE TABLE audit_unsealed (
    id bytea NOT NULL PRIMARY KEY
);

INSERT INTO audit_unsealed (id) SELECT id FROM audit;

CREATE FUNCTION audit_awaits_its_seal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_unsealed (id) SELECT added.id FROM added ON CONFLICT (id) DO NOTHING;
    RETURN NULL;
END
$$;

CREATE TRIGGER audit_rows_await_their_seal AFTER INSERT ON audit
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION audit_awaits_its_seal();

CREATE TABLE audit_chain (
    -- Without gaps.
    seq bigint NOT NULL PRIMARY KEY,
    id bytea NOT NULL,
    -- 0: signed by the server; 1: without a signature; 2: with a wrong one; 3: gone before it was sealed.
    standing smallint NOT NULL,
    -- Over the hash before, the number, the id, the standing and the record.
    hash bytea NOT NULL
);

CREATE UNIQUE INDEX audit_chain_by_record ON audit_chain (id);

-- One row: where the chain begins (after what retention removed) and ends, signed.
CREATE TABLE audit_chain_ends (
    one smallint NOT NULL PRIMARY KEY CHECK (one = 1),
    start_seq bigint NOT NULL,
    start_hash bytea NOT NULL,
    head_seq bigint NOT NULL,
    head_hash bytea NOT NULL,
    mac bytea NOT NULL
);
