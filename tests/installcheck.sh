#!/bin/bash
# installcheck.sh - `make installcheck`: the installed program runs, and a driver
# is written against the installed headers by somebody who has nothing else.
#
# Takes from the environment: srcdir (absolute) bindir libdir driverdir pkgconfigdir
# CC PKG_CONFIG, and drivers: the .la names of the plugins installed.
set -u
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
dunlin=${bindir:?}/dunlin
export PKG_CONFIG_PATH=${pkgconfigdir:?}
export LD_LIBRARY_PATH=${libdir:?}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
unset DUNLIN_DRIVER_PATH
# Away from any configuration file.
cd "$tmp" || exit 1
n=0 failed=0

check() { # DESCRIPTION COMMAND...: ok if the command succeeds
	local says=$1
	shift
	n=$((n + 1))
	if "$@" >"$tmp/out" 2>&1; then
		echo "ok $n - installcheck: $says"
	else
		sed 's/^/# /' "$tmp/out"
		echo "not ok $n - installcheck: $says"
		failed=1
	fi
}

shows() { # PATTERN COMMAND...: the command succeeds and prints the pattern
	local pattern=$1
	shift
	"$@" >"$tmp/shown" 2>&1 || { cat "$tmp/shown"; return 1; }
	grep -qE -- "$pattern" "$tmp/shown" || { echo "no '$pattern' in:"; cat "$tmp/shown"; return 1; }
}

loads() { # NAME COMMAND...: it prints the name at the start of a line, and of no refusal
	local name=$1
	shift
	shows "^$name([[:space:]]|\$)" "$@" || return 1
	! grep -i refused "$tmp/shown"
}

