/*
 * test_split.c - where statements begin and end, in each dialect.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "split_run.h"

#include "mem.h"
#include "tap.h"

#include <dirent.h>
#include <jansson.h>
#include <stdlib.h>

/* --- the shared cases -------------------------------------------------------------------- */

static size_t base64(const char *s, char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned bits = 0, v = 0;
	size_t n = 0;

	for (; *s && *s != '='; s++) {
		v = (v << 6 | (unsigned)(strchr(digits, *s) - digits)) & 0xffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[n++] = (char)(v >> bits);
		}
	}
	return n;
}

static const char *member(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s ? s : "";
}

/* Statements and ranges of a case, in the form of split_run() but for lines. */
static void check_statements(const json_t *want, struct splitter *s, struct dunlin_error *err, const char *name)
{
	const json_t *statements = json_object_get(want, "statements"), *ranges = json_object_get(want, "ranges");
	struct split_statement st;
	size_t i = 0;
	int rc;

	while ((rc = splitter_next(s, &st, err)) > 0) {
		const json_t *text = json_array_get(statements, i), *range = json_array_get(ranges, i);
		int held = 1;

		if (!text) {
			tap_note("%s: more statements than wanted", name);
			TAP_OK(text != NULL);
			return;
		}
		held &= TAP_EQ_MEM(st.text, st.len, json_string_value(text), json_string_length(text));
		if (range) {
			held &= TAP_EQ_INT(st.off, json_integer_value(json_array_get(range, 0)));
			held &= TAP_EQ_INT(st.off + st.raw_len, json_integer_value(json_array_get(range, 1)));
		}
		if (!held)
			tap_note("in %s, statement %zu", name, i);
		i++;
	}
	if (!TAP_EQ_INT(rc, 0) || !TAP_EQ_INT(i, json_array_size(statements)))
		tap_note("in %s: %s", name, err->message);
}

static void check_refused(struct splitter *s, int rc, struct dunlin_error *err, const char *name)
{
	struct split_statement st;

	while (rc == 0 && (rc = splitter_next(s, &st, err)) > 0)
		rc = 0;
	if (!TAP_EQ_INT(rc, -1) || !TAP_EQ_INT(err->code, DUNLIN_EXIT_INVALID) || !TAP_OK(err->line > 0) ||
	    !TAP_OK(err->column > 0) || !TAP_EQ_STR(err->file, name) || !TAP_OK(err->hint[0] != '\0'))
		tap_note("in %s: %s", name, err->message);
}

static void check_case(const json_t *c, size_t chunk)
{
	const json_t *sql = json_object_get(c, "sql");
	const char *coded = member(c, "sql_base64"), *name = member(c, "name");
	char *decoded = malloc(strlen(coded) + 1);
	struct text_reader r = { .chunk = chunk };
	struct split_options o = { .dialect = dialect_find(member(c, "dialect")), .read = text_read, .read_arg = &r,
		                   .window = chunk, .file = name };
	struct splitter *s = NULL;
	struct dunlin_error err = { 0 };
	int rc;

	if (!TAP_OK(decoded && o.dialect))
		goto out;
	if (*coded) {
		r.p = decoded;
		r.n = base64(coded, decoded);
	} else {
		r.p = json_string_value(sql);
		r.n = json_string_length(sql);
	}
	rc = splitter_open(&s, &o, &err);
	if (strcmp(member(c, "error_stage"), "split") == 0 || strcmp(member(c, "strict"), "error") == 0)
		check_refused(s, rc, &err, name);
	else if (TAP_EQ_INT(rc, 0))
		check_statements(c, s, &err, name);
	splitter_close(s);
out:
	free(decoded);
}

static void every_shared_case_is_split_as_the_databases_do(void)
{
	const char *shared = tap_shared();
	char path[4200];
	json_t *cases, *c;
	size_t i;

	if (!shared) {
		tap_skip("the shared cases are not here");
		return;
	}
	snprintf(path, sizeof path, "%s/cases/split-cases.json", shared);
	cases = json_load_file(path, JSON_ALLOW_NUL, NULL);
	if (!TAP_OK(json_array_size(cases) > 0))
		return;
	for (size_t chunk = 0; chunk < 3; chunk++)
		json_array_foreach(cases, i, c)
			check_case(c, chunk);
	json_decref(cases);
}

/* --- our own cases --------------------------------------------------------------------------- */

struct split_case {
	const char *dialect, *sql;
	const char *want; /* statements, each followed by a '|' on its own; "!" and a message: refused */
};

