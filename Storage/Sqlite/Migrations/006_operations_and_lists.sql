-- What an operation was asked for: kept as it was asked, to be shown.
ALTER TABLE operations ADD COLUMN target TEXT;

-- The orders in which iPads are listed.
CREATE INDEX devices_by_name ON devices (lower(coalesce(device_name, serial_number, id)), id);
CREATE INDEX devices_in_order_of_serial ON devices (coalesce(serial_number, ''), id);
