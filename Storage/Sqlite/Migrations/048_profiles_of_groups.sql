-- Serial numbers that were put into a group by hand before their iPad enrolled: it is in the group from when it does.
CREATE TABLE device_group_serials (
    group_id TEXT NOT NULL,
    serial_number TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    PRIMARY KEY (group_id, serial_number)
) WITHOUT ROWID;

CREATE INDEX device_group_serials_by_serial ON device_group_serials (serial_number);

-- The enrolment profile of the iPads of a group that is by hand. Of several groups of an iPad, the lowest priority counts; of equal ones, the first name.
CREATE TABLE automated_groups (
    group_id TEXT NOT NULL PRIMARY KEY,
    profile_id TEXT NOT NULL,
    priority INTEGER NOT NULL
);
