-- What filters look at, without the rows, which are four times as wide. A filter that no index narrows (free storage, battery, supervised) reads this index
-- from end to end, and then only the rows of one page.
CREATE INDEX devices_facts ON devices
    (id, status, kind, school, product_name, model, model_name, device_name, serial_number, os_number, is_supervised, battery_level, device_capacity,
    available_device_capacity);
