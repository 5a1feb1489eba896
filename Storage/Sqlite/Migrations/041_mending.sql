-- What Apple is offered for its notifications, until it has agreed: the address before counts too until then.
ALTER TABLE content_locations ADD COLUMN offered_secret BLOB;
ALTER TABLE content_locations ADD COLUMN offered_hash BLOB;
CREATE UNIQUE INDEX content_locations_by_offered ON content_locations (offered_hash) WHERE offered_hash IS NOT NULL;

-- Of assignments that want its licences: one more with each change of who they are for, and up to which of these they were looked at.
ALTER TABLE content_locations ADD COLUMN changes INTEGER NOT NULL DEFAULT 1;
ALTER TABLE content_locations ADD COLUMN reviewed INTEGER NOT NULL DEFAULT 0;

-- Of which apps fewer licences are left than are wanted: without those that are held, which are nearly all.
CREATE INDEX content_licences_waiting ON content_licences (location_id, adam_id, pricing) WHERE state IN (1, 2);
