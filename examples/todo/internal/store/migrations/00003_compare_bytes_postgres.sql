-- Owners and ids are compared byte by byte, as SQLite does, whatever the locale of
-- the database: some locales order ids otherwise than by creation, and new locale
-- data of the operating system can make the index of the primary key wrong.

-- +goose Up
ALTER TABLE todos
    ALTER COLUMN owner TYPE TEXT COLLATE "C",
    ALTER COLUMN id    TYPE TEXT COLLATE "C";

-- +goose Down
ALTER TABLE todos
    ALTER COLUMN owner TYPE TEXT,
    ALTER COLUMN id    TYPE TEXT;
