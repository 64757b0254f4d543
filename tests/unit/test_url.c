/*
 * test_url.c - URLs read, bound to a kind of driver, masked and scrubbed.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "buf.h"
#include "error.h"
#include "mem.h"
#include "tap.h"
#include "url.h"

#include <stdio.h>
#include <string.h>

/* "host=h user=u ; sslmode=x": base, then parameters. */
static const char *options(const struct url *u, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < u->n_opt && n < size; i++)
		n += (size_t)snprintf(out + n, size - n, "%s%s=%s", i == u->n_base ? "; " : i ? " " : "",
		                      u->opt[i].key, u->opt[i].value);
	return out;
}

static void url_gives_the_options_that_it_says(void)
{
	static const struct { const char *text, *scheme, *options, *masked; } cases[] = {
		/* files */
		{ "sqlite:app.db", "sqlite", "path=app.db", "sqlite:app.db" },
		{ "sqlite3:dir/app.db", "sqlite3", "path=dir/app.db", "sqlite3:dir/app.db" },
		{ "SQLite:/abs/app.db", "sqlite", "path=/abs/app.db", "sqlite:/abs/app.db" },
		{ "sqlite::memory:", "sqlite", "path=:memory:", "sqlite::memory:" },
		{ "sqlite:///abs/path?mode=ro", "sqlite", "path=/abs/path; mode=ro", "sqlite:///abs/path?mode=ro" },
		{ "sqlite:////tmp/x", "sqlite", "path=//tmp/x", "sqlite:////tmp/x" },
		{ "sqlite:my file%3F.db", "sqlite", "path=my file?.db", "sqlite:my file%3F.db" },
		{ "sqlite:100%25.db", "sqlite", "path=100%.db", "sqlite:100%25.db" },
		{ "sqlite:a#b@c.db", "sqlite", "path=a#b@c.db", "sqlite:a#b@c.db" },
		{ "sqlite:///a@b/c.db", "sqlite", "path=/a@b/c.db", "sqlite:///a@b/c.db" },
		{ "sqlite:a?b=c&d=e?f", "sqlite", "path=a; b=c d=e?f", "sqlite:a?b=c&d=e?f" },
		{ "sqlite:a?", "sqlite", "path=a", "sqlite:a" },
		{ "sqlite:a?&x=&", "sqlite", "path=a; x=", "sqlite:a?x=" },
		{ "sqlite:a?KEY=V", "sqlite", NULL, "sqlite:a?KEY=***" },
		{ "mock:some/where?script=x", "mock", "path=some/where; script=x", "mock:some/where?script=x" },
		{ "mock:///abs", "mock", "path=/abs", "mock:///abs" },
		/* servers */
		{ "postgresql://", "postgresql", "", "postgresql://" },
		{ "postgresql:///", "postgresql", "", "postgresql:///" },
		{ "postgresql:///db", "postgresql", "database=db", "postgresql:///db" },
		{ "postgres://host", "postgres", "host=host", "postgres://host" },
		{ "postgresql://host:5432/db", "postgresql", "host=host port=5432 database=db", "postgresql://host:5432/db" },
		{ "postgresql://:5432/db", "postgresql", "port=5432 database=db", "postgresql://:5432/db" },
		{ "postgresql://host:/db", "postgresql", "host=host database=db", "postgresql://host:/db" },
		{ "postgresql://me@host/db", "postgresql", "user=me host=host database=db", "postgresql://me@host/db" },
		{ "postgresql://@host/db", "postgresql", "host=host database=db", "postgresql://@host/db" },
		{ "postgresql://:pw@host", "postgresql", "password=pw host=host", "postgresql://:***@host" },
		{ "postgresql://me:@host", "postgresql", "user=me password= host=host", "postgresql://me:***@host" },
		{ "postgresql://me:pw@", "postgresql", "user=me password=pw", "postgresql://me:***@" },
		{ "postgresql://h1:5432,h2/db", "postgresql", "host=h1,h2 port=5432, database=db", "postgresql://h1:5432,h2/db" },
		{ "postgresql://h1,h2:1,h3:2/db", "postgresql", "host=h1,h2,h3 port=,1,2 database=db",
		  "postgresql://h1,h2:1,h3:2/db" },
		{ "postgresql://h1,h2", "postgresql", "host=h1,h2", "postgresql://h1,h2" },
		{ "postgresql://me@[::1]:5433/db", "postgresql", "user=me host=::1 port=5433 database=db",
		  "postgresql://me@[::1]:5433/db" },
		{ "postgresql://[::1],[fe80::1%25eth0]:2", "postgresql", "host=::1,fe80::1%eth0 port=,2",
		  "postgresql://[::1],[fe80::1%25eth0]:2" },
		{ "postgresql://%2Ftmp%2Fsock/db", "postgresql", "host=/tmp/sock database=db", "postgresql://%2Ftmp%2Fsock/db" },
		{ "postgresql://me@%2Ftmp:5433", "postgresql", "user=me host=/tmp port=5433", "postgresql://me@%2Ftmp:5433" },
		{ "mariadb://me:pw@h/a%2Fb%20c", "mariadb", "user=me password=pw host=h database=a/b c", "mariadb://me:***@h/a%2Fb%20c" },
		{ "mysql://h/db?ssl-mode=VERIFY_CA", "mysql", "host=h database=db; ssl-mode=VERIFY_CA", "mysql://h/db?ssl-mode=VERIFY_CA" },
		{ "postgresql://h?sslMode=require", "postgresql", "host=h; sslmode=require", "postgresql://h?sslMode=require" },
		/* special characters in passwords, encoded and raw */
		{ "postgresql://me:a%40b%3Ac%2Fd%3Fe%23f%25@h/db", "postgresql", "user=me password=a@b:c/d?e#f% host=h database=db",
		  "postgresql://me:***@h/db" },
		{ "postgresql://me:a@b@h/db", "postgresql", "user=me password=a@b host=h database=db", "postgresql://me:***@h/db" },
		{ "postgresql://me:a:b@h:1/db", "postgresql", "user=me password=a:b host=h port=1 database=db",
		  "postgresql://me:***@h:1/db" },
		{ "postgresql://me:a#b,[c]&d=e@h/db", "postgresql", "user=me password=a#b,[c]&d=e host=h database=db",
		  "postgresql://me:***@h/db" },
		{ "postgresql://m%65%3A:p@h", "postgresql", "user=me: password=p host=h", "postgresql://m%65%3A:***@h" },
		{ "mariadb://r%C3%B6t:%c3%bc@h", "mariadb", "user=r\xc3\xb6t password=\xc3\xbc host=h", "mariadb://r%C3%B6t:***@h" },
		/* parameters that are secrets, or say the same again */
		{ "postgresql://h/db?password=x&sslpassword=y&passfile=/z", "postgresql",
		  "host=h database=db; password=x sslpassword=y passfile=/z",
		  "postgresql://h/db?password=***&sslpassword=***&passfile=/z" },
		{ "postgresql://me:one@h1:1/db?host=h2&port=2&user=u&password=two", "postgresql",
		  "database=db; host=h2 port=2 user=u password=two", "postgresql://me:***@h1:1/db?host=h2&port=2&user=u&password=***" },
		{ "postgresql:///db?host=/tmp", "postgresql", "database=db; host=/tmp", "postgresql:///db?host=/tmp" },
		{ "postgresql:///?database=a%20b", "postgresql", "; database=a b", "postgresql:///?database=a%20b" },
		{ "postgresql://h/?p%61ssword=x", "postgresql", "host=h; password=x", "postgresql://h/?p%61ssword=***" },
		{ "postgresql://h/?user=me@azure", "postgresql", "host=h; user=me@azure", "postgresql://h/?user=me@azure" },
		/* a value that is the password, wherever that stands */
		{ "postgresql://me:s3cret@h/db?application_name=s3cret&x=s3cretly", "postgresql",
		  "user=me password=s3cret host=h database=db; application_name=s3cret x=s3cretly",
		  "postgresql://me:***@h/db?application_name=***&x=s3cretly" },
		{ "postgresql://h/db?x=s3cr%65t&password=s3cret&y=a%40b", "postgresql",
		  "host=h database=db; x=s3cret password=s3cret y=a@b", "postgresql://h/db?x=***&password=***&y=a%40b" },
		{ "postgresql://me:a%40b@h/db?x=%61%40b&y=a%40bc", "postgresql",
		  "user=me password=a@b host=h database=db; x=a@b y=a@bc", "postgresql://me:***@h/db?x=***&y=a%40bc" },
		{ "postgresql://me:me@h/db?x=me", "postgresql", "user=me password=me host=h database=db; x=me",
		  "postgresql://me:***@h/db?x=me" },
		/* any other scheme, in either shape */
		{ "docker:", "docker", "", "docker:" },
		{ "docker://my-pg.1", "docker", "host=my-pg.1", "docker://my-pg.1" },
		{ "duck+db.x-1_y:rel/path", "duck+db.x-1_y", "path=rel/path", "duck+db.x-1_y:rel/path" },
		{ "firebird://me:pw@h:3050/emp", "firebird", "user=me password=pw host=h port=3050 database=emp",
		  "firebird://me:***@h:3050/emp" },
	};
	char got[1024];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct dunlin_error err = { 0 };
		struct url u;

		tap_note("%s", cases[i].text);
		if (!TAP_EQ_INT(url_parse(cases[i].text, &u, &err), 0)) {
			tap_note("%s", err.message);
			continue;
		}
		TAP_EQ_STR(u.scheme, cases[i].scheme);
		/* "key" is a secret of SQLite's encrypting relatives */
		if (strcmp(cases[i].text, "sqlite:a?KEY=V") == 0)
			TAP_EQ_STR(url_get(&u, "key"), "V");
		else
			TAP_EQ_STR(options(&u, got, sizeof got), cases[i].options);
		TAP_EQ_STR(url_masked(&u), cases[i].masked);
		url_clear(&u);
	}
}