static const struct split_case cases[] = {
	/* PostgreSQL: strings */
	{ "postgresql", "select E'a\\';'\n-- c;\n'b\\';'; select 2", "select E'a\\';'\n-- c;\n'b\\';'|select 2" },
	{ "postgresql", "select E'a' 'b\\'; select 2", "select E'a' 'b\\'|select 2" },
	{ "postgresql", "select xE'a\\'; select 2", "select xE'a\\'|select 2" },
	{ "postgresql", "select 1E'a\\'; select 2", "select 1E'a\\'|select 2" },
	{ "postgresql", "select 'a'E'\\';'; select 2", "select 'a'E'\\';'|select 2" },
	{ "postgresql", "insert into t values(E'\\';', e'\\\\', 'c\\'); select 2", "insert into t values(E'\\';', e'\\\\', 'c\\')|select 2" },
	{ "postgresql", "select E'a''\\';'; select 2", "select E'a''\\';'|select 2" },
	{ "postgresql", "set standard_conforming_strings=off;\nselect 'a\\';b'; select E'\\''; reset all; select 'a\\'; select 2",
	  "set standard_conforming_strings=off|select 'a\\';b'|select E'\\''|reset all|select 'a\\'|select 2" },
	{ "postgresql", "SET SESSION standard_conforming_strings TO 'false'; select 'a\\';b'; select b'1;'",
	  "SET SESSION standard_conforming_strings TO 'false'|select 'a\\';b'|select b'1;'" },
	{ "postgresql", "select pg_catalog.set_config('standard_conforming_strings', 'off', false); select '\\';'",
	  "select pg_catalog.set_config('standard_conforming_strings', 'off', false)|select '\\';'" },
	{ "postgresql", "set standard_conforming_strings=off; select x'\\'; select 1", "set standard_conforming_strings=off|select x'\\'|select 1" },
	/* dollars */
	{ "postgresql", "insert into a$b values ($$;$$, 1$$;$$, a$1, $1$$;$$); select 2",
	  "insert into a$b values ($$;$$, 1$$;$$, a$1, $1$$;$$)|select 2" },
	{ "postgresql", "select $a;$$;$$, $ a; select $", "select $a|$$;$$, $ a|select $" },
	{ "postgresql", "select a$$$$;b", "select a$$$$|b" },
	{ "postgresql", "select $tag$ $tag $TAG$ $$ ;$tag$;x", "select $tag$ $tag $TAG$ $$ ;$tag$|x" },
	/* comments */
	{ "postgresql", "select 1 -- a;b\r+1; select 2", "select 1 -- a;b\r+1|select 2" },
	{ "postgresql", "select 1 */* c;/*;*/ */ 2; x", "select 1 */* c;/*;*/ */ 2|x" },
	{ "postgresql", "/*/*/;*/;*/ select 1;x", "/*/*/;*/;*/ select 1|x" },
	{ "postgresql", "/**/;/***/select 1/*/ ; */;", "/***/select 1/*/ ; */" },
	/* parentheses, rules, bodies */
	{ "postgresql", "create rule r as on insert to t do (insert into u values(1); select 2); select 3",
	  "create rule r as on insert to t do (insert into u values(1); select 2)|select 3" },
	{ "postgresql", ") select 1; select 2", ") select 1|select 2" },
	{ "postgresql", "create function begin() returns int language sql begin atomic select 1; end; x",
	  "create function begin() returns int language sql begin atomic select 1; end|x" },
	{ "postgresql", "create function f() returns int language sql begin atomic select begin, t.case, 1 as end from t; select case 1 when 1 then 2 end; end; x",
	  "create function f() returns int language sql begin atomic select begin, t.case, 1 as end from t; select case 1 when 1 then 2 end; end|x" },
	{ "postgresql", "create procedure p(begin int) language plpgsql as $$ begin; $$; x", "create procedure p(begin int) language plpgsql as $$ begin; $$|x" },
	{ "postgresql", "create table f(begin int, atomic int); create view v as select begin atomic from t; x",
	  "create table f(begin int, atomic int)|create view v as select begin atomic from t|x" },
	/* psql's own */
	{ "postgresql", "select 1;\n  \\restrict abc;def\nselect 2;\n\\unrestrict abc", "select 1|select 2" },
	{ "postgresql", "select 1,\n\\restrict x\n2;", "select 1,\n\n2" },
	{ "postgresql", "select 1; \\restrict x\n", "!client command '\\restrict'" },
	{ "postgresql", "\\restricted x\n", "!client command '\\restricted'" },
	{ "postgresql", "\\i other.sql\n", "!client command '\\i'" },
	{ "postgresql", "select 1;\n\\.\n", "!client command '\\.'" },
	{ "postgresql", "\\", "!client command '\\'" },
	{ "postgresql", "\\\xc3\xa9", "!client command '\\'" },
	{ "postgresql", "delimiter //\nselect 1//; .read x; source y", "delimiter //\nselect 1//|.read x|source y" },
	/* MariaDB: comments */
	{ "mariadb", "select 5 --\x7f; x\n+1; a; --x\ndelimiter //\nb//", "select 5 --\x7f; x\n+1|a|b" },
	{ "mariadb", "/*!99999 /* /* */ ; */ select 1; x", "/*!99999 /* /* */ ; */ select 1|x" },
	{ "mariadb", "select 5--1; select 2", "select 5--1|select 2" },
	{ "mariadb", "--x;\nselect 1;\n  --y;\nselect 2; --3", "select 1|select 2" },
	{ "mariadb", "select 1; --\nselect 2 --\x01;\n;", "select 1|--\nselect 2 --\x01;" },
	{ "mariadb", "/* a /* b */ select 1;", "/* a /* b */ select 1" },
	{ "mariadb", "/*!50003 create*/ /*!50017 definer=`a;`@`%`*/ /*!50003 trigger t before insert on x for each row begin set @a=1; end */; select 1",
	  "/*!50003 create*/ /*!50017 definer=`a;`@`%`*/ /*!50003 trigger t before insert on x for each row begin set @a=1; end */|select 1" },
	{ "mariadb", "/*!40101 set x='*/;' */; /*!99999 don't; */; /*!50701 it's /* nested; ' */ */ select 1; /*!100100 select ';*/' */;",
	  "/*!40101 set x='*/;' */|/*!99999 don't; */|/*!50701 it's /* nested; ' */ */ select 1|/*!100100 select ';*/' */" },
	{ "mariadb", "/*! select 1 /* plain; */ ; select 2 */; x", "/*! select 1 /* plain; */ ; select 2 */|x" },
	{ "mariadb", "/*M!100100 select 1 */ /*M 2 */; x", "/*M!100100 select 1 */ /*M 2 */|x" },
	/* strings */
	{ "mariadb", "select 'a\\';', \"b\\\";\", `c\\`; x", "select 'a\\';', \"b\\\";\", `c\\`|x" },
	{ "mariadb", "select \\N; select 2", "select \\N|select 2" },
	{ "mariadb", "set sql_mode=concat(@@sql_mode,',NO_BACKSLASH_ESCAPES'); select '\\'; set sql_mode=@old; select '\\';'",
	  "set sql_mode=concat(@@sql_mode,',NO_BACKSLASH_ESCAPES')|select '\\'|set sql_mode=@old|select '\\';'" },
	{ "mariadb", "set @a=1, session sql_mode='ansi'; select \"\\\"; set @@sql_mode=default; select \"\\\";\"",
	  "set @a=1, session sql_mode='ansi'|select \"\\\"|set @@sql_mode=default|select \"\\\";\"" },
	{ "mariadb", "set global sql_mode='NO_BACKSLASH_ESCAPES'; select '\\';'", "set global sql_mode='NO_BACKSLASH_ESCAPES'|select '\\';'" },
	{ "mariadb", "set @sql_mode='NO_BACKSLASH_ESCAPES'; select '\\';'", "set @sql_mode='NO_BACKSLASH_ESCAPES'|select '\\';'" },
	{ "mariadb", "/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_BACKSLASH_ESCAPES' */; select '\\'; set sql_mode=replace(@@sql_mode,'NO_BACKSLASH_ESCAPES',''); select '\\';'",
	  "/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_BACKSLASH_ESCAPES' */|select '\\'|set sql_mode=replace(@@sql_mode,'NO_BACKSLASH_ESCAPES','')|select '\\';'" },
	{ "mariadb", "set sql_mode='NO_BACKSLASH_ESCAPES_X'; select '\\';'", "set sql_mode='NO_BACKSLASH_ESCAPES_X'|select '\\';'" },
	/* DELIMITER */
	{ "mariadb", "delimiter $$\ncreate procedure p() begin select 1; end$$ select a$b$$\ndelimiter ;\nx",
	  "create procedure p() begin select 1; end|select a$b|x" },
	{ "mariadb", "delimiter go\nselect category, go_on from t go\nselect 'go' go", "select category, go_on from t|select 'go'" },
	{ "mariadb", "delimiter ';;'\nselect 1;;select 2 ;;", "select 1|select 2" },
	{ "mariadb", "delimiter //  comment\r\nselect 1//\r\ndelimiter ;\r\nselect 2;", "select 1|select 2" },
	{ "mariadb", "delimiter //\nselect 1 -- x//\n//\n/* // */ select 2//", "select 1 -- x//|/* // */ select 2" },
	{ "mariadb", "select 1\ndelimiter from t;", "select 1\ndelimiter from t" },
	{ "mariadb", "/* c */\ndelimiter //\nselect 1//", "select 1" },
	{ "mariadb", "delimiter $\xc3\xa9\nselect 1$\xc3\xa9 select 2", "select 1|select 2" },
	{ "mariadb", "/* c */ delimiter //\n", "!DELIMITER must stand at the start of a line" },
	{ "mariadb", "delimiter\t\n", "!DELIMITER must be followed by a delimiter" },
	{ "mariadb", "delimiter;\n", "!DELIMITER must be followed by a space" },
	{ "mariadb", "delimiter a\\b\n", "!a delimiter has at most 15 bytes and no backslash" },
	{ "mariadb", "delimiter 1234567890123456\n", "!a delimiter has at most 15 bytes and no backslash" },
	{ "mariadb", "delimiter", "!DELIMITER must be followed by a delimiter" },
	/* client commands */
	{ "mariadb", "source a.sql\n", "!client command 'source'" },
	{ "mariadb", "select 1; SOURCE a.sql;", "!client command 'SOURCE'" },
	{ "mariadb", "/* c */ system ls;", "!client command 'system'" },
	{ "mariadb", "delimiter //\nquit//\n", "!client command 'quit'" },
	{ "mariadb", "tee", "!client command 'tee'" },
	{ "mariadb", "select 1 \\g", "!client command '\\g'" },
	{ "mariadb", "update t set source = 1; sources; status: begin not atomic select 1; end status; select 1\nsource\nfrom t",
	  "update t set source = 1|sources|status: begin not atomic select 1; end status|select 1\nsource\nfrom t" },
	{ "mariadb", "use db\nselect 1; use `d b`;\n  USE x -- c\nselect 2; use y", "use db|select 1|use `d b`|USE x -- c|select 2|use y" },
	{ "mariadb", "use\ndb; use d\nb;", "use\ndb|use d\nb" },
	{ "mariadb", "delimiter //\nuse db\nselect 1//", "use db|select 1" },
	{ "mariadb", "\\restrict x\n", "!client command '\\r'" },
	/* stored programs without DELIMITER */
	{ "mariadb", "create procedure p() comment 'x;' not deterministic reads sql data select if(1,2,3), repeat('a',2), `begin` from t; x",
	  "create procedure p() comment 'x;' not deterministic reads sql data select if(1,2,3), repeat('a',2), `begin` from t|x" },
	{ "mariadb", "create procedure p(a enum('x;')) begin if exists(select 1) then drop table if exists t; elseif a then select 2; else begin end; end if; end; x",
	  "create procedure p(a enum('x;')) begin if exists(select 1) then drop table if exists t; elseif a then select 2; else begin end; end if; end|x" },
	{ "mariadb", "create procedure p() begin declare continue handler for sqlstate value '02000', not found, 1062 set a = if(b,c,case when d then e end); declare exit handler for sqlexception begin rollback; resignal; end; select 1; end; x",
	  "create procedure p() begin declare continue handler for sqlstate value '02000', not found, 1062 set a = if(b,c,case when d then e end); declare exit handler for sqlexception begin rollback; resignal; end; select 1; end|x" },
	{ "mariadb", "create procedure p() begin declare c cursor for select 1 for update; for r in c do select r; end for; open c; end; x",
	  "create procedure p() begin declare c cursor for select 1 for update; for r in c do select r; end for; open c; end|x" },
	{ "mariadb", "create procedure p() begin select case when a then case b when 1 then 2 end else 3 end; case a when 1 then select 1; else select 2; end case; end; x",
	  "create procedure p() begin select case when a then case b when 1 then 2 end else 3 end; case a when 1 then select 1; else select 2; end case; end|x" },
	{ "mariadb", "create procedure p() lbl: repeat set i=i+1; until case when i>1 then 1 end end repeat lbl; x",
	  "create procedure p() lbl: repeat set i=i+1; until case when i>1 then 1 end end repeat lbl|x" },
	{ "mariadb", "create procedure p() begin select end, begin, t.end, @end, if(a,b,c) from t; repeat set a=1; until a end repeat; end; x",
	  "create procedure p() begin select end, begin, t.end, @end, if(a,b,c) from t; repeat set a=1; until a end repeat; end|x" },
	{ "mariadb", "create or replace definer=event@`%` trigger if not exists t after update on u for each row follows v begin insert into w values(1); end; x",
	  "create or replace definer=event@`%` trigger if not exists t after update on u for each row follows v begin insert into w values(1); end|x" },
	{ "mariadb", "create definer=current_user() event e on schedule every 1 day starts now() + interval 1 hour do update t set a=1; x",
	  "create definer=current_user() event e on schedule every 1 day starts now() + interval 1 hour do update t set a=1|x" },
	{ "mariadb", "alter event e disable; alter event e do begin select 1; end; alter procedure p comment 'begin'; x",
	  "alter event e disable|alter event e do begin select 1; end|alter procedure p comment 'begin'|x" },
	{ "mariadb", "create function f() returns varchar(10) charset utf8mb4 return (select case 1 when 1 then 2 end); create function g returns string soname 'g.so'; x",
	  "create function f() returns varchar(10) charset utf8mb4 return (select case 1 when 1 then 2 end)|create function g returns string soname 'g.so'|x" },
	{ "mariadb", "create function if not exists f(a int) returns int l: begin while a do set a=a-1; end while; return a; end l; x",
	  "create function if not exists f(a int) returns int l: begin while a do set a=a-1; end while; return a; end l|x" },
	{ "mariadb", "l: loop select 1; leave l; end loop l; if 1 then select 1; end if; while 0 do select 1; end while; x",
	  "l: loop select 1; leave l; end loop l|if 1 then select 1; end if|while 0 do select 1; end while|x" },
	{ "mariadb", "begin not atomic begin not atomic select 1; end; end; begin work; x", "begin not atomic begin not atomic select 1; end; end|begin work|x" },
	{ "mariadb", "create table t(a int, `if` int, begin int); alter table t add end int; drop procedure if exists p; x",
	  "create table t(a int, `if` int, begin int)|alter table t add end int|drop procedure if exists p|x" },
	{ "mariadb", "create view v as select if(a,b,c), case when a then b end from t; x", "create view v as select if(a,b,c), case when a then b end from t|x" },
	{ "mariadb", "create package p procedure a(); function b() returns int; end; create package body p declare v int default 1; procedure a() begin select 1; end; function b() returns int return if(v,1,2); end; x",
	  "create package p procedure a(); function b() returns int; end|create package body p declare v int default 1; procedure a() begin select 1; end; function b() returns int return if(v,1,2); end|x" },
	{ "mariadb", "create package body p procedure a() begin end; begin set @a=1; end; x", "create package body p procedure a() begin end; begin set @a=1; end|x" },
	{ "mariadb", "set sql_mode=oracle; create or replace procedure p(a in int) as v int; begin if a then v := case when 1 then 2 end; end if; for i in 1..3 loop null; end loop; <<l>> while 1 loop exit l; end loop; exception when others then begin null; end; when too_many_rows then null; end; x",
	  "set sql_mode=oracle|create or replace procedure p(a in int) as v int; begin if a then v := case when 1 then 2 end; end if; for i in 1..3 loop null; end loop; <<l>> while 1 loop exit l; end loop; exception when others then begin null; end; when too_many_rows then null; end|x" },
	{ "mariadb", "set sql_mode='ORACLE'; create function f return int is begin return 1; end f; declare a int; begin select 1; end; begin select 2; end; begin work; x",
	  "set sql_mode='ORACLE'|create function f return int is begin return 1; end f|declare a int; begin select 1; end|begin select 2; end|begin work|x" },
	{ "mariadb", "set sql_mode='ORACLE'; create package `p` as procedure a; function b return int; end; create package body p as v int; procedure a is w int; begin null; end a; function b return int as begin return v; end; begin v := 1; end p; x",
	  "set sql_mode='ORACLE'|create package `p` as procedure a; function b return int; end|create package body p as v int; procedure a is w int; begin null; end a; function b return int as begin return v; end; begin v := 1; end p|x" },
	{ "mariadb", "create procedure p() begin select 1; select 2;", "!unterminated compound statement" },
	{ "mariadb", "begin not atomic select 1; ", "!unterminated compound statement" },
	{ "mariadb", "create procedure p() begin if a then select 1; end;", "!unterminated compound statement" },
	{ "mariadb", "set sql_mode='ORACLE'; declare a int; exit handler for not found begin null; end; begin select 1; end; create package q x int; end; x",
	  "set sql_mode='ORACLE'|declare a int; exit handler for not found begin null; end; begin select 1; end|create package q x int; end|x" },
	{ "mariadb", "create procedure p() begin select case when 1; end; x", "create procedure p() begin select case when 1; end|x" },
	{ "mariadb", "delimiter //\n/*! a // b */ c//x", "/*! a // b */ c|x" },
	{ "mariadb", "set sql_mode='NO_BACKSLASH_ESCAPES', @a = 1; '\\'; set sql_mode=default, @b=(1,2), session x = 1; '\\;'",
	  "set sql_mode='NO_BACKSLASH_ESCAPES', @a = 1|'\\'|set sql_mode=default, @b=(1,2), session x = 1|'\\;'" },
	{ "mariadb", "set; set session; set a; set sql_mode:; set sql_mode; set sql_mode='x',; '\\;'",
	  "set|set session|set a|set sql_mode:|set sql_mode|set sql_mode='x',|'\\;'" },
	{ "postgresql", "set; set session; set standard_conforming_strings; set standard_conforming_strings = no; reset; discard; select; select pg_catalog; '\\;'; discard all; '\\'",
	  "set|set session|set standard_conforming_strings|set standard_conforming_strings = no|reset|discard|select|select pg_catalog|'\\;'|discard all|'\\'" },
	/* the end comes early */
	{ "mariadb", "select '\\", "!unterminated quoted string" },
	{ "mariadb", "/* *", "!unterminated comment" },
	{ "postgresql", "/*/", "!unterminated comment" },
	{ "postgresql", "select $a$ $a", "!unterminated dollar-quoted string" },
	{ "mariadb", "delimiter //\xff\n", "!invalid UTF-8: byte 0xff" },
	{ "mariadb", "use d\xff\n", "!invalid UTF-8: byte 0xff" },
	{ "mariadb", "--x\xff\n", "!invalid UTF-8: byte 0xff" },
	{ "mariadb", "source\xff", "!invalid UTF-8: byte 0xff" },
	{ "mariadb", "\\\xff", "!invalid UTF-8: byte 0xff" },
	{ "postgresql", "\\restrict a\xff\n", "!invalid UTF-8: byte 0xff" },
	{ "sqlite", ".\xff", "!invalid UTF-8: byte 0xff" },
	/* SQLite */
	{ "sqlite", "select [a;]]; b], `;`, \";\"; x", "select [a;]]|b], `;`, \";\"|x" },
	{ "sqlite", "select '\\'; select $a, :b, @c, ?1; x", "select '\\'|select $a, :b, @c, ?1|x" },
	{ "sqlite", "create trigger if not exists t after insert on u begin select 1;;select 2; end", "create trigger if not exists t after insert on u begin select 1;;select 2; end" },
	{ "sqlite", "create temporary trigger t after insert on u begin select 1; end; x", "create temporary trigger t after insert on u begin select 1; end|x" },
	{ "sqlite", "explain query plan select 1; create table trigger_end(a); create unique index trigger on t(a); x",
	  "explain query plan select 1|create table trigger_end(a)|create unique index trigger on t(a)|x" },
	{ "sqlite", "create trigger t after insert on u begin select 1; \"end\"; end ; x", "create trigger t after insert on u begin select 1; \"end\"; end|x" },
	{ "sqlite", ".read other.sql\n", "!client command '.read'" },
	{ "sqlite", "select 1;\n-- c\n  .tables\n", "!client command '.tables'" },
	{ "sqlite", "select .5; .5; select 1\n.a", "select .5|.5|select 1\n.a" },
	{ "sqlite", "select 1 /* c", "!unterminated comment" },
	{ "sqlite", "select '", "!unterminated quoted string" },
	{ "sqlite", "select `", "!unterminated quoted identifier" },
	{ "sqlite", "create trigger t after insert on u begin select 1; end select 2;", "!unterminated trigger body" },
	{ "sqlite", "source x; \\i y; delimiter //", "source x|\\i y|delimiter //" },
	/* white space and bytes */
	{ "sqlite", "\xef\xbb\xbf\xef\xbb\xbfselect 1", "\xef\xbb\xbfselect 1" },
	{ "sqlite", " \t\r\n\f;\v;", "\v" },
	{ "sqlite", "select '\xf0\x9f\x98\x80\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf'", "select '\xf0\x9f\x98\x80\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf'" },
	{ "sqlite", "select '\xc0\xaf'", "!invalid UTF-8: byte 0xc0" },
	{ "sqlite", "select '\xe0\x9f\xbf'", "!invalid UTF-8: byte 0xe0" },
	{ "sqlite", "select '\xed\xa0\x80'", "!invalid UTF-8: byte 0xed" },
	{ "sqlite", "select '\xf4\x90\x80\x80'", "!invalid UTF-8: byte 0xf4" },
	{ "sqlite", "select '\xf5\x80\x80\x80'", "!invalid UTF-8: byte 0xf5" },
	{ "sqlite", "select '\xf0\x8f\xbf\xbf'", "!invalid UTF-8: byte 0xf0" },
	{ "sqlite", "select '\x80'", "!invalid UTF-8: byte 0x80" },
	{ "sqlite", "select 1 \xe2\x82", "!invalid UTF-8: byte 0xe2" },
	{ "sqlite", "select '\xe2\x82 '", "!invalid UTF-8: byte 0xe2" },
	{ "sqlite", "\xff\xfes", "!the file is UTF-16, not UTF-8" },
	{ "sqlite", "\xfe\xff", "!the file is UTF-16, not UTF-8" },
};

