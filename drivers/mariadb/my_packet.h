/*
 * my_packet.h - packets of statements, between exec.c, packet.c, statement.c.
 */
#ifndef DUNLIN_MARIADB_PACKET_H
#define DUNLIN_MARIADB_PACKET_H

#include "my_driver.h"

#define MY_SHOW_WARNINGS "SHOW WARNINGS LIMIT 20"
/* An error from 9223372036854775807 + 1 is one in every sql_mode. */
#define MY_FAILS_IF "SET @dunlin_check = 9223372036854775807 + "
#define MY_SAID 100 /* a status: libmariadb holds the error */

enum my_op_kind {
	MY_OP_OWN = 0,    /* ours: settings, BEGIN, the journal          */
	MY_OP_STATEMENT,  /* the file's                                  */
	MY_OP_WARNINGS,   /* shows those of the statement before it      */
	MY_OP_LOCK,       /* fails unless the lock is ours               */
	MY_OP_ROWS,       /* fails unless so many rows were affected     */
	MY_OP_CLUSTER,    /* fails if a run on another node has worked   */
	MY_OP_GUARD,      /* fails unless the transaction is still ours  */
	MY_OP_COMMIT
};

/* One statement of a packet. */
struct my_op {
	enum my_op_kind kind;
	size_t step;       /* index in the call's array                  */
	size_t at;         /* offset in the packet                       */
	unsigned is_last : 1; /* with it the step is done                */
};

struct my_packet {
	struct drv_text sql;
	struct my_op *op;
	size_t n, cap;
	int has_statement, is_failed;
};

void my_packet_clear(struct my_packet *p);
void my_packet_reset(struct my_packet *p);
/* Begins one more; the caller adds its text to p->sql.  NULL: out of memory,
 * which sticks. */
struct my_op *my_packet_add(struct my_packet *p, enum my_op_kind kind, size_t step);
void my_packet_adds(struct my_packet *p, enum my_op_kind kind, size_t step, const char *sql);

typedef void my_done_fn(void *arg, const struct my_op *op);

/* Sends it over conn and reads every result; done() is told of each success.
 * On a failure *failed is the op.  MY_SAID: the library holds the error. */
int  my_packet_send(struct my_packet *p, struct dunlin_conn *conn, struct dunlin_conn *c, my_done_fn *done, void *arg,
                    size_t *failed, struct dunlin_driver_error *err);
/* One statement by itself, with as many results as it gives.  is_single: it is
 * proven to be one; otherwise the server is told to refuse two. */
int  my_alone_send(struct dunlin_conn *c, const char *sql, size_t len, int is_single, size_t index,
                   struct dunlin_driver_error *err);
/* Shows its warnings, if it had any. */
int  my_alone_warnings(struct dunlin_conn *c, size_t index, struct dunlin_driver_error *err);

/* cluster.c: nothing of it where there is no cluster. */

/* With the node's own lock held: the cluster's.  EBUSY: a run on another node has it. */
int  my_cluster_take(struct dunlin_conn *c, struct dunlin_driver_error *err);
void my_cluster_let_go(struct dunlin_conn *c);
/* After the schema was wiped, and the table with it. */
int  my_cluster_again(struct dunlin_conn *c, struct dunlin_driver_error *err);
/* Right after START TRANSACTION.  owner: who holds the lock. */
void my_cluster_check(const struct dunlin_conn *owner, struct my_packet *p, size_t step);

/* statement.c */

struct my_statement {
	unsigned is_single : 1; /* proven to be one statement               */
	unsigned is_plain : 1;  /* it gives one result                      */
	unsigned is_dirty : 1;  /* it may change the session                */
	unsigned is_alone : 1;  /* it shares no packet                      */
	unsigned is_unlock : 1, takes_tables : 1, takes_read_lock : 1, takes_backup : 1;
	unsigned is_temporary : 1;
};
/* server_status: MYSQL.server_status, for the quotes and escapes that hold now. */
void my_statement_read(struct my_statement *s, const char *sql, size_t len, uint32_t traits, unsigned server_status);
int  my_is_single(const char *sql, size_t len, unsigned server_status);

#endif
