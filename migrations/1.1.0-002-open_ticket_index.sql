-- The databases that have partial indexes; MariaDB has a file of its own.
-- dunlin:up
CREATE INDEX ticket_open ON ticket (priority, opened_at) WHERE closed_at IS NULL;

-- dunlin:down
DROP INDEX ticket_open;
