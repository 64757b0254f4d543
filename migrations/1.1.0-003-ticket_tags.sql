-- dunlin:placeholders
-- dunlin:up
CREATE TABLE tag (
	id   ${pk},
	name ${varchar:60} NOT NULL UNIQUE
);

CREATE TABLE ticket_tag (
	ticket_id ${int64} NOT NULL REFERENCES ticket (id) ON DELETE CASCADE,
	tag_id    ${int64} NOT NULL REFERENCES tag (id) ON DELETE CASCADE,
	PRIMARY KEY (ticket_id, tag_id)
);

-- dunlin:down
DROP TABLE ticket_tag;
DROP TABLE tag;
