-- Who did what: records are added, and never changed.

CREATE TABLE audit (
    -- A UUID of version 7: begins with the time, so that the key is the order, the cursor of pages and the bound of a span of time.
    id bytea NOT NULL CHECK (length(id) = 16),
    at timestamptz(3) NOT NULL,
    actor_kind smallint NOT NULL,
    actor_id text COLLATE "C",
    actor_name text,
    address text,
    verb text COLLATE "C" NOT NULL,
    target_kind text COLLATE "C",
    target_id text COLLATE "C",
    -- What of the target: a CommandUUID, for one.
    subject text COLLATE "C",
    detail text,
    affected bigint,
    reason text,
    result smallint NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX audit_by_actor ON audit (actor_id, id) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_by_target ON audit (target_id, id) WHERE target_id IS NOT NULL;
CREATE INDEX audit_by_verb ON audit (verb, id);

-- A row stands here only within the transaction that drops what is past its retention.
CREATE TABLE audit_retention (
    dropping_before timestamptz(3) NOT NULL
);

CREATE FUNCTION audit_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.at < (SELECT max(r.dropping_before) FROM audit_retention r) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'Audit records are never changed.';
END
$$;

CREATE TRIGGER audit_rows_are_kept BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_is_kept();
CREATE TRIGGER audit_is_not_emptied BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_is_kept();
