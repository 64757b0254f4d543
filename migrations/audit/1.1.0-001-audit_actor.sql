-- dunlin:placeholders
-- dunlin:up
ALTER TABLE audit_event ADD COLUMN actor ${varchar:120};

CREATE INDEX audit_event_area ON audit_event (area);

-- dunlin:down
-- dunlin:except mariadb
DROP INDEX audit_event_area;
-- dunlin:end
-- dunlin:only mariadb
DROP INDEX audit_event_area ON audit_event;
-- dunlin:end

ALTER TABLE audit_event DROP COLUMN actor;
