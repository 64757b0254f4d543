-- dunlin:placeholders
-- dunlin:up
CREATE TABLE ticket (
	id         ${pk},
	account_id ${int64} NOT NULL REFERENCES account (id),
	title      ${varchar:200} NOT NULL,
	body       ${text} NOT NULL,
	details    ${json},
	opened_at  ${timestamp} NOT NULL DEFAULT ${now},
	closed_at  ${timestamp} NULL
);

CREATE INDEX ticket_account ON ticket (account_id);

-- dunlin:down
DROP TABLE ticket;
