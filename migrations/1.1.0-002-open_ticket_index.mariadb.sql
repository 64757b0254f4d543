-- dunlin:up
CREATE INDEX ticket_open ON ticket (closed_at, priority, opened_at);

-- dunlin:down
DROP INDEX ticket_open ON ticket;
