-- An iPad that said something very long of itself: it has to fit into an entry of the index.
UPDATE devices SET serial_number = left(serial_number, 255), device_name = left(device_name, 255), product_name = left(product_name, 128), model = left(model, 128),
    model_name = left(model_name, 128)
WHERE length(serial_number) > 255 OR length(device_name) > 255 OR length(product_name) > 128 OR length(model) > 128 OR length(model_name) > 128;

-- What filters look at, without the rows, which are four times as wide. A filter that no index narrows (free storage, battery, supervised) reads this index
-- from end to end, and then only the rows of one page.
CREATE INDEX devices_facts ON devices (id) INCLUDE
    (status, kind, school, product_name, model, model_name, device_name, os_number, is_supervised, battery_level, device_capacity,
    available_device_capacity);
