/*
 * block_mariadb.c - MariaDB's stored programs and compound statements.
 *
 * The server knows from its grammar where a routine ends; its client does not,
 * hence DELIMITER.  This follows just the grammar's skeleton: a keyword opens a
 * block only where a statement of a body begins, so IF(), REPEAT() and columns
 * named "end" do no harm.  Oracle mode's forms are understood, too.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "block_priv.h"

enum {
	M_START = 0,
	M_LABEL,   /* one word was seen: a label if ':' follows    */
	M_BEGIN,   /* BEGIN was seen: NOT ATOMIC makes it a block  */
	M_CREATE,  /* up to what is created                        */
	M_HEADER,  /* of a routine                                 */
	M_FOLLOWS, /* a trigger's FOLLOWS <name>                   */
	M_BODY,
	M_PLAIN
};

enum { B_BEGIN = 1, B_DECLARE, B_PACKAGE, B_IF, B_CASE, B_LOOP, B_REPEAT, B_UNTIL,
       B_HEAD, /* WHILE or FOR up to DO (in Oracle mode LOOP) */
       B_EXPR  /* a CASE within an expression                 */ };

static unsigned top(const struct block *b)
{
	return b->depth ? b->stack[b->depth - 1] : 0;
}

static void set_top(struct block *b, unsigned what)
{
	b->stack[b->depth - 1] = (unsigned char)what;
}

static void push(struct block *b, unsigned what, uint64_t off)
{
	if (b->depth == BLOCK_MAX_DEPTH) {
		b->too_deep = 1;
		return;
	}
	if (b->depth == 0)
		b->open_off = off;
	b->stack[b->depth++] = (unsigned char)what;
}

static void end_of_block(struct block *b)
{
	if (b->depth)
		b->depth--;
}

static void enter_body(struct block *b)
{
	b->phase = M_BODY;
	b->is_start = 1;
	b->was_start = 0;
	b->first = K_NONE;
	b->handler = b->is_nested = 0;
}

static void enter_header(struct block *b, enum keyword object)
{
	b->phase = M_HEADER;
	b->object = (unsigned char)object;
	b->has_params = b->has_returns = 0;
	b->is_start = b->was_start = 0;
}

/* The first token of a statement of a body. */
static void body_first(struct block *b, enum keyword k, uint64_t off)
{
	unsigned t = top(b);

	b->is_start = 0;
	b->was_start = k != K_PUNCT;
	b->first = (unsigned char)k;
	switch (k) {
	case K_BEGIN:
		/* A declare section's and a package's own BEGIN have one END with it. */
		if ((t == B_DECLARE || t == B_PACKAGE) && !b->is_nested)
			set_top(b, B_BEGIN);
		else
			push(b, B_BEGIN, off);
		b->is_start = 1;
		break;
	case K_IF:
		push(b, B_IF, off);
		break;
	case K_CASE:
		push(b, B_CASE, off);
		break;
	case K_LOOP:
		push(b, B_LOOP, off);
		b->is_start = 1;
		break;
	case K_REPEAT:
		push(b, B_REPEAT, off);
		b->is_start = 1;
		break;
	case K_WHILE:
	case K_FOR:
		push(b, B_HEAD, off);
		break;
	case K_ELSE:
		b->is_start = t == B_IF || t == B_CASE;
		break;
	case K_UNTIL:
		if (t == B_REPEAT)
			set_top(b, B_UNTIL);
		break;
	case K_END:
		end_of_block(b);
		break;
	case K_DECLARE:
		/* Only Oracle mode has a section of them outside BEGIN. */
		if (b->depth == 0 || b->is_oracle)
			push(b, B_DECLARE, off);
		b->is_start = b->depth > 0 && top(b) == B_DECLARE;
		break;
	case K_PROCEDURE:
	case K_FUNCTION:
		if (t == B_PACKAGE || t == B_DECLARE)
			enter_header(b, k);
		break;
	case K_FOLLOWS:
	case K_PRECEDES:
		if (b->object == K_TRIGGER && b->depth == 0)
			b->phase = M_FOLLOWS;
		break;
	default:
		break;
	}
}

/* After HANDLER FOR: conditions with commas between, then a statement.
 * 1: condition expected, 2: one is complete. */