/* "!" and the message, or the statements with '|' between. */
static void split_to_text(const struct split_case *c, size_t chunk, int is_strict, struct buf *out)
{
	struct text_reader r = { c->sql, strlen(c->sql), 0, chunk };
	struct split_options o = { .dialect = dialect_find(c->dialect), .read = text_read, .read_arg = &r,
		                   .window = chunk, .is_strict = is_strict };
	struct split_statement st;
	struct splitter *s;
	struct dunlin_error err = { 0 };
	int rc = splitter_open(&s, &o, &err);

	buf_adds(out, "");
	while (rc == 0 && (rc = splitter_next(s, &st, &err)) > 0) {
		rc = 0;
		if (out->len)
			buf_addc(out, '|');
		buf_add(out, st.text, st.len);
		/* Nothing taken out: the text is the file's. */
		if (st.raw_len == st.len)
			TAP_EQ_MEM(st.text, st.len, c->sql + st.off, st.raw_len);
	}
	if (rc < 0) {
		buf_reset(out);
		buf_addf(out, "!%s", err.message);
	}
	splitter_close(s);
}

static void each_dialect_has_its_own_rules(void)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (size_t chunk = 0; chunk < 2; chunk++) {
			struct buf out = BUF_INIT;

			split_to_text(&cases[i], chunk, 0, &out);
			if (!TAP_EQ_STR(out.p, cases[i].want))
				tap_note("%s, case %zu: %s", cases[i].dialect, i, cases[i].sql);
			buf_clear(&out);
		}
}

