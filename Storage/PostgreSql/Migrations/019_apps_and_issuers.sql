-- The apps of the whole fleet, counted now and then from what iPads have told: one row for each app, however many iPads have it.
CREATE TABLE installed_apps (
    identifier text COLLATE "C" NOT NULL PRIMARY KEY,
    name text,
    -- In lower case: name and identifier.
    search text NOT NULL,
    devices bigint NOT NULL,
    -- JSON: [version, iPads], those of the most iPads first.
    versions text NOT NULL
);
CREATE INDEX installed_apps_by_devices ON installed_apps (devices DESC, identifier);

-- One row: the last count.
CREATE TABLE installed_apps_count (
    id smallint NOT NULL PRIMARY KEY CHECK (id = 1),
    counted_at timestamptz(3) NOT NULL,
    devices bigint NOT NULL,
    cut boolean NOT NULL
);

-- SHA-256 of the CA that issued the certificate. Null: the first CA of this installation, before there was another one.
ALTER TABLE issued_certificates ADD COLUMN issuer bytea;
