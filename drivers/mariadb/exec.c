/*
 * exec.c - the steps of a run, put into packets.
 *
 * A packet goes on over as many steps as it can: a migration's intents, its
 * statements and what is noted of them.  Every journal write is preceded, in
 * the server, by a check that the lock is still ours; a row that was to be
 * written and was not makes the next check fail, and with it all that follows.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stdio.h>
#include <string.h>

#include "my_packet.h"

#define GUARD "dunlin_guard"
#define BEGIN_CLOCK "@dunlin_begin = sysdate(6)" /* the dialect's elapsed_ms counts from it */
#define PACKET_BYTES (256 * 1024) /* or half of what the server takes */
#define PACKET_OPS   500

struct run {
	struct dunlin_conn *c;
	const struct dunlin_step *steps;
	size_t n;
	struct my_packet p;
	struct dunlin_conn *to;   /* where the packet goes: c, or its side       */
	struct dunlin_conn *at;   /* where the group of steps at work goes       */
	size_t done;              /* steps whose success was received            */
	size_t durable;
	size_t failed;
	int is_unknown;
	enum { TX_NONE, TX_OWN, TX_FILE } tx; /* that the step at work is in, once what is
	                             in the packet has run                     */
	int has_dirt;             /* ... with a statement in it that may let go of the lock */
	struct dunlin_driver_error *err;
};

static struct dunlin_step step_at(const struct run *r, size_t i)
{
	return drv_step_load(DUNLIN_STEP_AT(r->steps, i));
}

static int kind_at(const struct run *r, size_t i)
{
	return DUNLIN_STEP_AT(r->steps, i)->kind;
}

/* --- failing ----------------------------------------------------------------------------- */

static int say(struct run *r, int errclass, unsigned native, const char *message, const char *hint)
{
	drv_error(r->err, DUNLIN_ERROR, errclass, (int)native, "%s", message);
	drv_hint(r->err, "%s", hint);
	return DUNLIN_ERROR;
}

/* Two nodes of a cluster do not see each other's locks; what they commit to the
 * ledger collides. */
static int lost_to_other_node(struct run *r, unsigned native)
{
	drv_error(r->err, DUNLIN_EBUSY, DUNLIN_CLASS_LOCK, (int)native,
	          "another run holds the lock: it works through another node of the cluster");
	drv_hint(r->err, "Wait for it to end and run the command again.");
	return DUNLIN_EBUSY;
}

static int explain(struct run *r, const struct my_op *op)
{
	struct dunlin_conn *conn = r->to;
	unsigned native = mysql_errno(conn->my);
	struct dunlin_step step = step_at(r, op->step);

	if (native == 1690 && op->kind == MY_OP_LOCK)
		return say(r, DUNLIN_CLASS_LOCK, native, "the lock was lost during the run",
		           "Look what ended dunlin's connection or released its lock, then run the command again.");
	if (native == 1690 && op->kind == MY_OP_ROWS)
		return say(r, DUNLIN_CLASS_VALIDATION, native, "the ledger is not as this run has left it",
		           "Something else writes to it: look at `dunlin history`, then run the command again.");
	if (native == 1305 && op->kind == MY_OP_GUARD)
		return say(r, DUNLIN_CLASS_VALIDATION, native, "a statement of the migration has ended its transaction",
		           "What ran before it is committed. Put '-- dunlin:no-transaction' into the file.");
	if (native == 1690 && op->kind == MY_OP_CLUSTER)
		return lost_to_other_node(r, native);
	/* 1050: both make the ledger. */
	if (r->c->server.is_wsrep && (((native == 1062 || native == 1050) && step.kind == DUNLIN_STEP_LEDGER) ||
	                              (native == 1213 && op->kind != MY_OP_STATEMENT)))
		return lost_to_other_node(r, native);
	if (op->kind == MY_OP_STATEMENT)
		return my_db_error(conn, step.sql, step.sql_len, r->err);
	return my_db_error(conn, NULL, 0, r->err);
}

/* Nothing of the open transaction stays. */
static void roll_back(struct dunlin_conn *c)
{
	c->is_ignoring_stop++;
	if (!c->is_lost && (c->is_begun || c->is_user_tx || (c->my->server_status & SERVER_STATUS_IN_TRANS)))
		my_do(c, "ROLLBACK", NULL);
	c->is_begun = c->is_guarded = c->is_sealed = c->is_user_tx = 0;
	c->is_ignoring_stop--;
}

