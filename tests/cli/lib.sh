# tests/cli/lib.sh - what the tests of the built program share.
# shellcheck shell=bash disable=SC2034
#
# A test is a sentence; a failing one prints what it got and what it wanted.
#
#   run ARGS...            runs the program: $status, $out and $err tell
#   run_in_terminal ARGS   the same on a pseudo terminal; $out has both streams
#   exits CODE SENTENCE
#   is GOT WANT SENTENCE
#   matches TEXT REGEX SENTENCE, lacks TEXT REGEX SENTENCE   (extended, per line)
#   json FILTER WANT SENTENCE     jq over $out
#   eventually SECONDS COMMAND...  until it succeeds, or that long
#   is_locked DB           whether a run holds its lock
#   computing PID          returns when the process is in a long statement
#   migration FILE [TEXT]  writes a migration; TEXT or standard input
#   skip SENTENCE REASON
#   finish                 the last line of each test
#
# Every test works in a folder of its own, with no settings from outside.

set -u
# The loader refuses plugins from a folder that everybody may write to.
umask 022

dunlin=${DUNLIN_TEST_PROGRAM:-${top_builddir:-.}/tests/dunlin}
case $dunlin in /*) ;; *) dunlin=$PWD/$dunlin ;; esac
[ -x "$dunlin" ] || { echo "Bail out! no program at '$dunlin': set DUNLIN_TEST_PROGRAM"; exit 99; }
command -v jq >/dev/null || { echo "1..0 # SKIP jq is not installed"; exit 0; }
command -v sqlite3 >/dev/null || { echo "1..0 # SKIP sqlite3 is not installed"; exit 0; }

while IFS='=' read -r name _; do
	case $name in
	DUNLIN_DRIVER_PATH | DUNLIN_EXEC_PATH | DUNLIN_TEST_*) ;;
	DUNLIN_* | PG* | POSTGRES_* | MARIADB_* | MYSQL_*) unset "$name" ;;
	esac
done < <(env)
unset DATABASE_URL NO_COLOR CLICOLOR_FORCE DEBUG MIGRATION_TIMEOUT POSIXLY_CORRECT
export TERM=xterm LC_ALL=C

scratch=$(mktemp -d "${TMPDIR:-/tmp}/dunlin-cli.XXXXXX") || exit 99
trap 'cd /; rm -rf "$scratch"' EXIT
export HOME=$scratch/home
mkdir "$scratch/home" "$scratch/.empty"
: >"$scratch/.empty.ini"
cd "$scratch" || exit 99

test_number=0
status=0 out='' err=''

run() {
	skipping=
	"$dunlin" "$@" >"$scratch/.out" 2>"$scratch/.err" </dev/null
	status=$?
	out=$(tr -d '\0' <"$scratch/.out")
	err=$(tr -d '\0' <"$scratch/.err")
	case $err in
	*Sanitizer:* | *'runtime error:'*) fail "the sanitizers have nothing to say about: dunlin $*" stderr "$err" ;;
	esac
}

# script(1) is in every Debian.  What is typed there is $answer.
answer=
skipping=
run_in_terminal() {
	local word

	if ! script -qec true /dev/null >/dev/null 2>&1; then
		skipping='no pseudo terminal can be had here'
		return
	fi
	word=$(printf '%q ' "$dunlin" "$@")
	{ sleep 0.3; printf '%s' "$answer"; sleep 0.3; } |
		script -qec "stty -echo; $word; echo \$? >$scratch/.status" /dev/null >"$scratch/.out" 2>/dev/null
	status=$(cat "$scratch/.status")
	out=$(tr -d '\r\0' <"$scratch/.out")
}

pass() {
	[ -z "$skipping" ] || { skip "$1" "$skipping"; return; }
	test_number=$((test_number + 1))
	printf 'ok %d - %s\n' "$test_number" "$1"
}

# fail SENTENCE LABEL TEXT [LABEL TEXT]...
fail() {
	[ -z "$skipping" ] || { skip "$1" "$skipping"; return; }
	test_number=$((test_number + 1))
	printf 'not ok %d - %s\n' "$test_number" "$1"
	shift
	while [ $# -ge 2 ]; do
		printf '%s\n' "$2" | sed "1s/^/# $1: /; 2,\$s/^/#   /"
		shift 2
	done
}

skip() {
	test_number=$((test_number + 1))
	printf 'ok %d - %s # SKIP %s\n' "$test_number" "$1" "$2"
}

is() {
	if [ "$1" = "$2" ]; then pass "$3"; else fail "$3" got "$1" want "$2"; fi
}

exits() {
	if [ "$status" = "$1" ]; then
		pass "$2"
	else
		fail "$2" 'got exit code' "$status" want "$1" stdout "$out" stderr "$err"
	fi
}

matches() {
	if printf '%s\n' "$1" | grep -Eq -e "$2"; then pass "$3"; else fail "$3" got "$1" 'want a line like' "$2"; fi
}

lacks() {
	if printf '%s\n' "$1" | grep -Eq -e "$2"; then fail "$3" got "$1" 'want no line like' "$2"; else pass "$3"; fi
}

json() {
	local got

	got=$(printf '%s\n' "$out" | jq -r "$1" 2>&1)
	if [ "$got" = "$2" ]; then
		pass "$3"
	else
		fail "$3" filter "$1" got "$got" want "$2" document "$out" stderr "$err"
	fi
}

eventually() {
	local end=$((SECONDS + $1))

	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.02
	done
}

# Whether a run holds the lock on that file.
is_locked() {
	[ -e "$1-dunlin.lock" ] && ! flock -n "$1-dunlin.lock" true
}

# What starting and short statements use up is far less than a quarter of a
# second, whatever else the machine does.
cpu_ticks() { # PID
	local stat

	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
	# shellcheck disable=SC2086 # fields
	set -- ${stat##*) }
	echo $((${12} + ${13}))
}
has_computed() { # PID TICKS
	local ticks

	ticks=$(cpu_ticks "$1") || return 0 # it has ended
	[ "$ticks" -ge "$2" ]
}
computing() { # PID [DB]: of a run that has the lock on DB
	local from

	[ $# -lt 2 ] || eventually 20 is_locked "$2" || echo '# no lock after 20 s'
	if from=$(cpu_ticks "$1"); then
		eventually 60 has_computed "$1" $((from + $(getconf CLK_TCK) / 4)) || echo '# it computes nothing'
	else
		sleep 1
	fi
}

migration() {
	mkdir -p "$(dirname "$1")"
	if [ $# -gt 1 ]; then printf '%s\n' "$2" >"$1"; else cat >"$1"; fi
}

# Two migrations of one release and one of the next, each with its down.
three_migrations() {
	local dir=${1:-migrations}

	migration "$dir/1.0.5-001-initial_schema.sql" <<-'SQL'
		-- dunlin:up
		CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL);
		INSERT INTO users (email) VALUES ('ann@example.org');
		-- dunlin:down
		DROP TABLE users;
		-- dunlin:verify
		SELECT count(*) > 0 FROM users;
	SQL
	migration "$dir/1.0.5-002-inbox.sql" <<-'SQL'
		-- dunlin:up
		CREATE TABLE inbox (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id));
		-- dunlin:down
		DROP TABLE inbox;
	SQL
	migration "$dir/1.0.6-001-add_inbox_retry.sql" <<-'SQL'
		-- dunlin:up
		ALTER TABLE inbox ADD COLUMN retry INTEGER NOT NULL DEFAULT 0;
		-- dunlin:down
		ALTER TABLE inbox DROP COLUMN retry;
	SQL
}

tables() {
	sqlite3 "$1" "SELECT group_concat(name, ' ') FROM (SELECT name FROM sqlite_master WHERE type = 'table'
		AND name NOT LIKE 'dunlin%' AND name NOT LIKE 'sqlite%' ORDER BY name)"
}

# On every database that a test left behind the state table is the fold of the
# event log, whatever became of the folder.
finish() {
	local db found

	while IFS= read -r db; do
		[ "$(sqlite3 "$db" "SELECT count(*) FROM sqlite_master WHERE name = 'dunlin_migrations'" 2>/dev/null)" = 1 ] || continue
		run validate --format json -u "sqlite:$db" -c "$scratch/.empty.ini" -d "$scratch/.empty"
		found=$(printf '%s\n' "$out" | jq -c '[.findings[] | select(.kind == "ledger")]' 2>&1)
		is "$found" '[]' "${db#"$scratch"/}: the ledger is the fold of its events"
	done < <(find "$scratch" -name '*.db' -type f | sort)
	echo "1..$test_number"
}