static void an_open_comment_at_the_end_is_an_error_where_asked_for(void)
{
	static const struct split_case tail = { "sqlite", "select 1; /* a; b", "" };
	struct buf out = BUF_INIT;

	split_to_text(&tail, 0, 0, &out);
	TAP_EQ_STR(out.p, "select 1");
	buf_reset(&out);
	split_to_text(&tail, 0, 1, &out);
	TAP_EQ_STR(out.p, "!unterminated comment");
	buf_clear(&out);
}

/* --- places ------------------------------------------------------------------------------------ */

static void statements_and_errors_have_line_and_column(void)
{
	static const struct { const char *dialect, *sql, *want; } places[] = {
		{ "sqlite", "select 1;\n  select\n2;select 3", "0+8 1:1 [select 1]\n12+8 2:3 [select\n2]\n21+8 3:3 [select 3]\n" },
		{ "sqlite", "\xef\xbb\xbfselect '\xc3\xa9\xf0\x9f\x98\x80'; select 2", "3+15 1:1 [select '\xc3\xa9\xf0\x9f\x98\x80']\n20+8 1:14 [select 2]\n" },
		{ "sqlite", "select 1;\r\n\r\nselect 2;\r\n", "0+8 1:1 [select 1]\n13+8 3:1 [select 2]\n" },
		{ "sqlite", "select 1;\n\xc3\xa9 'a\nb", "0+8 1:1 [select 1]\nerror 2:3 SYNTAX unterminated quoted string\n" },
		{ "sqlite", "\n\n\xc3\xa9\xc3\xa9\xff", "error 3:3 VALIDATION invalid UTF-8: byte 0xff\n" },
		{ "sqlite", "a;\n  .read b\n", "0+1 1:1 [a]\nerror 2:3 VALIDATION client command '.read'\n" },
		{ "postgresql", "a;\nb\n $x$ c", "0+1 1:1 [a]\nerror 3:2 SYNTAX unterminated dollar-quoted string\n" },
		{ "postgresql", "\n/* /* */", "error 2:1 SYNTAX unterminated comment\n" },
		{ "postgresql", "create function f() language sql\n begin atomic\n", "error 2:8 SYNTAX unterminated BEGIN ATOMIC body\n" },
		{ "mariadb", "a;\n\n /*! b\n", "0+1 1:1 [a]\nerror 3:2 SYNTAX unterminated comment\n" },
		{ "mariadb", "create procedure p()\n begin\n if a then begin end;", "error 2:2 SYNTAX unterminated compound statement\n" },
		{ "mariadb", "a; \\! b", "0+1 1:1 [a]\nerror 1:4 VALIDATION client command '\\!'\n" },
	};

	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		for (size_t chunk = 0; chunk < 2; chunk++) {
			struct split_options o = { .dialect = dialect_find(places[i].dialect) };
			struct split_run r;

			split_run(&r, &o, places[i].sql, strlen(places[i].sql), chunk);
			TAP_EQ_STR(r.out.p, places[i].want);
			if (strstr(places[i].want, "error"))
				TAP_EQ_STR(r.err.file, "f.sql");
			buf_clear(&r.out);
		}
}