static void put_timeouts_back(struct dunlin_conn *c)
{
	struct drv_text t = { 0 };

	if (!c->session.has_timeouts || c->is_lost)
		return;
	c->is_ignoring_stop++;
	my_timeouts(c, -1, -1, &t);
	if (!t.is_failed && my_do(c, t.p, NULL) == DUNLIN_OK)
		c->session.has_timeouts = 0;
	drv_text_clear(&t);
	c->is_ignoring_stop--;
}

/* --- sending ------------------------------------------------------------------------------ */

static int is_in_tx(const struct dunlin_conn *c)
{
	return c->is_begun || c->is_user_tx;
}

/* A statement's success was received. */
static void on_done(void *arg, const struct my_op *op)
{
	struct run *r = arg;
	struct dunlin_conn *c = r->c;
	struct dunlin_step step;

	if (!op->is_last)
		return;
	step = step_at(r, op->step);
	if (step.kind == DUNLIN_STEP_BEGIN && r->to == c)
		c->is_begun = 1;
	else if (step.kind == DUNLIN_STEP_COMMIT && r->to == c)
		c->is_begun = 0;
	else if (step.kind == DUNLIN_STEP_STATEMENT && (step.traits & DUNLIN_ST_BEGIN))
		c->is_user_tx = 1;
	else if (step.kind == DUNLIN_STEP_STATEMENT && (step.traits & (DUNLIN_ST_COMMIT | DUNLIN_ST_ROLLBACK)))
		c->is_user_tx = 0;
	r->done = op->step + 1;
	/* On the side a transaction begins and ends within a packet. */
	if (r->to != c ? step.kind != DUNLIN_STEP_BEGIN && !(r->to->my->server_status & SERVER_STATUS_IN_TRANS) : !is_in_tx(c))
		r->durable = r->done;
	if (c->obs && c->obs->step_done)
		c->obs->step_done(c->obs->arg, op->step);
}

static int send_failed(struct run *r, const struct my_op *op, int status)
{
	struct dunlin_conn *conn = r->to;

	r->failed = op->step;
	if (status == MY_SAID)
		status = explain(r, op);
	if (conn->is_lost) {
		r->is_unknown = 1;
		r->c->is_lost = 1;
	} else if (conn != r->c) {
		roll_back(conn);
	}
	return status;
}

/* The packet has a byte before the statement, and must be shorter than that. */
uint64_t my_statement_max(struct dunlin_conn *c)
{
	return c->server.max_packet > 2 ? c->server.max_packet - 2 : 0;
}

static int too_long(struct run *r, size_t len, const char *what, const char *hint)
{
	drv_error(r->err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, 1153,
	          "%s has %zu bytes, and the server takes at most %llu (max_allowed_packet)", what, len,
	          (unsigned long long)my_statement_max(r->c));
	drv_hint(r->err, "%s", hint);
	return DUNLIN_ERROR;
}

static int flush(struct run *r)
{
	struct my_packet *p = &r->p;
	size_t failed = 0;
	int status;

	if (p->n == 0)
		return p->is_failed ? drv_nomem(r->err) : DUNLIN_OK;
	if (my_statement_max(r->c) && p->sql.len > my_statement_max(r->c)) { /* it would hang up */
		r->failed = p->op[0].step;
		status = too_long(r, p->sql.len, "what the ledger keeps of the migration",
		                  "Its down section is too large: cut it, or raise max_allowed_packet on the server.");
		my_packet_reset(p);
		return status;
	}
	if (p->has_statement && my_is_stopped(r->c)) {
		r->failed = p->op[0].step;
		return my_stopped(r->c, r->err);
	}
	/* Who stops a run wants what was done recorded. */
	r->to->is_ignoring_stop += !p->has_statement;
	status = my_packet_send(p, r->to, r->c, on_done, r, &failed, r->err);
	r->to->is_ignoring_stop -= !p->has_statement;
	if (status != DUNLIN_OK)
		status = send_failed(r, &p->op[failed], status);
	my_packet_reset(p);
	return status;
}

static size_t packet_bytes(const struct run *r)
{
	uint64_t half = my_statement_max(r->c) / 2;

	return half && half < PACKET_BYTES ? (size_t)half : PACKET_BYTES;
}

