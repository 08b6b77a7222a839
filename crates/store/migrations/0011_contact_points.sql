-- How many of the person's mail addresses are given up for this notice: the next attempt goes to the one after them.

ALTER TABLE notice ADD COLUMN contact INTEGER NOT NULL DEFAULT 0;