#define ENCODED "Write '@', ':', '/', '?', '#' and '%' in a user name or password as %40, %3A, %2F, %3F, %23 and %25."

static void url_refuses_and_says_where_without_quoting(void)
{
	static const struct { const char *text, *message, *hint; } cases[] = {
		{ "", "the URL is empty", "Write one as in sqlite:app.db or postgresql://user@host/database." },
		{ "app.db", "the URL does not begin with a scheme", "For the SQLite file of that name write sqlite:app.db." },
		{ "./dir/app.db", "the URL does not begin with a scheme", "For the SQLite file of that name write sqlite:./dir/app.db." },
		{ "//me:Hidden1@h", "the URL does not begin with a scheme", "Write one as in sqlite:app.db or postgresql://user@host/database." },
		{ "host=h password=Hidden1", "the URL does not begin with a scheme",
		  "Write one as in sqlite:app.db or postgresql://user@host/database." },
		{ "1x:y", "the URL does not begin with a scheme", "Write one as in sqlite:app.db or postgresql://user@host/database." },
		{ "sqlite:", "the 'sqlite:' URL names no file", "Write sqlite:PATH, or sqlite:///PATH for an absolute path." },
		{ "sqlite://", "the 'sqlite:' URL names no file", "Write sqlite:PATH, or sqlite:///PATH for an absolute path." },
		{ "sqlite://app.db", "'sqlite://' is followed by a host, and a file has none",
		  "Write sqlite:PATH, or sqlite:///PATH for an absolute path." },
		{ "sqlite:?mode=ro", "the 'sqlite:' URL names no file", "Write sqlite:PATH, or sqlite:///PATH for an absolute path." },
		{ "postgresql:db", "the 'postgresql:' URL has no '//' after its scheme", "Write postgresql://USER@HOST/DATABASE." },
		{ "mysql:/db", "the 'mysql:' URL has no '//' after its scheme", "Write mysql://USER@HOST/DATABASE." },
		{ "postgresql://me:Hidden1%@h/db", "the URL has a '%' that is not followed by the two hexadecimal digits of a byte",
		  "Write a '%' that stands for itself as %25." },
		{ "postgresql://me:Hidden%zz1@h/db", "the URL has a '%' that is not followed by the two hexadecimal digits of a byte",
		  "Write a '%' that stands for itself as %25." },
		{ "postgresql://me:Hidden%001@h/db", "the URL has a '%' that is not followed by the two hexadecimal digits of a byte",
		  "Write a '%' that stands for itself as %25." },
		{ "postgresql://h/db%4", "the URL has a '%' that is not followed by the two hexadecimal digits of a byte",
		  "Write a '%' that stands for itself as %25." },
		{ "postgresql://me:Hidden/1@h/db", "the URL has an '@' after its host", ENCODED },
		{ "postgresql://me:1234/Hidden@h/db", "the URL has an '@' after its host", ENCODED },
		{ "postgresql://me:1234?Hidden=1@h/db", "the URL has an '@' after its host", ENCODED },
		{ "postgresql:///me:Hidden1@h/db", "the URL has an '@' after its host", ENCODED },
		{ "postgresql://me:Hidden1", "the URL's port is not a number from 1 to 65535", ENCODED },
		{ "postgresql://h:65536/db", "the URL's port is not a number from 1 to 65535", ENCODED },
		{ "postgresql://h:0/db", "the URL's port is not a number from 1 to 65535", ENCODED },
		{ "postgresql://h:99999999999999999999/db", "the URL's port is not a number from 1 to 65535", ENCODED },
		{ "postgresql://h:1,g:x/db", "the URL's port is not a number from 1 to 65535", ENCODED },
		{ "postgresql://me:Hidden1:5432/db", "the URL's host has more than one ':'",
		  "An IPv6 address stands in brackets, as in //[::1]:5432/db; ':' and '@' in a user name or password can be written as %3A and %40." },
		{ "postgresql://::1/db", "the URL's host has more than one ':'",
		  "An IPv6 address stands in brackets, as in //[::1]:5432/db; ':' and '@' in a user name or password can be written as %3A and %40." },
		{ "postgresql://[::1/db", "the URL's host has a '[' that is not part of [ADDRESS] or [ADDRESS]:PORT", ENCODED },
		{ "postgresql://[::1]x/db", "the URL's host has a '[' that is not part of [ADDRESS] or [ADDRESS]:PORT", ENCODED },
		{ "postgresql://[]/db", "the URL's host has a '[' that is not part of [ADDRESS] or [ADDRESS]:PORT", ENCODED },
		{ "postgresql://a%2Cb/db", "the URL has a host name with a comma in it", ENCODED },
		{ "postgresql://h/db?Hidden1", "parameter 1 of the URL is not of the form KEY=VALUE", ENCODED },
		{ "postgresql://h/db?a=b&=Hidden1", "parameter 2 of the URL is not of the form KEY=VALUE", ENCODED },
		{ "postgresql://h/db?a=%", "the URL has a '%' that is not followed by the two hexadecimal digits of a byte",
		  "Write a '%' that stands for itself as %25." },
		{ "sqlite:a?b=1&B=2", "the URL has the parameter 'b' twice", "" },
		{ "sqlite:a\tb", "the URL has a control character in it", "Write it percent-encoded, a line feed as %0A." },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct dunlin_error err = { 0 };
		struct buf b = BUF_INIT;
		struct url u;

		tap_note("%s", cases[i].text);
		TAP_EQ_INT(url_parse(cases[i].text, &u, &err), -1);
		TAP_EQ_STR(err.message, cases[i].message);
		TAP_EQ_STR(err.hint, cases[i].hint);
		TAP_EQ_INT(err.code, DUNLIN_EXIT_USAGE);
		TAP_EQ_INT(url_parse(cases[i].text, &u, NULL), -1);
		/* what cannot be read is not shown either */
		TAP_EQ_INT(url_add_masked(&b, cases[i].text), 0);
		TAP_OK(strstr(b.p, "Hidden") == NULL && strstr(b.p, "1234") == NULL);
		buf_clear(&b);
	}
}