static int flush_if_full(struct run *r)
{
	return r->p.sql.len > packet_bytes(r) || r->p.n > PACKET_OPS ? flush(r) : DUNLIN_OK;
}

/* --- what goes into a packet ------------------------------------------------------------------ */

static void last(struct run *r)
{
	if (r->p.n)
		r->p.op[r->p.n - 1].is_last = 1;
}

static void add_lock_check(struct run *r, size_t i)
{
	if (!r->c->is_locked || !my_packet_add(&r->p, MY_OP_LOCK, i))
		return;
	drv_text_adds(&r->p.sql, MY_FAILS_IF "((");
	my_lock_check(r->c, &r->p.sql);
	drv_text_adds(&r->p.sql, ") = 0)");
	if (kind_at(r, i) == DUNLIN_STEP_BEGIN)
		drv_text_adds(&r->p.sql, ", " BEGIN_CLOCK);
}

/* Where the group that begins or goes on at i comes to `kind` before its COMMIT. */
static int group_has(const struct run *r, size_t i, int kind)
{
	for (; i < r->n && kind_at(r, i) != DUNLIN_STEP_COMMIT; i++)
		if (kind_at(r, i) == kind)
			return 1;
	return i == r->n ? -1 : 0; /* -1: it goes on in the next call */
}

/* Which connection takes the steps from i on. */
static int choose(struct run *r, size_t i)
{
	struct dunlin_conn *c = r->c;
	int kind = kind_at(r, i), status = DUNLIN_OK;
	int is_journal = (kind == DUNLIN_STEP_BEGIN && group_has(r, i, DUNLIN_STEP_STATEMENT) == 0) ||
	                 kind == DUNLIN_STEP_LEDGER;

	if (r->tx != TX_NONE)
		return DUNLIN_OK;
	r->at = c;
	if (is_journal && c->session.is_dirty)
		status = my_journal(c, &r->at, r->err);
	if (status == DUNLIN_OK && r->at != r->to && r->p.n)
		status = flush(r);
	r->to = r->at;
	return status;
}

static void add_unhide(struct run *r, size_t i);

static int add_begin(struct run *r, const struct dunlin_step *step, size_t i)
{
	struct dunlin_conn *c = r->c;
	int seal = group_has(r, i, DUNLIN_STEP_SEAL);

	if (r->tx != TX_NONE)
		return drv_error(r->err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, 0, "a transaction is open already");
	add_lock_check(r, i);
	if (r->to == c && c->session.has_ledger_name)
		add_unhide(r, i);
	if (r->to == c && (step->lock_timeout_ms >= 0 || step->statement_timeout_ms >= 0) &&
	    my_packet_add(&r->p, MY_OP_OWN, i)) {
		my_timeouts(c, step->lock_timeout_ms, step->statement_timeout_ms, &r->p.sql);
		c->session.has_timeouts = 1;
	}
	if (!c->is_locked)
		my_packet_adds(&r->p, MY_OP_OWN, i, "SET " BEGIN_CLOCK);
	if (step->sql && my_is_single(step->sql, step->sql_len, c->my->server_status)) {
		if (my_packet_add(&r->p, MY_OP_OWN, i))
			drv_text_add(&r->p.sql, step->sql, step->sql_len);
	} else {
		my_packet_adds(&r->p, MY_OP_OWN, i, "START TRANSACTION READ WRITE");
	}
	my_cluster_check(c, &r->p, i);
	if (seal != 0) {
		my_packet_adds(&r->p, MY_OP_OWN, i, "SAVEPOINT " GUARD);
		c->is_guarded = 1;
	}
	last(r);
	r->tx = TX_OWN;
	r->has_dirt = 0;
	return DUNLIN_OK;
}

/* A temporary table hides the ledger from us; dropping it ends no transaction. */
static void add_unhide(struct run *r, size_t i)
{
	struct dunlin_conn *c = r->c;

	if (!c->session.has_temp || !c->lock_table[0] || !my_packet_add(&r->p, MY_OP_OWN, i))
		return;
	if (c->session.has_ledger_name)
		my_notice(c, i, DUNLIN_LOG_WARN, "a temporary table with the ledger's name was dropped");
	c->session.has_temp = c->session.has_ledger_name = 0;
	drv_text_addf(&r->p.sql, "DROP TEMPORARY TABLE IF EXISTS %s, %s", c->lock_table, c->lock_events);
}

