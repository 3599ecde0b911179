-- The same text runs on SQLite and on PostgreSQL.

-- +goose Up
CREATE TABLE todos (
    owner      TEXT    NOT NULL, -- the token's sub
    id         TEXT    NOT NULL, -- a version 7 UUID, so that ids sort by creation
    title      TEXT    NOT NULL,
    done       BOOLEAN NOT NULL,
    created_at BIGINT  NOT NULL, -- microseconds since 1970, UTC
    updated_at BIGINT  NOT NULL,
    version    BIGINT  NOT NULL, -- 1, and one more with every edit
    PRIMARY KEY (owner, id)
);

-- +goose Down
DROP TABLE todos;
