-- What an operation was asked for: kept as it was asked, to be shown.
ALTER TABLE operations ADD COLUMN target text;

-- The orders in which iPads are listed.
CREATE INDEX devices_by_name ON devices (lower(coalesce(device_name, serial_number, id) COLLATE "C"), id);
CREATE INDEX devices_in_order_of_serial ON devices (coalesce(serial_number, ''), id);

-- Finds a part of a name or a serial number without reading all iPads. The extension is PostgreSQL's own, and a database's owner may create it; where
-- it cannot be had, the search reads devices_search from end to end as before.
DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX devices_search_by_part ON devices USING gin (search gin_trgm_ops);
EXCEPTION
    WHEN insufficient_privilege OR feature_not_supported OR undefined_file OR undefined_object THEN
        RAISE WARNING 'pg_trgm cannot be had: the search for names reads all iPads (%)', SQLERRM;
END
$$;
