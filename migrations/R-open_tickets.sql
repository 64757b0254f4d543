-- Runs again whenever this file changes.
-- dunlin:up
DROP VIEW IF EXISTS open_ticket;

CREATE VIEW open_ticket AS
SELECT t.id, t.title, t.priority, a.name AS account
FROM ticket t
JOIN account a ON a.id = t.account_id
WHERE t.closed_at IS NULL;

-- dunlin:down
DROP VIEW IF EXISTS open_ticket;
