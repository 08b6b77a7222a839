-- Further mail addresses of persons, by which they find themselves as by the first.

CREATE TABLE person_mail (
    scope_version INTEGER NOT NULL,
    mail_index BLOB NOT NULL,
    person INTEGER NOT NULL,
    PRIMARY KEY (scope_version, mail_index, person)
);
