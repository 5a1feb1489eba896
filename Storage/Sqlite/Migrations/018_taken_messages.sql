-- Digests of the check-in messages that an enrolment has taken: a recorded one is known again when somebody sends it once more.
ALTER TABLE devices ADD COLUMN taken_messages BLOB;
