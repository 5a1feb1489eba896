-- Serial numbers that were put into a group by hand before their iPad enrolled: it is in the group from when it does.
CREATE TABLE device_group_serials (
    group_id text COLLATE "C" NOT NULL,
    serial_number text COLLATE "C" NOT NULL,
    added_at timestamptz(3) NOT NULL,
    PRIMARY KEY (group_id, serial_number)
);

CREATE INDEX device_group_serials_by_serial ON device_group_serials (serial_number);

-- The enrolment profile of the iPads of a group that is by hand. Of several groups of an iPad, the lowest priority counts; of equal ones, the first name.
CREATE TABLE automated_groups (
    group_id text COLLATE "C" NOT NULL PRIMARY KEY,
    profile_id text COLLATE "C" NOT NULL,
    priority integer NOT NULL
);
