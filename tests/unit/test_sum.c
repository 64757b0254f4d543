/*
 * test_sum.c - dunlin.sum: its format, and a folder held against it.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "buf.h"
#include "source.h"
#include "sum.h"
#include "tap.h"
#include "tree.h"

#define D1 "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define D2 "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define D3 "sha256:abcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcd"

static const struct source folder = { .component = "c", .dir = "m" };

/* The findings of sum_check(), a line each. */
static const char *check(struct buf *out)
{
	struct finding_list l = { 0 };
	struct dunlin_error err;

	buf_reset(out);
	buf_adds(out, "");
	if (sum_check(&folder, &l, &err) < 0)
		buf_addf(out, "error: %s\n", err.message);
	for (size_t i = 0; i < l.n; i++) {
		TAP_EQ_STR(l.v[i].kind, "sum");
		TAP_EQ_INT(l.v[i].code, DUNLIN_EXIT_INVALID);
		TAP_EQ_STR(l.v[i].component, "c");
		buf_addf(out, "%s:%u: %s\n", l.v[i].file, (unsigned)l.v[i].line, l.v[i].message);
	}
	finding_clear(&l);
	return out->p;
}

static void write_sum(int64_t want)
{
	struct dunlin_error err;
	int64_t n = -1;

	if (!TAP_EQ_INT(sum_write("m", &n, &err), 0))
		tap_note("%s", err.message);
	TAP_EQ_INT(n, want);
}

static size_t read_file(const char *path, char *p, size_t size)
{
	FILE *f = fopen(path, "rb");
	size_t n = f ? fread(p, 1, size - 1, f) : 0;

	if (f)
		fclose(f);
	p[n] = '\0';
	return n;
}

/* --- the format ------------------------------------------------------------- */

static int collect(void *arg, const char *file, size_t file_len, const char *digest, size_t digest_len)
{
	struct buf *b = arg;

	buf_addf(b, "[%.*s]", (int)digest_len, digest);
	buf_add(b, file, file_len);
	return buf_addc(b, '\n');
}

static void what_is_written_is_read_back(void)
{
	struct buf lines = BUF_INIT, text = BUF_INIT, got = BUF_INIT;

	sum_add_line(&lines, "a.sql", 5, D1);
	sum_add_line(&lines, "aa\nb\\x\t\xff\xc3\xbc.sql", 14, D2);
	sum_add_line(&lines, "b/up.sql", 8, D3);
	sum_add_whole(&text, &lines);
	TAP_OK(strstr(text.p, "aa\\x0ab\\\\x\\x09\\xff\xc3\xbc.sql\n") != NULL);
	TAP_EQ_INT(sum_parse(text.p, text.len, "m/dunlin.sum", collect, &got, NULL), 0);
	TAP_EQ_STR(got.p, "[" D1 "]a.sql\n[" D2 "]aa\nb\\x\t\xff\xc3\xbc.sql\n[" D3 "]b/up.sql\n");
	buf_clear(&lines);
	buf_clear(&text);
	buf_clear(&got);
}

static void line_ends_of_another_system_do_not_matter(void)
{
	struct buf lines = BUF_INIT, text = BUF_INIT, crlf = BUF_INIT;

	sum_add_line(&lines, "a.sql", 5, D1);
	sum_add_line(&lines, "b.sql", 5, D2);
	sum_add_whole(&text, &lines);
	for (size_t i = 0; i < text.len; i++)
		buf_add(&crlf, text.p[i] == '\n' ? "\r\n" : &text.p[i], text.p[i] == '\n' ? 2 : 1);
	TAP_EQ_INT(sum_parse(crlf.p, crlf.len, "s", NULL, NULL, NULL), 0);
	TAP_EQ_INT(sum_parse(crlf.p, crlf.len - 2, "s", NULL, NULL, NULL), 0);
	buf_clear(&lines);
	buf_clear(&text);
	buf_clear(&crlf);
}

