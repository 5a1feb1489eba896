-- Command bodies and answers are sealed from now on. Other names: a node of the version before fails with a sentence instead of handing
-- a sealed body to an iPad; the iPad comes again.
ALTER TABLE bodies RENAME COLUMN body TO content;
ALTER TABLE history RENAME COLUMN result TO answer;
