-- What people do for themselves.

-- Since when the person who has an iPad wants to hand it back; null: nobody said so.
ALTER TABLE holdings ADD COLUMN return_asked_at INTEGER;
CREATE INDEX holdings_return_asked ON holdings (given_at, id) WHERE returned_at IS NULL AND return_asked_at IS NOT NULL;

-- Who signs in as whom, and whose an address is.
CREATE INDEX accounts_by_person ON accounts (person_id) WHERE person_id IS NOT NULL;
CREATE INDEX people_by_email ON people (lower(email)) WHERE email IS NOT NULL;

-- Who has made it for an iPad in their own hands; null: it is an administrator's. The iPad that comes by it is theirs.
ALTER TABLE invitations ADD COLUMN person_id TEXT;
CREATE INDEX invitations_by_person ON invitations (person_id) WHERE person_id IS NOT NULL;

-- To whom a profile is offered: 1 pupils, 2 teachers, 4 staff, added up. Whether the secrets in it may be given to them.
ALTER TABLE profiles ADD COLUMN offered_to INTEGER NOT NULL DEFAULT 0;
ALTER TABLE profiles ADD COLUMN offered_secrets INTEGER NOT NULL DEFAULT 0;
CREATE INDEX profiles_offered ON profiles (sort_name, id) WHERE offered_to <> 0;

-- What a person did for themselves in the last days, so that nobody does it without end.
CREATE TABLE self_service_acts (
    -- The same request once more has the same.
    id TEXT NOT NULL PRIMARY KEY,
    person_id TEXT NOT NULL,
    -- 1 an invitation, 2 a report, 3 lost mode begun, 4 lost mode ended, 5 asked where it is, 6 a passcode cleared, 7 asked who is here.
    kind INTEGER NOT NULL,
    device_id TEXT,
    at INTEGER NOT NULL
);

CREATE INDEX self_service_acts_by_person ON self_service_acts (person_id, kind, at);
CREATE INDEX self_service_acts_by_time ON self_service_acts (at);
CREATE INDEX self_service_acts_by_device ON self_service_acts (device_id, kind, at) WHERE device_id IS NOT NULL;
