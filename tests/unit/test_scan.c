/*
 * test_scan.c - which files a source is found to have.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "buf.h"
#include "scan.h"
#include "tap.h"
#include "tree.h"

struct result {
	struct arena arena;
	struct finding_list findings;
	struct scan scan;
	struct dunlin_error err;
	int rc;
	struct buf text;
};

/* Lists the folder "m" (or the files in memory); the text is the sorted paths,
 * then the findings. */
static const char *list(struct result *r, const struct source *src)
{
	static const struct source folder = { .component = "c", .dir = "m" };

	memset(r, 0, sizeof *r);
	r->rc = scan_open(&r->scan, &r->arena, src ? src : &folder, &r->findings, &r->err);
	if (r->rc == 0) {
		scan_sort(&r->scan);
		for (size_t i = 0; i < r->scan.n; i++)
			buf_addf(&r->text, "%s\n", r->scan.file[i].path);
	}
	for (size_t i = 0; i < r->findings.n; i++)
		buf_addf(&r->text, "! %s %s\n", r->findings.v[i].kind, r->findings.v[i].message);
	return r->text.p ? r->text.p : "";
}

static void clear(struct result *r)
{
	if (r->rc == 0)
		scan_close(&r->scan);
	buf_clear(&r->text);
	finding_clear(&r->findings);
	arena_clear(&r->arena);
}

static void only_sql_files_are_listed(void)
{
	struct result r;

	tree_enter();
	tree_write("m/1.0.0-001-a.sql", "");
	tree_write("m/README", "");
	tree_write("m/dunlin.sum", "");
	tree_write("m/.hidden.sql", "");
	tree_write("m/..data/x.sql", "");
	tree_write("m/.git/x.sql", "");
	tree_write("m/a.sql~", "");
	tree_write("m/sql", "");
	tree_write("m/b/up.sql", "");
	tree_write("m/b/metadata.toml", "");
	tree_write("m/docs/text.md", "");
	tree_folders("m/empty/x");
	TAP_EQ_STR(list(&r, NULL), "1.0.0-001-a.sql\nb/up.sql\n");
	clear(&r);
	tree_leave();
}

static void sql_that_nobody_looks_for_is_a_finding(void)
{
	struct result r;

	tree_enter();
	tree_write("m/1.0/1.0.0-001-a/up.sql", "");
	tree_write("m/1.0/deep/er/x.sql", "");
	tree_write("m/1.0/notes/x.txt", "");
	tree_folders("m/1.0.0-002-b.sql/x");
	if (mkfifo("m/1.0.0-003-c.sql", 0600) < 0)
		tree_die("mkfifo", "m");
	list(&r, NULL);
	TAP_EQ_INT(r.scan.n, 0);
	TAP_EQ_INT(r.findings.n, 4);
	TAP_OK(strstr(r.text.p, "! name 'm/1.0/1.0.0-001-a' holds .sql files two folders down") != NULL);
	TAP_OK(strstr(r.text.p, "! name 'm/1.0/deep' holds .sql files two folders down") != NULL);
	TAP_OK(strstr(r.text.p, "! file 'm/1.0.0-002-b.sql' is a folder, and its name is a file's") != NULL);
	TAP_OK(strstr(r.text.p, "! file 'm/1.0.0-003-c.sql' is not a regular file") != NULL);
	TAP_EQ_STR(r.findings.v[0].component, "c");
	TAP_EQ_INT(r.findings.v[0].code, DUNLIN_EXIT_INVALID);
	clear(&r);
	tree_leave();
}

static void a_folder_of_another_source_is_left_alone(void)
{
	struct result r;

	tree_enter();
	tree_write("m/1.0.0-001-a.sql", "");
	tree_write("m/auth/1.0.0-001-b.sql", "");
	tree_write("m/auth/1.0.0-002-c/up.sql", "");
	tree_write("m/some name/up.sqlite.sql", "");
	tree_write("m/1.x/b.sql", "");
	tree_write("m/R-v/x.sql", "");
	TAP_EQ_STR(list(&r, NULL), "1.0.0-001-a.sql\n1.x/b.sql\nR-v/x.sql\nsome name/up.sqlite.sql\n");
	clear(&r);
	tree_leave();
}