static int add_seal(struct run *r, size_t i)
{
	struct dunlin_conn *c = r->c;

	if (r->tx != TX_OWN)
		return drv_error(r->err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, 0, "no migration's transaction is open");
	if (c->session.is_dirty) {
		add_unhide(r, i);
		if (my_packet_add(&r->p, MY_OP_OWN, i))
			my_settings(c, &r->p.sql), drv_text_adds(&r->p.sql, ", sql_mode=DEFAULT, sql_select_limit=DEFAULT");
		if (c->session.has_role && my_packet_add(&r->p, MY_OP_OWN, i)) {
			drv_text_adds(&r->p.sql, "SET ROLE ");
			if (c->server.role[0])
				my_name(&r->p.sql, c->server.role, strlen(c->server.role));
			else
				drv_text_adds(&r->p.sql, "NONE");
		}
		add_lock_check(r, i);
	}
	if (c->is_guarded)
		my_packet_adds(&r->p, MY_OP_GUARD, i, "RELEASE SAVEPOINT " GUARD);
	else
		my_packet_adds(&r->p, MY_OP_OWN, i, "SET @dunlin_check = 0");
	c->is_guarded = 0;
	c->is_sealed = 1;
	last(r);
	return DUNLIN_OK;
}

/* INSERT .. VALUES of one row writes it or fails. */
static int is_sure(const struct dunlin_step *step)
{
	const char *p = step->sql, *end = p + step->sql_len;
	struct drv_token t = drv_token_next(MY_LEX, &p, end);
	int depth = 0;

	if (step->expect_rows != 1 || !drv_token_is(&t, "insert"))
		return 0;
	while ((t = drv_token_next(MY_LEX, &p, end)).kind != DRV_TOKEN_END) {
		depth += (t.kind == DRV_TOKEN_PUNCT && t.p[0] == '(') - (t.kind == DRV_TOKEN_PUNCT && t.p[0] == ')');
		if (depth == 0 && drv_token_is(&t, "values"))
			return 1;
		if (depth == 0 && (drv_token_is(&t, "select") || drv_token_is(&t, "ignore")))
			return 0;
	}
	return 0;
}

#define PROBE_SET "SET @dunlin_probe = "

/* Evidence is taken where the file's statements run, and carried to where the
 * journal is written. */
static int carry_evidence(struct run *r, const struct dunlin_step *step, size_t i)
{
	char answer[512];
	struct drv_text t = { 0 };
	int status;

	drv_text_add(&t, step->sql, step->sql_len);
	status = t.is_failed ? drv_nomem(r->err) : my_do(r->c, t.p, r->err);
	drv_text_clear(&t);
	if (status == DUNLIN_OK)
		status = my_scalar(r->c, "SELECT @dunlin_probe", NULL, 0, answer, sizeof answer, r->err);
	if (status != DUNLIN_OK || !my_packet_add(&r->p, MY_OP_OWN, i))
		return status;
	drv_text_adds(&r->p.sql, PROBE_SET);
	my_literal(&r->p.sql, answer, strlen(answer));
	last(r);
	return DUNLIN_OK;
}

static size_t params_len(const struct dunlin_step *step)
{
	size_t n = 0, i;

	for (i = 0; i < step->n_param; i++)
		n += step->param[i].len;
	return n;
}

static int add_ledger(struct run *r, const struct dunlin_step *step, size_t i)
{
	int status;

	if (r->to != r->c && step->sql_len > sizeof PROBE_SET && memcmp(step->sql, PROBE_SET, sizeof PROBE_SET - 1) == 0)
		return carry_evidence(r, step, i);
	if (r->tx == TX_NONE)
		add_lock_check(r, i);
	if (params_len(step) > packet_bytes(r) / 4 && (status = flush(r)) != DUNLIN_OK)
		return status;
	if (!my_packet_add(&r->p, MY_OP_OWN, i))
		return drv_nomem(r->err);
	status = my_expand(&r->p.sql, step->sql, step->sql_len, step->param, step->n_param, r->err);
	if (status == DUNLIN_OK && step->expect_rows >= 0 && !is_sure(step) && my_packet_add(&r->p, MY_OP_ROWS, i))
		drv_text_addf(&r->p.sql, MY_FAILS_IF "(row_count() <> %lld)", (long long)step->expect_rows);
	last(r);
	return status;
}

