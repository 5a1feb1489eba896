-- What iPads say of themselves in their answers to DeviceInformation.
ALTER TABLE devices
    ADD COLUMN is_supervised boolean,
    ADD COLUMN battery_level double precision,
    ADD COLUMN device_capacity double precision,
    ADD COLUMN available_device_capacity double precision,
    ADD COLUMN details_at timestamptz(3);