/* As a Kubernetes ConfigMap is mounted. */
static void links_inside_the_folder_are_followed(void)
{
	struct result r;

	tree_enter();
	tree_write("m/..2025_11_20/1.0.0-001-a.sql", "");
	tree_write("m/..2025_11_20/1.0.0-002-b/up.sql", "");
	tree_link("..2025_11_20", "m/..data");
	tree_link("..data/1.0.0-001-a.sql", "m/1.0.0-001-a.sql");
	tree_link("..data/1.0.0-002-b", "m/1.0.0-002-b");
	TAP_EQ_STR(list(&r, NULL), "1.0.0-001-a.sql\n1.0.0-002-b/up.sql\n");
	clear(&r);
	/* The folder itself may be a link. */
	tree_link("m", "n");
	TAP_EQ_STR(list(&r, &(struct source){ .component = "", .dir = "n" }), "1.0.0-001-a.sql\n1.0.0-002-b/up.sql\n");
	clear(&r);
	tree_leave();
}

static void links_that_leave_the_folder_are_refused(void)
{
	struct result r;

	tree_enter();
	tree_write("outside.sql", "");
	tree_write("m2/up.sql", "");
	tree_write("m/x", "");
	tree_link("../outside.sql", "m/1.0.0-001-a.sql");
	tree_link("../m2", "m/1.0.0-002-b");
	tree_link("nowhere", "m/1.0.0-003-c.sql");
	tree_link("/etc/passwd", "m/README");
	tree_link("1.0.0-005-e.sql", "m/1.0.0-005-e.sql");
	list(&r, NULL);
	TAP_EQ_INT(r.scan.n, 0);
	TAP_EQ_INT(r.findings.n, 4);
	TAP_OK(strstr(r.text.p, "! file 'm/1.0.0-001-a.sql' is a link that leaves the folder") != NULL);
	TAP_OK(strstr(r.text.p, "! file 'm/1.0.0-002-b' is a link that leaves the folder") != NULL);
	TAP_OK(strstr(r.text.p, "! file 'm/1.0.0-003-c.sql' is a link that leads nowhere") != NULL);
	TAP_OK(strstr(r.text.p, "! file 'm/1.0.0-005-e.sql' is a link that leads nowhere") != NULL);
	clear(&r);
	/* A neighbour whose name begins alike is not inside either. */
	tree_write("mm/x.sql", "");
	tree_link("../mm/x.sql", "m/1.0.0-004-d.sql");
	list(&r, NULL);
	TAP_OK(strstr(r.text.p, "'m/1.0.0-004-d.sql' is a link that leaves the folder") != NULL);
	clear(&r);
	tree_leave();
}

static void a_folder_that_is_not_there_is_a_usage_error(void)
{
	struct result r;

	tree_enter();
	list(&r, NULL);
	TAP_EQ_INT(r.rc, -1);
	TAP_EQ_INT(r.err.code, DUNLIN_EXIT_USAGE);
	TAP_EQ_STR(r.err.message, "no folder 'm'");
	TAP_EQ_STR(r.err.hint, "`dunlin init` makes it, or name the right one with --dir.");
	clear(&r);
	tree_write("m", "");
	list(&r, NULL);
	TAP_EQ_INT(r.err.code, DUNLIN_EXIT_USAGE);
	TAP_EQ_STR(r.err.message, "'m' is not a folder");
	clear(&r);
	tree_leave();
}

static void what_may_not_be_read_is_said(void)
{
	struct result r;

	tree_enter();
	tree_write("m/1.0.0-001-a/up.sql", "");
	tree_write("m/1.0.0-002-b.sql", "");
	tree_mode("m/1.0.0-001-a", 0);
	tree_as_nobody();
	TAP_EQ_STR(list(&r, NULL), "1.0.0-002-b.sql\n! file 'm/1.0.0-001-a' cannot be read: Permission denied\n");
	clear(&r);
	tree_as_before();
	tree_mode("m/1.0.0-001-a", 0700);
	tree_mode("m", 0);
	tree_as_nobody();
	list(&r, NULL);
	TAP_EQ_INT(r.rc, -1);
	TAP_EQ_INT(r.err.code, DUNLIN_EXIT_USAGE);
	TAP_EQ_INT(r.err.errclass, DUNLIN_CLASS_PERMISSION);
	TAP_EQ_STR(r.err.message, "cannot open folder 'm': Permission denied");
	clear(&r);
	tree_as_before();
	tree_mode("m", 0700);
	tree_leave();
}

