# migrations/ - the example application.

# list: migrations/**
EXTRA_DIST += \
	migrations/1.0.0-001-accounts.sql \
	migrations/1.0.0-002-tickets.sql \
	migrations/1.0.0-003-first_account.sql \
	migrations/1.1.0-001-ticket_priority.sql \
	migrations/1.1.0-002-open_ticket_index.mariadb.sql \
	migrations/1.1.0-002-open_ticket_index.sql \
	migrations/1.1.0-003-ticket_tags.sql \
	migrations/R-open_tickets.sql \
	migrations/audit/1.0.0-001-audit_events.sql \
	migrations/audit/1.1.0-001-audit_actor.sql \
	migrations/dunlin.ini
