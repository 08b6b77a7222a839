-- The form from which an answer was asked for, so that a form that is sent twice answers once. None for the command line.

ALTER TABLE answer ADD COLUMN form_hash BLOB;
CREATE UNIQUE INDEX answer_by_form ON answer (form_hash);
