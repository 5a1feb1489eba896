-- An invitation of somebody whose rights are for some schools: it takes no iPad over that is another school's. Who made those of before is not known.
ALTER TABLE invitations ADD COLUMN of_schools INTEGER NOT NULL DEFAULT 0;
UPDATE invitations SET of_schools = 1 WHERE school IS NOT NULL;