static void url_takes_its_shape_from_the_driver(void)
{
	static const struct { const char *text; uint32_t flags; int rc; const char *options, *masked; } cases[] = {
		{ "x:///a/b", DUNLIN_DRIVER_FILE, 0, "path=/a/b", "x:///a/b" },
		{ "x:///a/b", DUNLIN_DRIVER_SERVER, 0, "database=a/b", "x:///a/b" },
		{ "x:///", DUNLIN_DRIVER_SERVER, 0, "", "x:///" },
		{ "x:///a/b", DUNLIN_DRIVER_FILE | DUNLIN_DRIVER_SERVER, 0, "path=/a/b", "x:///a/b" },
		{ "x://h/b", DUNLIN_DRIVER_FILE | DUNLIN_DRIVER_SERVER, 0, "host=h database=b", "x://h/b" },
		{ "x:a", DUNLIN_DRIVER_FILE, 0, "path=a", "x:a" },
		{ "x:a", DUNLIN_DRIVER_SERVER, -1, NULL, NULL },
		{ "x://h/b", DUNLIN_DRIVER_FILE, -1, NULL, NULL },
		{ "x:", DUNLIN_DRIVER_FILE, -1, NULL, NULL },
		/* until a driver says that it is a file, an '@' may end a password */
		{ "x:me:pw@h", 0, 0, "path=me:pw@h", "x:***" },
		{ "x:me:pw@h", DUNLIN_DRIVER_FILE, 0, "path=me:pw@h", "x:me:pw@h" },
		{ "x:///me:pw@h", DUNLIN_DRIVER_SERVER, -1, NULL, NULL },
		{ "x:a?path=b", DUNLIN_DRIVER_FILE, 0, "; path=b", "x:a?path=b" },
	};
	char got[256];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct dunlin_error err = { 0 };
		struct url u;

		tap_note("%s %u", cases[i].text, (unsigned)cases[i].flags);
		if (!TAP_EQ_INT(url_parse(cases[i].text, &u, &err), 0))
			continue;
		TAP_EQ_INT(url_bind(&u, cases[i].flags, &err), cases[i].rc);
		if (cases[i].rc == 0) {
			TAP_EQ_STR(options(&u, got, sizeof got), cases[i].options);
			TAP_EQ_STR(url_masked(&u), cases[i].masked);
			/* binding again changes nothing */
			TAP_EQ_INT(url_bind(&u, cases[i].flags, &err), 0);
			TAP_EQ_STR(options(&u, got, sizeof got), cases[i].options);
		} else {
			TAP_EQ_INT(err.code, DUNLIN_EXIT_USAGE);
			TAP_OK(err.hint[0] != '\0');
		}
		url_clear(&u);
	}
}