static int handler_condition(struct block *b, enum keyword k, const char *text)
{
	if (b->handler == 2) {
		if (k == K_PUNCT && *text == ',') {
			b->handler = 1;
			return 1;
		}
		b->handler = 0;
		b->is_nested = b->is_start = 1;
		return 0; /* the statement's first token */
	}
	if (k != K_SQLSTATE && k != K_VALUE && k != K_NOT)
		b->handler = 2;
	return 1;
}

/* Any further token. */
static void body_next(struct block *b, enum keyword k, const char *text, uint64_t off)
{
	unsigned t = top(b);
	int is_name = b->prev_punct == '.' || b->prev_punct == '@';

	if (k == K_PUNCT) {
		/* label: and Oracle's <<label>> */
		if ((*text == ':' && b->was_start) || (*text == '>' && b->prev_punct == '>' && b->first == K_PUNCT))
			b->is_start = 1;
		b->was_start = 0;
		return;
	}
	b->was_start = 0;
	if (is_name)
		return;
	switch (k) {
	case K_CASE:
		push(b, B_EXPR, off);
		break;
	case K_END:
		/* An operand may be named so: only what ends an expression does count. */
		if (t == B_EXPR) {
			if (b->prev != K_PUNCT || b->prev_punct == ')')
				b->depth--;
		} else if (t == B_UNTIL) {
			end_of_block(b);
		}
		break;
	case K_THEN:
		b->is_start = t == B_IF || t == B_CASE ||
		              (t == B_BEGIN && (b->first == K_WHEN || b->first == K_EXCEPTION));
		break;
	case K_DO:
	case K_LOOP:
		if (t == B_HEAD) {
			set_top(b, B_LOOP);
			b->is_start = 1;
		}
		break;
	case K_NOT: /* BEGIN NOT ATOMIC within a block */
		break;
	case K_ATOMIC:
		b->is_start = b->prev == K_NOT && b->first == K_NOT;
		break;
	case K_FOR:
		if (b->prev == K_HANDLER && (b->first == K_DECLARE || b->first == K_CONTINUE ||
		                             b->first == K_EXIT || b->first == K_UNDO))
			b->handler = 1;
		break;
	default:
		break;
	}
	if (b->is_start)
		b->first = K_NONE;
}

static void body_token(struct block *b, enum keyword k, const char *text, uint64_t off)
{
	if (b->handler && handler_condition(b, k, text))
		return;
	/* A name used as a label keeps the start open until ':' decides; words
	 * that open something are never taken for labels by the server either. */
	if (b->is_start)
		body_first(b, k, off);
	else
		body_next(b, k, text, off);
}

static int is_characteristic(enum keyword k)
{
	switch (k) {
	case K_LANGUAGE: case K_SQL: case K_NOT: case K_DETERMINISTIC: case K_CONTAINS: case K_NO:
	case K_READS: case K_MODIFIES: case K_DATA: case K_SECURITY: case K_DEFINER: case K_INVOKER:
	case K_COMMENT: case K_QUOTED:
		return 1;
	default:
		return 0;
	}
}

static int opens_block(enum keyword k)
{
	return k == K_BEGIN || k == K_IF || k == K_CASE || k == K_LOOP || k == K_REPEAT || k == K_WHILE ||
	       k == K_FOR;
}

/* Where a routine's header ends and its body begins. */
static void header_token(struct block *b, enum keyword k, const char *text, uint64_t off)
{
	int is_name = b->prev_punct == '.' || b->prev_punct == '@' || b->prev_punct == '=';

	if (b->paren || is_name)
		return;
	if (k == K_PUNCT) {
		if (*text == ')' && !b->has_returns)
			b->has_params = 1;
		if (*text == ':' && b->object == K_FUNCTION && b->has_returns) {
			enter_body(b);
			b->is_nested = b->depth > 0;
		}
		return;
	}
	switch (b->object) {
	case K_TRIGGER:
		if (k == K_ROW && b->prev == K_EACH)
			enter_body(b);
		return;
	case K_EVENT:
		if (k == K_DO)
			enter_body(b);
		return;
	case K_PACKAGE:
		/* AS or IS in Oracle mode; else the first declaration. */
		if (b->n_words < 3 || (b->n_words == 3 && b->prev == K_BODY))
			return;
		if (k == K_AS || k == K_IS || k == K_PROCEDURE || k == K_FUNCTION || k == K_DECLARE ||
		    k == K_BEGIN || k == K_END) {
			push(b, B_PACKAGE, off);
			enter_body(b);
			if (k != K_AS && k != K_IS)
				body_token(b, k, text, off);
		}
		return;
	default:
		break;
	}
	if ((k == K_AS || k == K_IS) && (b->object == K_PROCEDURE || b->has_returns)) {
		push(b, B_DECLARE, off);
		enter_body(b);
		return;
	}
	if (!b->has_params && b->object == K_PROCEDURE)
		return;
	if (b->object == K_FUNCTION) {
		if (k == K_RETURNS || (k == K_RETURN && !b->has_returns)) {
			b->has_returns = k == K_RETURNS ? 1 : 2; /* 2: Oracle's RETURN type */
			return;
		}
		if (!b->has_returns || !(k == K_RETURN || opens_block(k)))
			return;
	} else if (is_characteristic(k)) {
		return;
	}
	enter_body(b);
	b->is_nested = b->depth > 0; /* in a package */
	body_token(b, k, text, off);
}

