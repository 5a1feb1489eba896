-- An invitation of somebody whose rights are for some schools: it takes no iPad over that is another school's. Who made those of before is not known.
ALTER TABLE invitations ADD COLUMN of_schools boolean NOT NULL DEFAULT false;
UPDATE invitations SET of_schools = true WHERE school IS NOT NULL;
