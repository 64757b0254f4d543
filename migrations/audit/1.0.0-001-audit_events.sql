-- dunlin:placeholders
-- dunlin:up
CREATE TABLE audit_event (
	id      ${pk},
	at      ${timestamp} NOT NULL DEFAULT ${now},
	area    ${varchar:60} NOT NULL,
	message ${text} NOT NULL
);

-- dunlin:down
DROP TABLE audit_event;