static void a_NUL_byte_is_refused_where_it_stands(void)
{
	static const char sql[] = "select 1;\nselect '\0';";
	struct split_options o = { .dialect = &dunlin_dialect_sqlite };
	struct split_run r;

	split_run(&r, &o, sql, sizeof sql - 1, 0);
	TAP_EQ_STR(r.out.p, "0+8 1:1 [select 1]\nerror 2:9 VALIDATION NUL byte in SQL text\n");
	buf_clear(&r.out);
	split_run(&r, &o, "s\0e\0", 4, 1);
	TAP_EQ_STR(r.out.p, "error 1:2 VALIDATION the file is UTF-16, not UTF-8\n");
	buf_clear(&r.out);
}

static void a_text_may_start_anywhere_in_its_file(void)
{
	struct split_options o = { .dialect = &dunlin_dialect_sqlite, .off = 1000, .line = 20 };
	struct split_run r;

	split_run(&r, &o, "a;\nb; '", 7, 0);
	TAP_EQ_STR(r.out.p, "1000+1 20:1 [a]\n1003+1 21:1 [b]\nerror 21:4 SYNTAX unterminated quoted string\n");
	buf_clear(&r.out);
	/* A byte order mark is one only at offset 0. */
	split_run(&r, &o, "\xef\xbb\xbf" "a", 4, 0);
	TAP_EQ_STR(r.out.p, "1000+4 20:1 [\xef\xbb\xbf" "a]\n");
	buf_clear(&r.out);
}

