-- Commands that were handed over and not answered: how often, and when last. An answer of any kind begins anew.
ALTER TABLE queue
    ADD COLUMN unanswered_count integer NOT NULL DEFAULT 0,
    ADD COLUMN unanswered_at timestamptz(3);
