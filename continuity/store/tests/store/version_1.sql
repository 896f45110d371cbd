-- What the first version of the program made of an empty file.
CREATE TABLE peer (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        lineage BLOB NOT NULL UNIQUE,
        head INTEGER NOT NULL,
        state BLOB NOT NULL,
        met_wall_ms INTEGER NOT NULL,
        tpm_resets INTEGER
    ) STRICT;
CREATE TABLE past (
        lineage BLOB PRIMARY KEY,
        peer INTEGER NOT NULL REFERENCES peer ON DELETE CASCADE
    ) STRICT;
CREATE INDEX past_of_peer ON past (peer);
CREATE TABLE hop (
        id INTEGER PRIMARY KEY,
        peer INTEGER NOT NULL REFERENCES peer ON DELETE CASCADE,
        hop BLOB NOT NULL
    ) STRICT;
CREATE INDEX hop_of_peer ON hop (peer);
CREATE TABLE challenge (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        digest BLOB NOT NULL,
        anew INTEGER NOT NULL,
        boot BLOB NOT NULL,
        ticks INTEGER NOT NULL,
        wall_ms INTEGER NOT NULL,
        issued BLOB NOT NULL,
        UNIQUE (name, digest)
    ) STRICT;
CREATE TABLE fork (
        lineage BLOB PRIMARY KEY,
        fork BLOB NOT NULL
    ) STRICT;
PRAGMA application_id = 0x73656c66;
PRAGMA user_version = 1;