static void url_names_the_parameter_that_was_meant(void)
{
	static const char *const known[] = { "mode", "journal_mode", "busy_timeout", NULL };
	static const struct { const char *text, *message, *hint; } cases[] = {
		{ "sqlite:a?mode=ro&busy_timeout=5", NULL, NULL },
		{ "sqlite:a?mod=ro", "'mod' is not a parameter of 'sqlite:' URLs", "Did you mean 'mode'?" },
		{ "sqlite:a?mode=ro&journalmode=wal", "'journalmode' is not a parameter of 'sqlite:' URLs", "Did you mean 'journal_mode'?" },
		{ "sqlite:a?colour=red", "'colour' is not a parameter of 'sqlite:' URLs", "It takes mode, journal_mode, busy_timeout." },
	};
	struct dunlin_error err;
	struct url u;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		memset(&err, 0, sizeof err);
		if (!TAP_EQ_INT(url_parse(cases[i].text, &u, &err), 0))
			continue;
		TAP_EQ_INT(url_check_params(&u, known, &err), cases[i].message ? -1 : 0);
		if (cases[i].message) {
			TAP_EQ_STR(err.message, cases[i].message);
			TAP_EQ_STR(err.hint, cases[i].hint);
			TAP_EQ_INT(err.code, DUNLIN_EXIT_USAGE);
		}
		url_clear(&u);
	}
	TAP_EQ_INT(url_parse("x:a?b=c", &u, &err), 0);
	TAP_EQ_INT(url_check_params(&u, NULL, &err), -1);
	TAP_EQ_STR(err.hint, "");
	url_clear(&u);
	TAP_EQ_INT(url_parse("x:a", &u, &err), 0);
	TAP_EQ_INT(url_check_params(&u, NULL, &err), 0);
	url_clear(&u);
}