static int add_commit(struct run *r, size_t i)
{
	struct dunlin_conn *c = r->c;

	if (r->tx != TX_OWN)
		return drv_error(r->err, DUNLIN_ERROR, DUNLIN_CLASS_VALIDATION, 0, "there is no transaction to commit");
	if (r->has_dirt)
		add_lock_check(r, i);
	if (c->is_guarded) /* there was no SEAL */
		my_packet_adds(&r->p, MY_OP_GUARD, i, "RELEASE SAVEPOINT " GUARD);
	my_packet_adds(&r->p, MY_OP_COMMIT, i, "COMMIT AND NO CHAIN NO RELEASE");
	last(r);
	c->is_guarded = 0;
	r->tx = TX_NONE;
	return DUNLIN_OK;
}

/* --- the file's statements ---------------------------------------------------------------------- */

static int check_size(struct run *r, const struct dunlin_step *step)
{
	uint64_t max = my_statement_max(r->c);

	if (!max || step->sql_len <= max)
		return DUNLIN_OK;
	return too_long(r, step->sql_len, "the statement", "Cut it into several, or raise max_allowed_packet on the server.");
}

static void note_session(struct dunlin_conn *c, const struct my_statement *s, const struct dunlin_step *step)
{
	struct my_session *x = &c->session;

	if (!s->is_dirty)
		return;
	x->is_dirty = 1;
	x->has_temp = 1; /* a CALL may make one as well */
	if (drv_contains_word(step->sql, step->sql_len, "role") || !s->is_plain)
		x->has_role = 1;
	if (c->lock_bare[0] && drv_contains_word(step->sql, step->sql_len, c->lock_bare)) {
		x->has_ledger_name = 1;
		x->has_read_lock |= s->takes_tables;
	}
	x->has_read_lock |= s->takes_read_lock;
	x->has_backup |= s->takes_backup;
	if (s->is_unlock)
		x->has_read_lock = 0;
}

/* By itself; where it is not in a transaction it is committed then, also under
 * autocommit=0. */
static int run_alone(struct run *r, const struct dunlin_step *step, const struct my_statement *s, size_t i)
{
	struct dunlin_conn *c = r->c;
	struct my_op op = { .kind = MY_OP_STATEMENT, .step = i, .is_last = 1 };
	int status = flush(r);

	if (status != DUNLIN_OK)
		return status;
	r->to = c;
	r->failed = i;
	if (my_is_stopped(c))
		return my_stopped(c, r->err);
	note_session(c, s, step); /* whatever comes of it */
	status = my_alone_send(c, step->sql, step->sql_len, s->is_single, i, r->err);
	if (status == DUNLIN_OK)
		status = my_alone_warnings(c, i, r->err);
	if (status == DUNLIN_OK && r->tx == TX_NONE && !(step->traits & DUNLIN_ST_BEGIN) &&
	    (c->my->server_status & SERVER_STATUS_IN_TRANS))
		status = my_do(c, "COMMIT AND NO CHAIN NO RELEASE", r->err);
	if (status != DUNLIN_OK)
		return send_failed(r, &op, status);
	on_done(r, &op);
	return DUNLIN_OK;
}