static void a_malformed_sum_is_refused_with_its_line(void)
{
	static const struct { const char *text; unsigned line; const char *message; } cases[] = {
		{ "", 1, "'s': the first line is not that of a dunlin.sum" },
		{ "\n", 1, "'s': the first line is not that of a dunlin.sum" },
		{ "dunlin.sum 1 " D1 " \n", 1, "'s': the first line is not that of a dunlin.sum" },
		{ "dunlin.sum 1 sha256:ABCDEFabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcd\n", 1,
		  "'s': the first line is not that of a dunlin.sum" },
		{ "dunlin.sum 2 " D1 "\n", 1, "'s': the format is not one that this dunlin knows" },
		{ "dunlin.sum 1 " D1 "\n", 1, "'s': the first line does not go with the lines below it" },
		{ "dunlin.sum 1 " D1 "\n" D1 "  a.sql\n", 1, "'s': the first line does not go with the lines below it" },
		{ "dunlin.sum 1 " D1 "\n<<<<<<< HEAD\n", 2, "'s': the line is not a digest, two spaces and a path" },
		{ "dunlin.sum 1 " D1 "\n" D1 "  a.sql\n" D1 " b.sql\n", 3, "'s': the line is not a digest, two spaces and a path" },
		{ "dunlin.sum 1 " D1 "\n" D1 "  \n", 2, "'s': the line is not a digest, two spaces and a path" },
		{ "dunlin.sum 1 " D1 "\n" D1 "  a\\q\n", 2, "'s': the line is not a digest, two spaces and a path" },
		{ "dunlin.sum 1 " D1 "\n" D1 "  a\\x0\n", 2, "'s': the line is not a digest, two spaces and a path" },
		{ "dunlin.sum 1 " D1 "\n" D1 "  a\\x00\n", 2, "'s': the line is not a digest, two spaces and a path" },
		{ "dunlin.sum 1 " D1 "\n\n", 2, "'s': the line is not a digest, two spaces and a path" },
		{ "dunlin.sum 1 " D1 "\n" D1 "  b.sql\n" D1 "  a.sql\n", 3, "'s': the line is not in the order of the paths" },
		{ "dunlin.sum 1 " D1 "\n" D1 "  a.sql\n" D2 "  a.sql\n", 3, "'s': the line is not in the order of the paths" },
	};

	static const char nul[] = "dunlin.sum 1 " D1 "\n" D1 "  a\0b.sql\n";

	TAP_EQ_INT(sum_parse(nul, sizeof nul - 1, "s", NULL, NULL, NULL), -1);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct dunlin_error err;

		TAP_EQ_INT(sum_parse(cases[i].text, strlen(cases[i].text), "s", NULL, NULL, &err), -1);
		if (!TAP_EQ_STR(err.message, cases[i].message))
			tap_note("case %zu", i);
		TAP_EQ_INT(err.line, cases[i].line);
		TAP_EQ_STR(err.file, "s");
		TAP_EQ_INT(err.code, DUNLIN_EXIT_INVALID);
	}
}

/* --- a folder --------------------------------------------------------------- */

static void make_folder(void)
{
	tree_enter();
	tree_write("m/1.0.0-001-a.sql", "SELECT 1;\n");
	tree_write("m/1.0.0-002-b/up.sql", "SELECT 2;\n");
	tree_write("m/1.0.0-003-c.sql", "SELECT 3;\n");
	tree_write("m/README", "text\n");
}

/* The digests are those of sha256sum(1). */
static void the_file_is_what_other_tools_can_check(void)
{
	char text[2000];
	struct stat st;

	make_folder();
	write_sum(3);
	read_file("m/dunlin.sum", text, sizeof text);
	TAP_EQ_STR(text,
		"dunlin.sum 1 sha256:ee5e41eaff6e8c46cada6bdfd3ec2a185298a81eccd3819961fe0fd0a12d64f5\n"
		"sha256:b4e0497804e46e0a0b0b8c31975b062152d551bac49c3c2e80932567b4085dcd  1.0.0-001-a.sql\n"
		"sha256:a41109d24069b4822ddc5f367b25d484dc7e839bff338ce7a3e5da641caacda0  1.0.0-002-b/up.sql\n"
		"sha256:fa4a71571fc2071c8ba7b9fa042ad3267b4f134515497aecc339df06ffd3725d  1.0.0-003-c.sql\n");
	if (TAP_EQ_INT(stat("m/dunlin.sum", &st), 0)) {
		mode_t mask = umask(0);

		umask(mask);
		TAP_EQ_INT(st.st_mode & 0777, 0644 & ~mask);
	}
	tree_leave();
}

static void a_folder_without_a_sum_is_not_checked(void)
{
	struct buf b = BUF_INIT;

	make_folder();
	TAP_EQ_INT(sum_exists("m"), 0);
	TAP_EQ_INT(sum_exists("gone"), 0);
	TAP_EQ_STR(check(&b), "");
	write_sum(3);
	TAP_EQ_INT(sum_exists("m"), 1);
	TAP_EQ_STR(check(&b), "");
	buf_clear(&b);
	tree_leave();
}

