-- PostgreSQL tells every server what changed, in the transaction of the change:
-- that it was an INSERT, UPDATE or DELETE, the SHA-256 of the owner, the id and
-- the version. Whoever may connect to the database may listen, so there is
-- nothing more in it. The channel has the table's number in its name, because
-- channels, unlike tables, do not belong to a schema.

-- +goose Up
-- +goose StatementBegin
CREATE FUNCTION announce_todo() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    todo RECORD;
BEGIN
    todo := COALESCE(NEW, OLD); -- there is no NEW where a row was deleted
    PERFORM pg_notify('todos_' || TG_RELID, concat_ws(' ',
        TG_OP, encode(sha256(convert_to(todo.owner, 'UTF8')), 'hex'), todo.id, todo.version));
    RETURN NULL; -- nobody reads it
END
$$;
-- +goose StatementEnd
CREATE TRIGGER announce AFTER INSERT OR UPDATE OR DELETE ON todos
    FOR EACH ROW EXECUTE FUNCTION announce_todo();

-- +goose Down
DROP TRIGGER announce ON todos;
DROP FUNCTION announce_todo();