static void create_token(struct block *b, enum keyword k)
{
	if (b->prev_punct == '=' || b->prev_punct == '@')
		return; /* DEFINER=user@host */
	switch (k) {
	case K_PROCEDURE: case K_FUNCTION: case K_TRIGGER: case K_PACKAGE: case K_EVENT:
		if (b->first == K_ALTER && k != K_EVENT)
			break;
		b->n_words = 1;
		enter_header(b, k);
		return;
	case K_OR: case K_REPLACE: case K_AGGREGATE: case K_DEFINER: case K_CURRENT_USER:
	case K_CURRENT_ROLE: case K_PUNCT: case K_QUOTED:
		return;
	default:
		break;
	}
	b->phase = M_PLAIN;
}

static void mariadb_start(struct block *b, enum keyword k, const char *text, uint64_t off)
{
	b->open_off = off;
	switch (k) {
	case K_CREATE: case K_ALTER:
		b->phase = M_CREATE;
		b->first = (unsigned char)k;
		break;
	case K_BEGIN:
		b->phase = M_BEGIN;
		break;
	case K_INSERT: case K_UPDATE: case K_DELETE: case K_REPLACE: case K_SELECT: case K_SET:
	case K_PUNCT:
		b->phase = M_PLAIN;
		break;
	case K_IF: case K_CASE: case K_LOOP: case K_REPEAT: case K_WHILE: case K_FOR: case K_DECLARE:
		enter_body(b);
		body_token(b, k, text, off);
		break;
	default:
		b->phase = M_LABEL;
		break;
	}
}

void block_mariadb_token(struct block *b, enum keyword k, const char *text, uint64_t off)
{
	switch (b->phase) {
	case M_START:
		mariadb_start(b, k, text, off);
		return;
	case M_LABEL:
		if (k == K_PUNCT && *text == ':')
			enter_body(b);
		else
			b->phase = M_PLAIN;
		return;
	case M_BEGIN: /* BEGIN [WORK] is a transaction, but an anonymous block in Oracle mode */
		if (k == K_NOT && b->prev == K_BEGIN) {
			return;
		} else if (k == K_ATOMIC && b->prev == K_NOT) {
			push(b, B_BEGIN, b->open_off);
			enter_body(b);
		} else if (b->is_oracle && k != K_WORK && k != K_PUNCT) {
			push(b, B_BEGIN, b->open_off);
			enter_body(b);
			body_token(b, k, text, off);
		} else {
			b->phase = M_PLAIN;
		}
		return;
	case M_CREATE:
		create_token(b, k);
		return;
	case M_HEADER:
		header_token(b, k, text, off);
		return;
	case M_FOLLOWS:
		if (k != K_PUNCT)
			enter_body(b);
		return;
	case M_BODY:
		body_token(b, k, text, off);
		return;
	default:
		return;
	}
}

int block_mariadb_semicolon(struct block *b)
{
	/* No expression goes over a semicolon: something was misread. */
	while (top(b) == B_EXPR)
		b->depth--;
	if (b->phase == M_HEADER && b->object == K_PACKAGE && b->depth == 0 && b->n_words > 2) {
		push(b, B_PACKAGE, b->open_off);
	} else if (b->depth == 0) {
		return 1;
	}
	enter_body(b);
	return 0;
}

int block_mariadb_is_plain(const struct block *b)
{
	return b->phase == M_PLAIN;
}

int block_mariadb_is_open(const struct block *b)
{
	for (unsigned i = b->depth; i > 0; i--)
		if (b->stack[i - 1] != B_EXPR)
			return 1;
	return 0;
}