static int add_statement(struct run *r, const struct dunlin_step *step, size_t i)
{
	struct dunlin_conn *c = r->c;
	int is_lone = r->tx == TX_NONE, has_timeouts, status = check_size(r, step);
	unsigned server_status = c->my->server_status;
	struct my_statement s;

	if (status != DUNLIN_OK) {
		/* What came before it runs first, so that it is told in order. */
		struct dunlin_driver_error keep = { 0 };
		int before;

		if (r->err)
			keep = *r->err;
		before = flush(r);
		if (before == DUNLIN_OK && r->err)
			*r->err = keep;
		if (before == DUNLIN_OK)
			r->failed = i;
		return before == DUNLIN_OK ? status : before;
	}
	my_statement_read(&s, step->sql, step->sql_len, step->traits, server_status);
	has_timeouts = is_lone && (step->lock_timeout_ms >= 0 || step->statement_timeout_ms >= 0);
	if (has_timeouts && my_packet_add(&r->p, MY_OP_OWN, i)) {
		my_timeouts(c, step->lock_timeout_ms, step->statement_timeout_ms, &r->p.sql);
		c->session.has_timeouts = 1;
	}
	r->has_dirt |= s.is_dirty;
	/* A transaction that several migrations share is guarded anew for each. */
	if (r->tx == TX_OWN && c->is_sealed && !c->is_guarded) {
		my_packet_adds(&r->p, MY_OP_OWN, i, "SAVEPOINT " GUARD);
		c->is_guarded = 1;
		c->is_sealed = 0;
	}
	if (step->traits & DUNLIN_ST_BEGIN)
		r->tx = TX_FILE;
	else if (r->tx == TX_FILE && (step->traits & (DUNLIN_ST_COMMIT | DUNLIN_ST_ROLLBACK)))
		r->tx = TX_NONE;
	if (s.is_alone || !(server_status & SERVER_STATUS_AUTOCOMMIT) || step->sql_len > packet_bytes(r) / 2)
		return run_alone(r, step, &s, i);
	if (!my_packet_add(&r->p, MY_OP_STATEMENT, i))
		return drv_nomem(r->err);
	drv_text_add(&r->p.sql, step->sql, step->sql_len);
	if (!(step->traits & (DUNLIN_ST_BEGIN | DUNLIN_ST_COMMIT | DUNLIN_ST_ROLLBACK)))
		my_packet_adds(&r->p, MY_OP_WARNINGS, i, MY_SHOW_WARNINGS);
	last(r);
	return DUNLIN_OK;
}

/* --- the loop --------------------------------------------------------------------------------------- */

static int add_step(struct run *r, size_t i)
{
	struct dunlin_step step = step_at(r, i);
	int status;

	r->failed = i; /* choose() may send what stands before it, and that may fail */
	status = choose(r, i);
	if (status != DUNLIN_OK)
		return status;
	switch (step.kind) {
	case DUNLIN_STEP_BEGIN:
		return add_begin(r, &step, i);
	case DUNLIN_STEP_STATEMENT:
		return add_statement(r, &step, i);
	case DUNLIN_STEP_SEAL:
		return add_seal(r, i);
	case DUNLIN_STEP_LEDGER:
		return add_ledger(r, &step, i);
	case DUNLIN_STEP_COMMIT:
		return add_commit(r, i);
	default:
		return drv_error(r->err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, 0, "step %zu is of unknown kind %d", i, (int)step.kind);
	}
}

/* After a migration's transaction: its settings end with it. */
static int end_of_migration(struct run *r, size_t i)
{
	struct dunlin_conn *c = r->c;
	int status;

	if (kind_at(r, i) != DUNLIN_STEP_COMMIT || r->to != c || !c->is_sealed)
		return DUNLIN_OK;
	c->is_sealed = 0;
	if (!c->session.has_timeouts && !c->session.is_dirty)
		return DUNLIN_OK;
	status = flush(r);
	if (status != DUNLIN_OK)
		return status;
	put_timeouts_back(c);
	/* Committed it is, whatever becomes of the session: the next step finds out. */
	if (c->session.is_dirty && my_renew(c, NULL) != DUNLIN_OK)
		c->is_lost = 1;
	return DUNLIN_OK;
}

static int run_steps(struct run *r)
{
	int status = DUNLIN_OK;
	size_t i;

	for (i = 0; i < r->n && status == DUNLIN_OK; i++) {
		status = my_alive(r->c, r->err);
		if (status == DUNLIN_OK)
			status = add_step(r, i);
		if (status == DUNLIN_OK)
			status = end_of_migration(r, i);
		if (status == DUNLIN_OK)
			status = flush_if_full(r);
	}
	return status == DUNLIN_OK ? flush(r) : status;
}

