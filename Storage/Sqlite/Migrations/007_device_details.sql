-- What iPads say of themselves in their answers to DeviceInformation.
ALTER TABLE devices ADD COLUMN is_supervised INTEGER;
ALTER TABLE devices ADD COLUMN battery_level REAL;
ALTER TABLE devices ADD COLUMN device_capacity REAL;
ALTER TABLE devices ADD COLUMN available_device_capacity REAL;
ALTER TABLE devices ADD COLUMN details_at INTEGER;