static void files_added_removed_and_changed_are_named(void)
{
	struct buf b = BUF_INIT;

	make_folder();
	write_sum(3);
	tree_write("m/1.0.0-001-a.sql", "SELECT 9;\n");
	unlink("m/1.0.0-002-b/up.sql");
	tree_write("m/1.0.0-002-b/down.sql", "SELECT 2;\n");
	tree_write("m/0.sql", "");
	TAP_EQ_STR(check(&b), "m/0.sql:0: 'm/0.sql' was added since dunlin.sum was written\n"
	           "m/1.0.0-001-a.sql:0: 'm/1.0.0-001-a.sql' was changed since dunlin.sum was written\n"
	           "m/1.0.0-002-b/down.sql:0: 'm/1.0.0-002-b/down.sql' was added since dunlin.sum was written\n"
	           "m/1.0.0-002-b/up.sql:0: 'm/1.0.0-002-b/up.sql' is in dunlin.sum and not in the folder\n");
	write_sum(4);
	TAP_EQ_STR(check(&b), "");
	buf_clear(&b);
	tree_leave();
}

static void a_checkout_with_other_line_ends_is_the_same(void)
{
	struct buf b = BUF_INIT;

	make_folder();
	write_sum(3);
	tree_write("m/1.0.0-001-a.sql", "\xef\xbb\xbfSELECT 1;\r\n");
	TAP_EQ_STR(check(&b), "");
	buf_clear(&b);
	tree_leave();
}

static void a_line_edited_by_hand_is_noticed(void)
{
	struct buf b = BUF_INIT;
	char text[2000], *p;

	make_folder();
	write_sum(3);
	read_file("m/dunlin.sum", text, sizeof text);
	/* The last line goes: the total is wrong, and the file is new. */
	p = strstr(text, "1.0.0-003-c.sql");
	if (!TAP_OK(p != NULL)) {
		tree_leave();
		return;
	}
	tree_write_bytes("m/dunlin.sum", text, (size_t)(p - text) - 73);
	TAP_EQ_STR(check(&b), "m/dunlin.sum:1: 'm/dunlin.sum': the first line does not go with the lines below it\n"
	           "m/1.0.0-003-c.sql:0: 'm/1.0.0-003-c.sql' was added since dunlin.sum was written\n");
	tree_write("m/dunlin.sum", "rubbish\n");
	TAP_EQ_STR(check(&b), "m/dunlin.sum:1: 'm/dunlin.sum': the first line is not that of a dunlin.sum\n");
	buf_clear(&b);
	tree_leave();
}

static void a_sum_that_is_no_file_is_refused(void)
{
	struct buf b = BUF_INIT;

	make_folder();
	tree_folders("m/dunlin.sum/x");
	TAP_EQ_STR(check(&b), "m/dunlin.sum:0: 'm/dunlin.sum' is a folder, not a file\n");
	rmdir("m/dunlin.sum");
	tree_write("elsewhere", "");
	tree_link("../elsewhere", "m/dunlin.sum");
	check(&b);
	TAP_OK(strstr(b.p, "is a link that leaves the folder") != NULL);
	/* Writing replaces the link, not what it leads to. */
	write_sum(3);
	TAP_EQ_STR(check(&b), "");
	buf_clear(&b);
	tree_leave();
}

static void a_folder_with_a_link_outside_gets_no_sum(void)
{
	struct dunlin_error err;

	make_folder();
	tree_write("x.sql", "");
	tree_link("../x.sql", "m/1.0.0-004-d.sql");
	TAP_EQ_INT(sum_write("m", NULL, &err), -1);
	TAP_EQ_STR(err.message, "'m/1.0.0-004-d.sql' is a link that leaves the folder");
	TAP_EQ_INT(sum_exists("m"), 0);
	TAP_EQ_INT(sum_write("gone", NULL, &err), -1);
	TAP_EQ_STR(err.message, "no folder 'gone'");
	tree_leave();
}

static void a_folder_that_cannot_be_written_keeps_its_sum(void)
{
	struct dunlin_error err;
	char before[2000], after[2000];

	make_folder();
	write_sum(3);
	read_file("m/dunlin.sum", before, sizeof before);
	tree_write("m/1.0.0-004-d.sql", "SELECT 4;\n");
	tree_mode("m", 0555);
	tree_as_nobody();
	TAP_EQ_INT(sum_write("m", NULL, &err), -1);
	TAP_EQ_INT(err.errclass, DUNLIN_CLASS_PERMISSION);
	TAP_EQ_STR(err.message, "cannot write 'm/dunlin.sum': Permission denied");
	tree_as_before();
	tree_mode("m", 0755);
	read_file("m/dunlin.sum", after, sizeof after);
	TAP_EQ_STR(after, before);
	/* What stands in its place is not removed. */
	unlink("m/dunlin.sum");
	tree_folders("m/dunlin.sum/x");
	TAP_EQ_INT(sum_write("m", NULL, &err), -1);
	TAP_EQ_STR(err.message, "cannot replace 'm/dunlin.sum': Is a directory");
	tree_leave();
}