static void a_position_within_a_statement_has_its_line_and_column(void)
{
	struct split_statement st = { .text = "ab\n\xc3\xa9" "c\nd", .len = 8, .line = 7, .column = 5 };
	static const struct { size_t pos; uint32_t line, column; } want[] = {
		{ 0, 7, 5 }, { 1, 7, 6 }, { 3, 8, 1 }, { 5, 8, 2 }, { 6, 8, 3 }, { 7, 9, 1 }, { 99, 9, 2 },
	};

	for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
		uint32_t line, column;

		split_position(&st, want[i].pos, &line, &column);
		TAP_EQ_INT(line, want[i].line);
		TAP_EQ_INT(column, want[i].column);
	}
}

/* --- size ------------------------------------------------------------------------------------------ */

/* Endless copies of a text, n bytes in all. */
struct repeat { const char *text; size_t len, at, left, chunk; };

static long repeat_read(void *arg, char *p, size_t n, struct dunlin_error *err)
{
	struct repeat *r = arg;

	(void)err;
	if (r->chunk && n > r->chunk)
		n = r->chunk;
	if (n > r->left)
		n = r->left;
	for (size_t i = 0; i < n; i++)
		p[i] = r->text[r->at++ % r->len];
	r->left -= n;
	return (long)n;
}

static void memory_holds_no_more_than_a_statement(void)
{
	static const char text[] = "insert into t values (1, 'it''s'); -- c\n/* c */\n";
	struct repeat rep = { text, sizeof text - 1, 0, 100000 * (sizeof text - 1), 0 };
	struct split_options o = { .dialect = &dunlin_dialect_postgresql, .read = repeat_read, .read_arg = &rep };
	struct split_statement st;
	struct splitter *s;
	struct dunlin_error err;
	size_t n = 0;

	if (!TAP_EQ_INT(splitter_open(&s, &o, &err), 0))
		return;
	while (n < 10000 && splitter_next(s, &st, &err) > 0)
		n++;
	/* From here on not a single allocation. */
	mem_fail_at(1, 1);
	while (splitter_next(s, &st, &err) > 0)
		n++;
	TAP_EQ_INT(mem_count(), 0);
	mem_fail_at(0, 0);
	TAP_EQ_INT(n, 100000);
	TAP_EQ_INT(st.line, 199997); /* the comment before it is its own */
	splitter_close(s);
}

