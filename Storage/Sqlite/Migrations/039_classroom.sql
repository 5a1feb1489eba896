-- Apple's Classroom: which schools use it, and what each iPad should know of its classes. How it stands on an iPad is in assignment_devices.
CREATE TABLE classroom_schools (
    school_id TEXT NOT NULL PRIMARY KEY,
    switched_at INTEGER NOT NULL,
    switched_by TEXT NOT NULL
);

-- The number by which iPads know a class; a class keeps it as long as it is there.
CREATE TABLE classroom_beacons (
    class_id TEXT NOT NULL PRIMARY KEY,
    beacon INTEGER NOT NULL UNIQUE
);

CREATE TABLE classroom_devices (
    device_id TEXT NOT NULL PRIMARY KEY,
    person_id TEXT NOT NULL,
    -- As of class_members: 1 pupil, 2 teacher.
    role INTEGER NOT NULL,
    -- One more with each change of the content, and when its certificate has to be renewed.
    revision INTEGER NOT NULL,
    -- SHA-256 of what the profile says; no names are kept here.
    content BLOB NOT NULL,
    people INTEGER NOT NULL,
    -- Why there can be no profile; null: there can.
    problem TEXT,
    -- When the certificate that was sent last ends; null: none was sent for this revision.
    certificate_ends_at INTEGER
);

CREATE INDEX classroom_devices_by_person ON classroom_devices (person_id);
CREATE INDEX classroom_devices_by_end ON classroom_devices (certificate_ends_at) WHERE certificate_ends_at IS NOT NULL;

-- Of which classes the profile tells.
CREATE TABLE classroom_device_classes (
    device_id TEXT NOT NULL,
    class_id TEXT NOT NULL,
    PRIMARY KEY (device_id, class_id)
) WITHOUT ROWID;

CREATE INDEX classroom_device_classes_by_class ON classroom_device_classes (class_id, device_id);