static void loading_the_set_checks_the_sum_first(void)
{
	struct source_options o = { .source = &folder, .n_source = 1, .is_names_only = 1 };
	struct migration_set set;

	make_folder();
	write_sum(3);
	tree_write("m/1.0.0-001-a.sql", "SELECT 9;\n");
	TAP_EQ_INT(migration_set_load(&set, &o, NULL), 0);
	TAP_EQ_INT(set.n, 3);
	if (TAP_EQ_INT(set.findings.n, 1)) {
		TAP_EQ_STR(set.findings.v[0].kind, "sum");
		TAP_EQ_STR(set.findings.v[0].file, "m/1.0.0-001-a.sql");
	}
	migration_set_clear(&set);
	o.is_sum_unchecked = 1;
	TAP_EQ_INT(migration_set_load(&set, &o, NULL), 0);
	TAP_EQ_INT(set.findings.n, 0);
	migration_set_clear(&set);
	tree_leave();
}

static void every_failed_allocation_is_reported(void)
{
	unsigned long i;
	int done = 0;

	make_folder();
	write_sum(3);
	tree_write("m/1.0.0-001-a.sql", "SELECT 9;\n");
	tree_write("m/1.0.0-004-a.sql", "SELECT 9;\n");
	for (i = 1; !done && i < 1000; i++) {
		struct finding_list l = { 0 };
		struct dunlin_error err;
		int rc;

		mem_fail_at(i, 0);
		rc = sum_check(&folder, &l, &err);
		done = mem_count() < i;
		mem_fail_at(0, 0);
		if (rc < 0)
			TAP_EQ_STR(err.message, "out of memory");
		else if (!TAP_EQ_INT(l.n, 2))
			tap_note("allocation %lu of checking", i);
		finding_clear(&l);
	}
	TAP_OK(done && i > 5);
	for (i = 1, done = 0; !done && i < 1000; i++) {
		struct dunlin_error err;
		char before[2000], after[2000];
		int rc;

		read_file("m/dunlin.sum", before, sizeof before);
		mem_fail_at(i, 0);
		rc = sum_write("m", NULL, &err);
		done = mem_count() < i;
		mem_fail_at(0, 0);
		read_file("m/dunlin.sum", after, sizeof after);
		if (rc < 0) {
			TAP_EQ_STR(err.message, "out of memory");
			TAP_EQ_STR(after, before);
		}
		TAP_EQ_INT(rc, done ? 0 : -1);
	}
	TAP_OK(done && i > 5);
	tree_leave();
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "what_is_written_is_read_back", what_is_written_is_read_back },
		{ "line_ends_of_another_system_do_not_matter", line_ends_of_another_system_do_not_matter },
		{ "a_malformed_sum_is_refused_with_its_line", a_malformed_sum_is_refused_with_its_line },
		{ "the_file_is_what_other_tools_can_check", the_file_is_what_other_tools_can_check },
		{ "a_folder_without_a_sum_is_not_checked", a_folder_without_a_sum_is_not_checked },
		{ "files_added_removed_and_changed_are_named", files_added_removed_and_changed_are_named },
		{ "a_checkout_with_other_line_ends_is_the_same", a_checkout_with_other_line_ends_is_the_same },
		{ "a_line_edited_by_hand_is_noticed", a_line_edited_by_hand_is_noticed },
		{ "a_sum_that_is_no_file_is_refused", a_sum_that_is_no_file_is_refused },
		{ "a_folder_with_a_link_outside_gets_no_sum", a_folder_with_a_link_outside_gets_no_sum },
		{ "a_folder_that_cannot_be_written_keeps_its_sum", a_folder_that_cannot_be_written_keeps_its_sum },
		{ "loading_the_set_checks_the_sum_first", loading_the_set_checks_the_sum_first },
		{ "every_failed_allocation_is_reported", every_failed_allocation_is_reported },
	};

	return tap_main("sum", tests, sizeof tests / sizeof *tests);
}
