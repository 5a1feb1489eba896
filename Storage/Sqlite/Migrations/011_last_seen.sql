-- The order of last contact. The one index of this table beside its key: an update of the time costs an entry in it, but a page of the list no longer reads
-- and sorts all iPads.
CREATE INDEX device_activity_by_last_seen ON device_activity (coalesce(last_seen_at, 0), id);