check "the program tells its version" shows '^dunlin [0-9]+\.[0-9]+' "$dunlin" --version
check "the program helps" shows '[Uu]sage' "$dunlin" --help
suite_passes() {
	"$dunlin" driver-check sqlite "sqlite:$tmp/suite.db" >"$tmp/suite" && grep -q '^1\.\.[0-9]' "$tmp/suite"
}
check "the program lists its drivers" "$dunlin" drivers
check "the conformance suite is installed, and passes" suite_passes
for la in ${drivers-}; do
	name=${la%.la}
	name=${name#dunlin-}
	check "the $name driver is found where it is installed" loads "$name" "$dunlin" drivers
done
check "pkg-config tells the plugin folder" \
	shows "^${driverdir:?}\$" "${PKG_CONFIG:-pkg-config}" --variable=driverdir dunlin-driver

# The least that is a driver.
cat >third.c <<'END'
#include <dunlin/driver.h>
static int open_(const struct dunlin_kv *opt, size_t n, const struct dunlin_control *ctl,
	struct dunlin_conn **out, struct dunlin_driver_error *err)
{ (void)opt; (void)n; (void)ctl; (void)err; *out = 0; return DUNLIN_ENOTSUP; }
static void close_(struct dunlin_conn *c) { (void)c; }
static uint64_t caps(struct dunlin_conn *c) { (void)c; return 0; }
static int exec(struct dunlin_conn *c, const struct dunlin_step *s, struct dunlin_driver_error *err)
{ (void)c; (void)s; (void)err; return DUNLIN_ENOTSUP; }
static int query(struct dunlin_conn *c, const char *sql, size_t len, const struct dunlin_param *p,
	size_t n, dunlin_row_fn *row, void *arg, struct dunlin_driver_error *err)
{ (void)c; (void)sql; (void)len; (void)p; (void)n; (void)row; (void)arg; (void)err; return DUNLIN_ENOTSUP; }
static int tx_state(struct dunlin_conn *c, int32_t *state, struct dunlin_driver_error *err)
{ (void)c; (void)err; *state = DUNLIN_TX_NONE; return DUNLIN_OK; }
static const char *const schemes[] = { "third", 0 };
static const struct dunlin_rule rules[] = { { 0, 0 } };
static const struct dunlin_word words[] = { { 0, 0 } };
static const char *const ledger[] = { "CREATE TABLE %M (x)", "CREATE TABLE %E (x)", 0 };
static const struct dunlin_dialect dialect = { .struct_size = sizeof dialect, .name = "third", .rules = rules,
	.vocabulary = words, .quote_open = '"', .quote_close = '"', .ledger_ddl = ledger, .ledger_exists = "SELECT 1",
	.foreign_tables = "SELECT 'x'", .now = "''", .elapsed_ms = "0" };
static const struct dunlin_driver driver = { .magic = DUNLIN_DRIVER_MAGIC, .struct_size = sizeof driver,
	.abi_minor = DUNLIN_DRIVER_ABI_MINOR, .flags = DUNLIN_DRIVER_FILE, .name = "third", .version = "1.2.3",
	.client = "none", .schemes = schemes, .dialect = &dialect, .open = open_, .close = close_,
	.caps = caps, .exec = exec, .query = query, .tx_state = tx_state };
DUNLIN_DRIVER_EXPORT dunlin_driver_entry_fn dunlin_driver_entry_v1;
const struct dunlin_driver *dunlin_driver_entry_v1(const struct dunlin_host *host, struct dunlin_driver_error *err)
{ (void)host; (void)err; return &driver; }
END
mkdir -m 755 plugins
cflags=$("${PKG_CONFIG:-pkg-config}" --cflags dunlin-driver)
# shellcheck disable=SC2086 # flags and compiler are lists of words
check "a third party's driver compiles with the installed header" \
	${CC:-cc} $cflags -Wall -Wextra -Werror -fPIC -shared -o plugins/dunlin-third.so third.c
chmod go-w plugins/dunlin-third.so 2>/dev/null
check "that driver is loaded from its folder" loads 'third +1\.2\.3' "$dunlin" drivers --driver-path "$tmp/plugins"

# examples/driver, by its own Makefile, as somebody does who copied it.
example_builds() {
	cp -r "$example" odbc && chmod -R u+w odbc &&
		make -C odbc -s CC="${CC:-cc}" PKG_CONFIG="${PKG_CONFIG:-pkg-config}" CFLAGS="-O1 -g -Wall -Wextra -Werror" &&
		chmod go-w odbc/dunlin-odbc.so
}
example_passes() {
	"$dunlin" driver-check "$tmp/odbc/dunlin-odbc.so" "odbc:$tmp/odbc.db" >"$tmp/suite" ||
		{ grep -A1 '^not ok' "$tmp/suite"; return 1; }
	grep -q '^1\.\.[0-9]' "$tmp/suite" && grep -q '^ok [0-9]* - exec_many: all' "$tmp/suite"
}
# shellcheck disable=SC2086 # nm is a list of words
example_exports() {
	shows ' T dunlin_driver_entry_v1$' ${NM:-nm} -D --defined-only odbc/dunlin-odbc.so &&
		[ "$(wc -l <"$tmp/shown")" -eq 1 ]
}
example_applies() {
	mkdir odbc-migrations &&
		printf -- '-- dunlin:up\nCREATE TABLE one (id integer);\n-- dunlin:down\nDROP TABLE one;\n' >odbc-migrations/1.0.0-001-one.sql &&
		: >"$tmp/up.db" &&
		"$dunlin" up --driver-path "$tmp/odbc" --url "odbc:$tmp/up.db" --dir odbc-migrations &&
		shows '1\.0\.0-001' "$dunlin" status --driver-path "$tmp/odbc" --url "odbc:$tmp/up.db" --dir odbc-migrations
}
example=${srcdir:?}/examples/driver
missing=
"${PKG_CONFIG:-pkg-config}" --exists odbc || missing="unixODBC's headers are not installed"
[ -n "$missing" ] || odbcinst -q -d -n SQLite3 >/dev/null 2>&1 || grep -qs '^\[SQLite3\]' /etc/odbcinst.ini ||
	missing="unixODBC knows no driver 'SQLite3'"
for step in "builds against the installed header" "exports its entry alone" "passes the conformance suite" \
	"applies a migration"; do
	if [ -n "$missing" ]; then
		n=$((n + 1))
		echo "ok $n - installcheck: the example driver $step # SKIP $missing"
		continue
	fi
	check "the example driver $step" "example_${step%% *}"
done

cat >embed.c <<'END'
#include <dunlin/dunlin.h>
int main(void)
{
	struct dunlin *d = 0;
	struct dunlin_error err;
	int rc = dunlin_new(&d, &err);
	dunlin_free(d);
	return rc == 0 ? 0 : 1;
}
END
embed_flags=$("${PKG_CONFIG:-pkg-config}" --cflags --libs dunlin)
# shellcheck disable=SC2086
check "a program links with the installed library" ${CC:-cc} -Wall -Wextra -Werror embed.c -o embed $embed_flags
check "that program runs" ./embed
exit $failed