/* is_kept: a failure leaves the transaction that was open as the server leaves it. */
static int carry_out(struct dunlin_conn *c, const struct dunlin_step *steps, size_t n_step, int is_kept,
                     const struct dunlin_exec_observer *obs, struct dunlin_exec_result *res, struct dunlin_driver_error *err)
{
	struct run r = { .c = c, .to = c, .at = c, .steps = steps, .n = n_step, .err = err };
	int status = my_enter(c, err);

	res->is_unknown = 0;
	res->n_done = res->n_durable = 0;
	if (status != DUNLIN_OK)
		return status;
	c->obs = obs;
	r.tx = c->is_begun ? TX_OWN : c->is_user_tx ? TX_FILE : TX_NONE;
	status = run_steps(&r);
	if (status != DUNLIN_OK && !is_kept)
		roll_back(c);
	if (!c->is_begun)
		put_timeouts_back(c);
	c->obs = NULL;
	res->n_done = status == DUNLIN_OK ? n_step : r.failed;
	res->n_durable = r.durable < res->n_done ? r.durable : res->n_done;
	res->is_unknown = r.is_unknown;
	my_packet_clear(&r.p);
	return status;
}

int my_exec_many(struct dunlin_conn *c, const struct dunlin_step *steps, size_t n_step,
                 const struct dunlin_exec_observer *obs, struct dunlin_exec_result *res, struct dunlin_driver_error *err)
{
	return carry_out(c, steps, n_step, 0, obs, res, err);
}

/* --- one step by itself ---------------------------------------------------------------------------------- */

static int run_one(struct dunlin_conn *c, const struct dunlin_step *step, struct dunlin_driver_error *err)
{
	struct dunlin_exec_result res = { .struct_size = sizeof res };
	int is_inside = (c->is_begun || c->is_user_tx) && (step->kind == DUNLIN_STEP_STATEMENT || step->kind == DUNLIN_STEP_LEDGER);

	return carry_out(c, step, 1, is_inside, NULL, &res, err);
}

int my_exec(struct dunlin_conn *c, const struct dunlin_step *step, struct dunlin_driver_error *err)
{
	return run_one(c, step, err);
}

int my_begin(struct dunlin_conn *c, const struct dunlin_step *step, struct dunlin_driver_error *err)
{
	struct dunlin_step own = { .struct_size = sizeof own, .lock_timeout_ms = -1, .statement_timeout_ms = -1 };

	if (step)
		own = drv_step_load(step);
	own.kind = DUNLIN_STEP_BEGIN;
	own.struct_size = sizeof own;
	return run_one(c, &own, err);
}

int my_commit(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	struct dunlin_step own = { .struct_size = sizeof own, .kind = DUNLIN_STEP_COMMIT, .lock_timeout_ms = -1,
	                           .statement_timeout_ms = -1 };

	return run_one(c, &own, err);
}

int my_rollback(struct dunlin_conn *c, struct dunlin_driver_error *err)
{
	int status = my_enter(c, err);

	if (status != DUNLIN_OK)
		return status;
	c->is_ignoring_stop++;
	status = my_do(c, "ROLLBACK", err);
	c->is_ignoring_stop--;
	c->is_begun = c->is_guarded = c->is_sealed = c->is_user_tx = 0;
	put_timeouts_back(c);
	return status;
}

int my_savepoint(struct dunlin_conn *c, int op, const char *name, struct dunlin_driver_error *err)
{
	static const char *const verbs[] = { NULL, "SAVEPOINT ", "RELEASE SAVEPOINT ", "ROLLBACK TO SAVEPOINT " };
	struct drv_text sql = { 0 };
	int status = my_enter(c, err);

	if (status != DUNLIN_OK)
		return status;
	if (op < DUNLIN_SAVEPOINT_SET || op > DUNLIN_SAVEPOINT_ROLLBACK || strcmp(name, GUARD) == 0)
		return drv_error(err, DUNLIN_ERROR, DUNLIN_CLASS_DRIVER, 0, "'%s' is not possible as a savepoint", name);
	drv_text_adds(&sql, verbs[op]);
	my_name(&sql, name, strlen(name));
	status = sql.is_failed ? drv_nomem(err) : my_do(c, sql.p, err);
	drv_text_clear(&sql);
	return status;
}

/* The client's copy of the flag is wrong after a DDL statement that failed. */
int my_tx_state(struct dunlin_conn *c, int32_t *state, struct dunlin_driver_error *err)
{
	char answer[8];
	int status = my_enter(c, err);

	*state = DUNLIN_TX_NONE;
	if (status == DUNLIN_OK)
		status = my_scalar(c, "SELECT @@in_transaction", NULL, 0, answer, sizeof answer, err);
	if (status == DUNLIN_OK && strcmp(answer, "1") == 0)
		*state = DUNLIN_TX_OPEN;
	return status;
}
