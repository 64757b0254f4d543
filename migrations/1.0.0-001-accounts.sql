-- dunlin:placeholders
-- dunlin:up
CREATE TABLE account (
	id         ${pk},
	email      ${varchar:254} NOT NULL UNIQUE,
	name       ${varchar:120} NOT NULL,
	is_active  ${bool} NOT NULL DEFAULT ${true},
	created_at ${timestamp} NOT NULL DEFAULT ${now}
);

-- dunlin:down
DROP TABLE account;

-- dunlin:verify
SELECT count(*) >= 0 FROM account;
