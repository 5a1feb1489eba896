-- Somebody may sign in on a new iPad in Setup Assistant: where the page for that is, and that the person whom a serial number waits for came by it.
ALTER TABLE automated_address ADD COLUMN sign_in_url TEXT;
-- 1: an import, 2: a sign-in in Setup Assistant. Null where there is no person, or by an import of before.
ALTER TABLE placeholders ADD COLUMN person_by INTEGER;
-- When they signed in: whoever does not finish is forgotten. Null by an import.
ALTER TABLE placeholders ADD COLUMN person_at INTEGER;
