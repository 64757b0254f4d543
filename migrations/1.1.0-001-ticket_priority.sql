-- dunlin:placeholders
-- dunlin:requires audit@1.0.0-001
-- dunlin:up
ALTER TABLE ticket ADD COLUMN priority integer NOT NULL DEFAULT ${default_priority};

INSERT INTO audit_event (area, message) VALUES ('ticket', 'priorities begin');

-- dunlin:down
DELETE FROM audit_event WHERE area = 'ticket' AND message = 'priorities begin';

ALTER TABLE ticket DROP COLUMN priority;