static void a_long_statement_is_not_read_again_for_each_piece(void)
{
	/* With a rescan each time this would look at some 10^12 bytes. */
	static const struct { const char *dialect, *open, *fill, *close; } parts[] = {
		{ "postgresql", "'", "aaaa''aaaa", "'" },       { "postgresql", "E'", "aa\\'aa", "'" },
		{ "postgresql", "$x$", "aaaa$$aaa", "$x$" },    { "postgresql", "/*", "aaa/*a*/", "*/ 1" },
		{ "postgresql", "a", "$$$$$$$", "b" },          { "mariadb", "a /*!99999", "x /* y */", "*/" },
		{ "sqlite", "[", "aaaaaa", "]" },               { "sqlite", "a --", "aaaaaaa", "\n b" },
		{ "sqlite", "values ", "(1, 2), ", "(3)" },     { "mariadb", "a", "\n-- c\n# d\n b + c", "d" },
		{ "sqlite", "a", "\n-- dunlin:x\n", "b" },      { "postgresql", "a\n", "\n\\restrict\n", "b" },
	};
	const size_t size = 3u << 20;

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		struct buf sql = BUF_INIT, out = BUF_INIT;
		struct split_options o = { .dialect = dialect_find(parts[i].dialect) };
		struct split_run r = { .out = BUF_INIT };
		struct text_reader reader;
		struct split_statement st;
		struct splitter *s;
		int n = 0;

		buf_adds(&sql, parts[i].open);
		while (sql.len < size)
			buf_adds(&sql, parts[i].fill);
		buf_adds(&sql, parts[i].close);
		buf_adds(&sql, ";x");
		reader = (struct text_reader){ sql.p, sql.len, 0, 13 };
		o.read = text_read;
		o.read_arg = &reader;
		o.directive = run_directive;
		o.directive_arg = &r;
		if (TAP_EQ_INT(splitter_open(&s, &o, &r.err), 0)) {
			while (splitter_next(s, &st, &r.err) > 0) {
				if (n++ == 0)
					TAP_EQ_INT(st.raw_len, sql.len - 2);
				else
					TAP_EQ_MEM(st.text, st.len, "x", 1);
			}
			if (!TAP_EQ_INT(n, 2))
				tap_note("%s %s: %s", parts[i].dialect, parts[i].fill, r.err.message);
			splitter_close(s);
		}
		buf_clear(&r.out);
		buf_clear(&sql);
		buf_clear(&out);
	}
}

static void a_statement_over_the_limit_is_refused(void)
{
	struct repeat rep = { "select 1 ", 9, 0, 50u << 20, 0 };
	struct split_options o = { .dialect = &dunlin_dialect_sqlite, .max_statement = 10 };
	struct split_statement st;
	struct splitter *s;
	struct split_run r;

	split_run(&r, &o, "select 123;\nselect 1234;", 24, 0);
	TAP_EQ_STR(r.out.p, "0+10 1:1 [select 123]\nerror 2:1 VALIDATION statement of more than 10 bytes\n");
	buf_clear(&r.out);
	/* One that does not end is refused long before it is in memory. */
	o.read = repeat_read;
	o.read_arg = &rep;
	TAP_EQ_INT(splitter_open(&s, &o, &r.err), 0);
	TAP_EQ_INT(splitter_next(s, &st, &r.err), -1);
	TAP_EQ_STR(r.err.message, "statement of more than 10 bytes");
	TAP_OK(rep.left > 49u << 20);
	splitter_close(s);
}

static void blocks_nest_only_so_deep(void)
{
	struct buf sql = BUF_INIT, out = BUF_INIT;
	struct split_case c = { .dialect = "mariadb" };

	for (int i = 0; i < 201; i++)
		buf_adds(&sql, i ? "begin " : "begin not atomic ");
	c.sql = sql.p;
	split_to_text(&c, 0, 0, &out);
	TAP_EQ_STR(out.p, "!blocks nested more than 200 deep");
	buf_reset(&out);
	buf_reset(&sql);
	buf_adds(&sql, "create function f() begin atomic ");
	for (int i = 0; i < 300; i++)
		buf_adds(&sql, "case ");
	c = (struct split_case){ .dialect = "postgresql", .sql = sql.p };
	split_to_text(&c, 0, 0, &out);
	TAP_EQ_STR(out.p, "!blocks nested more than 200 deep");
	buf_clear(&sql);
	buf_clear(&out);
}

/* --- failures -------------------------------------------------------------------------------------- */

static long broken_read(void *arg, char *p, size_t n, struct dunlin_error *err)
{
	int *calls = arg;

	if (++*calls == 1 && n > 9) {
		memcpy(p, "a; b", 4);
		return 4;
	}
	snprintf(err->message, sizeof err->message, "the disk is gone");
	return -1;
}

static void a_read_error_is_handed_on(void)
{
	int calls = 0;
	struct split_options o = { .dialect = &dunlin_dialect_sqlite, .read = broken_read, .read_arg = &calls };
	struct split_statement st;
	struct splitter *s;
	struct dunlin_error err = { 0 };

	TAP_EQ_INT(splitter_open(&s, &o, &err), 0);
	TAP_EQ_INT(splitter_next(s, &st, &err), 1);
	TAP_EQ_INT(splitter_next(s, &st, &err), -1);
	TAP_EQ_STR(err.message, "the disk is gone");
	TAP_EQ_INT(splitter_next(s, &st, &err), -1);
	TAP_EQ_INT(splitter_next(s, &st, NULL), -1);
	TAP_EQ_INT(calls, 2);
	splitter_close(s);
}

