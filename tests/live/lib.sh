# tests/live/lib.sh - what the tests share that hurt the program on purpose.
# shellcheck shell=bash disable=SC2034,SC2154
#
# On top of tests/cli/lib.sh:
#
#   traced OPTIONS... -- ARGS...   run, under strace; its log is $scratch/.strace
#   note LIST TEXT                 adds a line to the named list of complaints
#   none LIST SENTENCE             passes if that list is empty
#   background ARGS...             starts the program; $pid; out and err in files
#   is_on                          whether it still runs
#   reap                           waits for it: $status, $out and $err as of run
#   has_said REGEX                 whether it has said that on standard error
#   is_pending DB                  whether it waits for readers of the file to go
#   shell_open DB, shell_say SQL, shell_close    a sqlite3 that holds its locks
#   query_of TENTHS|ever           a query that takes so long
#   ledger DB SQL                  a query, columns separated by |
#   schema_dump DB                 all objects and rows that are not dunlin's
#
# DUNLIN_TEST_FULL=1 walks every fault instead of a sample of them.

shared_folder=${DUNLIN_SHARED-} # it does not stay
. "${top_srcdir:-.}/tests/cli/lib.sh" || exit 99

full=${DUNLIN_TEST_FULL:-0}
export MIGRATION_TIMEOUT=120000 # ms: nothing here hangs for ever

# LeakSanitizer traces its own process, which strace does already.
needs_strace() {
	if ! command -v strace >/dev/null || ! strace -o /dev/null true 2>/dev/null; then
		echo "1..0 # SKIP strace is not installed, or tracing is not permitted"
		exit 0
	fi
}

traced() {
	local options=()

	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	# In a shell of its own, where bash says nothing about a process that got killed.
	(
		ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 \
			strace -f -qq -o "$scratch/.strace" "${options[@]}" -- "$dunlin" "$@" \
			>"$scratch/.out" 2>"$scratch/.err" </dev/null
		echo $? >"$scratch/.status"
	) 2>/dev/null
	status=$(cat "$scratch/.status")
	out=$(tr -d '\0' <"$scratch/.out")
	err=$(tr -d '\0' <"$scratch/.err")
	case $err in
	*Sanitizer:* | *'runtime error:'*) fail "the sanitizers have nothing to say about: dunlin $*" stderr "$err" ;;
	esac
}

note() {
	printf -v "$1" '%s%s\n' "${!1-}" "$2"
}

none() {
	if [ -z "${!1-}" ]; then pass "$2"; else fail "$2" complaints "$(printf '%s' "${!1}" | head -60)"; fi
	printf -v "$1" ''
}

# With job control, or the shell would hand SIGINT down ignored.
background() {
	set -m
	"$dunlin" "$@" >"$scratch/.bg.out" 2>"$scratch/.bg.err" </dev/null &
	pid=$!
	set +m
}

# A program in the background that has not ended.
is_on() {
	kill -0 "$pid" 2>/dev/null
}

reap() {
	wait "$pid" 2>/dev/null
	status=$?
	out=$(cat "$scratch/.bg.out")
	err=$(cat "$scratch/.bg.err")
	case $err in
	*Sanitizer:* | *'runtime error:'*) fail 'the sanitizers have nothing to say about what ran in the background' stderr "$err" ;;
	esac
}

# Whether the program in the background has said that.
has_said() {
	grep -q -e "$1" "$scratch/.bg.err"
}

# Whether a writer waits for the readers of a file to go: it lets no new one in.
is_pending() {
	! sqlite3 -readonly "$1" 'SELECT count(*) FROM sqlite_master'
}

# A sqlite3 shell that stays; shell_say returns when it has done what it was told.
shell_open() {
	rm -f "$scratch/.say" "$scratch/.said"
	mkfifo "$scratch/.say"
	sqlite3 "$1" <"$scratch/.say" >"$scratch/.said" 2>&1 &
	shell_pid=$!
	exec 8>"$scratch/.say"
	shell_mark=0
}

shell_say() {
	shell_mark=$((shell_mark + 1))
	printf '%s\n.print said %d\n' "$1" $shell_mark >&8
	eventually 10 grep -q "^said $shell_mark\$" "$scratch/.said" || { echo 'Bail out! sqlite3 does not answer'; exit 99; }
}

shell_close() {
	exec 8>&-
	wait "$shell_pid"
}

# Machines differ in how far they count in a second.
rows_in() { # TENTHS of a second
	local start end

	if [ -z "${rows_a_tenth-}" ]; then
		start=$(date +%s%N)
		sqlite3 :memory: 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500000) SELECT max(i) FROM n' >/dev/null
		end=$(date +%s%N)
		rows_a_tenth=$((500000 * 100000 / ((end - start) / 1000 + 1)))
	fi
	echo $((rows_a_tenth * $1))
}
rows_in 1 >/dev/null # once, not in each $(...)

# A query that takes about so many tenths of a second, or for ever.
query_of() { # TENTHS | ever
	local limit=''

	[ "$1" = ever ] || limit=" WHERE i < $(rows_in "$1")"
	echo "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n$limit) SELECT max(i) AS n FROM n"
}

ledger() {
	sqlite3 -cmd '.timeout 5000' "$1" "$2" 2>&1
}

schema_dump() {
	sqlite3 -cmd '.timeout 5000' "$1" "SELECT type, name, tbl_name, sql FROM sqlite_master
		WHERE name NOT LIKE 'dunlin%' AND tbl_name NOT LIKE 'dunlin%' ORDER BY 1, 2" '.dump app%' 2>&1
}

# Which versions are applied, in the order of their application.
applied() {
	ledger "$1" "SELECT group_concat(version, ' ') FROM (SELECT version FROM dunlin_migrations
		WHERE state = 'applied' AND direction = 'up' ORDER BY apply_order)"
}