static void url_scrubs_its_secrets_from_a_text(void)
{
	static const struct { const char *url, *text, *want; } cases[] = {
		{ "postgresql://me:S3c%25r3t@h/db", "for S3c%r3t and S3c%25r3t.", "for *** and ***." },
		{ "postgresql://me:S3c%25r3t@h/db", "S3c%r3tS3c%r3t", "******" },
		{ "postgresql://me:S3c%25r3t@h/db", "name \"S3c%r3t@127.0.0.1\"", "name \"***@127.0.0.1\"" },
		{ "postgresql://me:a%40b%3Ac%2Fd%3Fe%23f@h", "a@b:c/d?e#f a%40b%3Ac%2Fd%3Fe%23f a%40b%3ac%2fd%3fe%23f", "*** *** ***" },
		{ "postgresql://me:a@b:c@h", "raw a@b:c, encoded a%40b%3Ac", "raw ***, encoded ***" },
		{ "postgresql://me:a%40b:%63@h", "as written: a%40b:%63", "as written: ***" },
		{ "postgresql://me:p'w%5C x@h", "p'w\\ x", "***" },
		{ "postgresql://h?sslpassword=topsecret&password=other1", "topsecret other1", "*** ***" },
		/* short ones, and ones that the URL shows too, only as a word */
		{ "postgresql://me:%C3%BC@h", "an \xc3\xbc, not f\xc3\xbcr", "an ***, not f\xc3\xbcr" },
		{ "postgresql://me:abc@h", "abc abcd xabc 'abc'", "*** abcd xabc '***'" },
		{ "postgresql://me:data@h/database", "data of the database", "*** of the database" },
		/* what is public as a name is no secret; one letter is none either */
		{ "postgresql://postgres:postgres@h/db", "role \"postgres\" is missing", "role \"postgres\" is missing" },
		{ "postgresql://me:a@h/db", "a role", "a role" },
		{ "postgresql://me:@h/db", "nothing", "nothing" },
		{ "postgresql://me:hunter22@h/db", "nothing", "nothing" },
		{ "postgresql://me:hunter22@h/db?sslpassword=hunter22x", "hunter22x hunter22", "*** ***" },
		{ "postgresql://me:%2a%2a%2a%2a@h/db", "**** ****", "*** ***" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[128];
		struct url u;

		if (!TAP_EQ_INT(url_parse(cases[i].url, &u, NULL), 0))
			continue;
		snprintf(text, sizeof text, "%s", cases[i].text);
		url_scrub(&u, text, sizeof text);
		TAP_EQ_STR(text, cases[i].want);
		url_clear(&u);
	}
}

static void url_scrubs_within_the_texts_size(void)
{
	char text[16];
	struct url u;

	if (!TAP_EQ_INT(url_parse("postgresql://me:ab@h/db?password=geheim", &u, NULL), 0))
		return;
	/* *** is longer than what it stands for, and the text is full */
	snprintf(text, sizeof text, "%s", "ab 345678901234");
	url_scrub(&u, text, sizeof text);
	TAP_EQ_STR(text, "*** 34567890123");
	/* not through the middle of a character */
	snprintf(text, sizeof text, "%s", "ab 3456789012\xc3\xbc");
	url_scrub(&u, text, sizeof text);
	TAP_EQ_STR(text, "*** 3456789012");
	/* a secret that the buffer's end cuts */
	snprintf(text, sizeof text, "%s", "the pw is gehei");
	url_scrub(&u, text, sizeof text);
	TAP_EQ_STR(text, "the pw is ");
	/* at the very end, with no room for the mask */
	snprintf(text, sizeof text, "%s", "1234567890123ab");
	url_scrub(&u, text, sizeof text);
	TAP_EQ_STR(text, "1234567890123");
	snprintf(text, sizeof text, "%s", "123456789012 ab");
	url_scrub(&u, text, sizeof text);
	TAP_EQ_STR(text, "123456789012 ");
	url_clear(&u);
}

static void url_scrubs_every_text_of_an_error(void)
{
	struct dunlin_error err;
	struct url u;

	if (!TAP_EQ_INT(url_parse("postgresql://me:geheim@h/db", &u, NULL), 0))
		return;
	error_set(&err, 1, 0, "a geheim");
	error_hint(&err, "b geheim");
	error_state(&err, "c geheim");
	error_at(&err, "geheim.sql", 1, 1);
	error_statement(&err, "d geheim", 8);
	url_scrub_error(&u, &err);
	url_scrub_error(&u, NULL);
	TAP_EQ_STR(err.message, "a ***");
	TAP_EQ_STR(err.hint, "b ***");
	TAP_EQ_STR(err.state, "c ***");
	TAP_EQ_STR(err.statement, "d ***");
	TAP_EQ_STR(err.file, "***.sql");
	url_clear(&u);
}

static void url_masks_any_text(void)
{
	static const struct { const char *text, *want; } cases[] = {
		{ "postgresql://me:pw@h/db", "postgresql://me:***@h/db" },
		{ "sqlite:app.db", "sqlite:app.db" },
		{ "root:pw@tcp(localhost:3306)/db", "root:***" },
		{ "postgresql://me:p/w@h/db", "postgresql:***" },
		{ "not one", "***" },
		{ "", "***" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf b = BUF_INIT;

		TAP_EQ_INT(url_add_masked(&b, cases[i].text), 0);
		TAP_EQ_STR(b.p, cases[i].want);
		buf_clear(&b);
	}
}

static void url_of_parts_is_read_back_as_the_same_parts(void)
{
	static const struct { const char *user, *password, *host, *port, *database, *text; } cases[] = {
		{ NULL, NULL, NULL, NULL, NULL, "mariadb://" },
		{ "me", NULL, "h", NULL, "db", "mariadb://me@h/db" },
		{ "me", "", "h", "", "", "mariadb://me:@h" },
		{ "m@:/?#%", "a@b:c/d?e#f%\xc3\xbc", "h-1.example", "3306", "d b/", "mariadb://m%40%3A%2F%3F%23%25:"
		  "a%40b%3Ac%2Fd%3Fe%23f%25%C3%BC@h-1.example:3306/d%20b%2F" },
		{ NULL, "pw", "::1", "1", NULL, "mariadb://:pw@[::1]:1" },
		{ NULL, NULL, "/run/x:y", NULL, "db", "mariadb://%2Frun%2Fx%3Ay/db" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *port = cases[i].port && *cases[i].port ? cases[i].port : NULL;
		const char *database = cases[i].database && *cases[i].database ? cases[i].database : NULL;
		struct buf b = BUF_INIT;
		struct url u;

		TAP_EQ_INT(url_add_server(&b, "mariadb", cases[i].user, cases[i].password, cases[i].host,
		                          cases[i].port, cases[i].database), 0);
		TAP_EQ_STR(b.p, cases[i].text);
		if (TAP_EQ_INT(url_parse(b.p, &u, NULL), 0)) {
			TAP_EQ_STR(url_get(&u, "user"), cases[i].user);
			TAP_EQ_STR(url_get(&u, "password"), cases[i].password);
			TAP_EQ_STR(url_get(&u, "host"), cases[i].host);
			TAP_EQ_STR(url_get(&u, "port"), port);
			TAP_EQ_STR(url_get(&u, "database"), database);
			url_clear(&u);
		}
		buf_clear(&b);
	}
}

static void url_survives_every_allocation_that_fails(void)
{
	static const char text[] = "postgresql://me:p%40w@h1:1,h2/db?user=x&sslpassword=geheim&application_name=a";
	static const char *const known[] = { "a", "b", NULL };

	for (int forever = 0; forever < 2; forever++) {
		for (unsigned long n = 1;; n++) {
			struct dunlin_error err = { 0 };
			struct buf b = BUF_INIT;
			struct url u;
			int rc;

			mem_fail_at(n, forever);
			rc = url_parse(text, &u, &err);
			if (rc == 0) {
				if (url_bind(&u, DUNLIN_DRIVER_SERVER, &err) == 0) {
					url_check_params(&u, known, &err);
					rc = url_add_masked(&b, text);
				} else {
					rc = -1;
				}
				url_clear(&u);
			}
			buf_clear(&b);
			if (mem_count() < n) {
				mem_fail_at(0, 0);
				TAP_EQ_INT(rc, 0);
				TAP_OK(n > 30);
				break;
			}
			mem_fail_at(0, 0);
			if (rc < 0 && err.code)
				TAP_OK(err.message[0] != '\0');
		}
	}
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "url_gives_the_options_that_it_says", url_gives_the_options_that_it_says },
		{ "url_refuses_and_says_where_without_quoting", url_refuses_and_says_where_without_quoting },
		{ "url_takes_its_shape_from_the_driver", url_takes_its_shape_from_the_driver },
		{ "url_names_the_parameter_that_was_meant", url_names_the_parameter_that_was_meant },
		{ "url_scrubs_its_secrets_from_a_text", url_scrubs_its_secrets_from_a_text },
		{ "url_scrubs_within_the_texts_size", url_scrubs_within_the_texts_size },
		{ "url_scrubs_every_text_of_an_error", url_scrubs_every_text_of_an_error },
		{ "url_masks_any_text", url_masks_any_text },
		{ "url_of_parts_is_read_back_as_the_same_parts", url_of_parts_is_read_back_as_the_same_parts },
		{ "url_survives_every_allocation_that_fails", url_survives_every_allocation_that_fails },
	};

	return tap_main("url", tests, sizeof tests / sizeof *tests);
}