static void every_failing_allocation_is_reported(void)
{
	struct buf sql = BUF_INIT;
	unsigned long nth;
	int rc;

	/* Lines taken out, and a statement that outgrows the window. */
	buf_adds(&sql, "select 1,\n-- dunlin:x\n'");
	while (sql.len < 600 * 1024)
		buf_adds(&sql, "0123456789abcdef");
	buf_adds(&sql, "';\nselect 2;");
	for (nth = 1; nth < 100; nth++) {
		struct text_reader reader = { sql.p, sql.len, 0, 0 };
		struct split_run r = { .out = BUF_INIT };
		struct split_options o = { .dialect = &dunlin_dialect_postgresql, .read = text_read, .read_arg = &reader,
			                   .directive = run_directive, .directive_arg = &r };
		struct split_statement st;
		struct splitter *s = NULL;
		int n = 0;

		buf_reserve(&r.out, 200);
		mem_fail_at(nth, 0);
		rc = splitter_open(&s, &o, &r.err);
		while (rc == 0 && (rc = splitter_next(s, &st, &r.err)) > 0) {
			n++;
			rc = 0;
		}
		splitter_close(s);
		buf_clear(&r.out);
		if (rc == 0) {
			TAP_EQ_INT(n, 2);
			break;
		}
		TAP_EQ_STR(r.err.message, "out of memory");
		TAP_EQ_INT(mem_count() >= nth, 1);
	}
	mem_fail_at(0, 0);
	TAP_OK(nth > 6 && nth < 100); /* splitter, rules, window, its growth, list */
	buf_clear(&sql);
}

/* --- real files ---------------------------------------------------------------------------------------- */

static long file_read(void *arg, char *p, size_t n, struct dunlin_error *err)
{
	(void)err;
	return (long)fread(p, 1, n, arg);
}

static size_t count_file(const char *path, const struct dunlin_dialect *d)
{
	FILE *f = fopen(path, "rb");
	struct split_options o = { .dialect = d, .read = file_read, .read_arg = f, .file = path };
	struct split_statement st;
	struct splitter *s;
	struct dunlin_error err;
	size_t n = 0;
	int rc;

	if (!TAP_OK(f != NULL))
		return 0;
	rc = splitter_open(&s, &o, &err);
	while (rc == 0 && (rc = splitter_next(s, &st, &err)) > 0) {
		n++;
		rc = 0;
	}
	if (!TAP_EQ_INT(rc, 0))
		tap_note("%s:%u: %s", path, (unsigned)err.line, err.message);
	splitter_close(s);
	fclose(f);
	return n;
}

static int ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), len = strlen(end);

	return n >= len && strcmp(s + n - len, end) == 0;
}

/* All files below that end so. */
static size_t count_tree(const char *dir, const char *end, const struct dunlin_dialect *d)
{
	DIR *handle = opendir(dir);
	struct dirent *e;
	size_t n = 0;

	while (handle && (e = readdir(handle))) {
		char path[4400];

		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		if (e->d_type == DT_DIR)
			n += count_tree(path, end, d);
		else if (ends_with(path, end))
			n += count_file(path, d);
	}
	if (handle)
		closedir(handle);
	return n;
}

static void real_migrations_have_as_many_statements_as_their_clients_saw(void)
{
	static const struct { const char *dir, *end, *dialect; size_t want; } corpora[] = {
		{ "authelia/internal/storage/migrations/postgres", ".up.sql", "postgresql", 206 },
		{ "crates-io", "up.sql", "postgresql", 620 },
		{ "ranger/security-admin/db/postgres/patches", ".sql", "postgresql", 691 },
		{ "ranger/security-admin/db/mysql/patches", ".sql", "mariadb", 638 },
		{ "uptime-kuma/db/old_migrations", ".sql", "sqlite", 281 },
	};
	const char *shared = tap_shared();

	if (!shared) {
		tap_skip("the shared corpora are not here");
		return;
	}
	for (size_t i = 0; i < sizeof corpora / sizeof *corpora; i++) {
		char path[4300];

		snprintf(path, sizeof path, "%s/corpora/%s", shared, corpora[i].dir);
		TAP_EQ_INT(count_tree(path, corpora[i].end, dialect_find(corpora[i].dialect)), corpora[i].want);
	}
}

static void a_dialect_is_found_by_its_name(void)
{
	TAP_OK(dialect_find("sqlite") == &dunlin_dialect_sqlite);
	TAP_OK(dialect_find("postgresql") == &dunlin_dialect_postgresql);
	TAP_OK(dialect_find("mariadb") == &dunlin_dialect_mariadb);
	TAP_OK(dialect_find("postgres") == NULL);
	TAP_OK(dialect_find("") == NULL);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "every_shared_case_is_split_as_the_databases_do", every_shared_case_is_split_as_the_databases_do },
		{ "each_dialect_has_its_own_rules", each_dialect_has_its_own_rules },
		{ "an_open_comment_at_the_end_is_an_error_where_asked_for",
		  an_open_comment_at_the_end_is_an_error_where_asked_for },
		{ "statements_and_errors_have_line_and_column", statements_and_errors_have_line_and_column },
		{ "a_NUL_byte_is_refused_where_it_stands", a_NUL_byte_is_refused_where_it_stands },
		{ "a_text_may_start_anywhere_in_its_file", a_text_may_start_anywhere_in_its_file },
		{ "a_position_within_a_statement_has_its_line_and_column",
		  a_position_within_a_statement_has_its_line_and_column },
		{ "memory_holds_no_more_than_a_statement", memory_holds_no_more_than_a_statement },
		{ "a_long_statement_is_not_read_again_for_each_piece", a_long_statement_is_not_read_again_for_each_piece },
		{ "a_statement_over_the_limit_is_refused", a_statement_over_the_limit_is_refused },
		{ "blocks_nest_only_so_deep", blocks_nest_only_so_deep },
		{ "a_read_error_is_handed_on", a_read_error_is_handed_on },
		{ "every_failing_allocation_is_reported", every_failing_allocation_is_reported },
		{ "real_migrations_have_as_many_statements_as_their_clients_saw",
		  real_migrations_have_as_many_statements_as_their_clients_saw },
		{ "a_dialect_is_found_by_its_name", a_dialect_is_found_by_its_name },
	};

	return tap_main("split", tests, sizeof tests / sizeof *tests);
}
