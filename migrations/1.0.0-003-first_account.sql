-- dunlin:placeholders
-- dunlin:up
-- The semicolons in the text below are part of it.
INSERT INTO account (email, name, is_active)
VALUES ('desk@example.org', 'Help desk; first line', ${true});

INSERT INTO ticket (account_id, title, body)
SELECT id, 'Welcome', 'It''s here; read on.' FROM account WHERE email = 'desk@example.org';

-- dunlin:down
DELETE FROM ticket WHERE title = 'Welcome';
DELETE FROM account WHERE email = 'desk@example.org';

-- dunlin:verify
SELECT count(*) = 1 FROM account WHERE email = 'desk@example.org';
