-- An iPad that moves to a device management service without an erase, by a deadline (iPadOS 26). Since when Apple says so: one that enrols later has come.
ALTER TABLE automated_devices ADD COLUMN migration_since timestamptz(3);
UPDATE automated_devices SET migration_since = coalesce(assigned_at, first_at) WHERE migration_deadline IS NOT NULL AND released_at IS NULL;

CREATE INDEX automated_devices_migrating ON automated_devices (migration_deadline) WHERE migration_deadline IS NOT NULL;
CREATE INDEX automated_devices_released ON automated_devices (released_at) WHERE released_at IS NOT NULL;
