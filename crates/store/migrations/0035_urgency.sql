-- How soon a person must be told (rank 1 first); 0 in versions that were frozen before ranks were written.

ALTER TABLE person ADD COLUMN urgency INTEGER NOT NULL DEFAULT 0;

DROP INDEX person_by_verdict;
CREATE INDEX person_by_urgency ON person (scope_version, verdict, urgency, id);
