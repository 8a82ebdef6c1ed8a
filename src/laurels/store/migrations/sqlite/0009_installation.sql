-- Which installation this store is: made up when it is first asked for, and moved with all else.

CREATE TABLE installation (
    number INTEGER NOT NULL PRIMARY KEY CHECK (number = 1),
    id     TEXT    NOT NULL
) STRICT;
