-- On which channel an assignment stands: 1: the iPad's, 2: that of each user of a Shared iPad. Then assignment_devices names the user's own enrolment.
ALTER TABLE assignments ADD COLUMN channel INTEGER NOT NULL DEFAULT 1;