static void odd_bytes_of_a_name_are_shown_escaped(void)
{
	struct arena a = { 0 };

	TAP_EQ_STR(scan_show(&a, "m/", "a\nb\xff\xc3\xbc\xc2\x85.sql", 12), "m/a\\x0ab\\xff\xc3\xbc\\xc2\\x85.sql");
	TAP_EQ_STR(scan_show(&a, NULL, "a.sql", 5), "a.sql");
	TAP_EQ_STR(scan_show(&a, "/", "a.sql", 5), "/a.sql");
	TAP_EQ_STR(scan_show(&a, ".", "a.sql", 5), "./a.sql");
	arena_clear(&a);
}

static void a_bundle_is_listed_like_a_folder(void)
{
	static const struct dunlin_file files[] = {
		{ "1.0.0-002-b/up.sql", "SELECT 2;", 9 }, { "1.0.0-001-a.sql", "SELECT 1;", 9 },
		{ "README", "", 0 }, { ".x.sql", "", 0 }, { "d/.x.sql", "", 0 }, { "a/b/c.sql", "", 0 },
		{ "/x.sql", "", 0 },
	};
	const struct source src = { .component = "", .file = files, .n_file = 7 };
	struct result r;
	struct input in;

	TAP_EQ_STR(list(&r, &src), "1.0.0-001-a.sql\n1.0.0-002-b/up.sql\n"
	           "! name 'a/b/c.sql' has more than one folder in its name\n"
	           "! name '/x.sql' has more than one folder in its name\n");
	in = scan_input(&r.scan, &r.scan.file[0], "a");
	TAP_EQ_STR(in.name, "a");
	TAP_OK(in.path == NULL);
	TAP_EQ_MEM(in.data, in.len, "SELECT 1;", 9);
	clear(&r);
}

static void every_failed_allocation_is_reported(void)
{
	int done = 0;
	unsigned long i;

	tree_enter();
	for (int k = 0; k < 40; k++) {
		char path[64];

		snprintf(path, sizeof path, "m/1.0.0-%03d-a.sql", k);
		tree_write(path, "");
	}
	tree_write("m/1.0/v2/x.sql", "");
	tree_link("1.0.0-000-a.sql", "m/2.0.0-001-a.sql");
	tree_link("../m", "m/2.0.0-002-a.sql");
	for (i = 1; !done && i < 1000; i++) {
		struct result r = { 0 };
		struct source src = { .component = "", .dir = "m" };

		mem_fail_at(i, 0);
		r.rc = scan_open(&r.scan, &r.arena, &src, &r.findings, &r.err);
		done = mem_count() < i;
		mem_fail_at(0, 0);
		if (r.rc < 0)
			TAP_EQ_STR(r.err.message, "out of memory");
		else if (done)
			TAP_EQ_INT(r.scan.n, 41);
		clear(&r);
	}
	TAP_OK(done && i > 5);
	tree_leave();
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "only_sql_files_are_listed", only_sql_files_are_listed },
		{ "sql_that_nobody_looks_for_is_a_finding", sql_that_nobody_looks_for_is_a_finding },
		{ "a_folder_of_another_source_is_left_alone", a_folder_of_another_source_is_left_alone },
		{ "links_inside_the_folder_are_followed", links_inside_the_folder_are_followed },
		{ "links_that_leave_the_folder_are_refused", links_that_leave_the_folder_are_refused },
		{ "a_folder_that_is_not_there_is_a_usage_error", a_folder_that_is_not_there_is_a_usage_error },
		{ "what_may_not_be_read_is_said", what_may_not_be_read_is_said },
		{ "odd_bytes_of_a_name_are_shown_escaped", odd_bytes_of_a_name_are_shown_escaped },
		{ "a_bundle_is_listed_like_a_folder", a_bundle_is_listed_like_a_folder },
		{ "every_failed_allocation_is_reported", every_failed_allocation_is_reported },
	};

	return tap_main("scan", tests, sizeof tests / sizeof *tests);
}
