# bench/lib.sh - what the measurements share.
# shellcheck shell=bash disable=SC2034
#
#   $dunlin $measure $proxy $n $megabytes $rounds $dir
#   show BASE              rows of measure, with their ratio to the one named
#   needs_server NAME      starts one (postgresql, mariadb) unless
#                          DUNLIN_TEST_NAME_URL names it; sets $url
#   proxy_start HOST:PORT OPTIONS...    sets $proxy_port
#   proxy_stop             sets $trips to the round trips that were counted
#   make_folder DIR N      N migrations of three statements, with their downs
#   make_client_script DIR N NOW BEGIN FILE    the same statements and the same
#                          records for the database's own client
dunlin=${DUNLIN:-$PWD/dunlin}
measure=${MEASURE:-$PWD/bench/measure}
proxy=${PROXY:-$PWD/tests/tools/proxy}
n=${N:-1000} megabytes=${MEGABYTES:-200} rounds=${ROUNDS:-5}
for tool in "$dunlin" "$measure"; do
	[ -x "$tool" ] || { echo "bench: no program '$tool': build it by 'make' and 'make bench/measure', or name it" >&2; exit 2; }
done
dir=$(mktemp -d "${TMPDIR:-/tmp}/dunlin-bench.XXXXXX")
started='' proxy_pid=''
clean() {
	[ -z "$proxy_pid" ] || kill "$proxy_pid" 2>/dev/null || true
	[ -z "$started" ] || "$(dirname "${BASH_SOURCE[0]}")/../script/servers" stop "$started"
	rm -rf "$dir"
}
trap clean EXIT
trap 'exit 130' INT TERM HUP
: > "$dir/dunlin.ini"
export DUNLIN_CONFIG=$dir/dunlin.ini

show() {
	local base=$1
	awk -F '\t' -v base="$base" '
		{ label[NR] = $1; wall[NR] = $2; least[NR] = $3; cpu[NR] = $4; rss[NR] = $5; if ($1 == base) b = $2 }
		END {
			printf "  %-44s %10s %10s %10s %9s %7s\n", "", "median ms", "least ms", "cpu ms", "peak MB", "ratio"
			for (i = 1; i <= NR; i++)
				printf "  %-44s %10.1f %10.1f %10.1f %9.1f %7.2f\n", label[i], wall[i], least[i], cpu[i], rss[i] / 1024, wall[i] / b
		}'
}

needs_server() {
	local name=DUNLIN_TEST_${1^^}_URL exports

	if [ -z "${!name-}" ]; then
		exports=$("$(dirname "${BASH_SOURCE[0]}")/../script/servers" start "$1") || exit 1
		eval "$exports"
		started=$DUNLIN_TEST_SERVERS
	fi
	url=${!name}
}

proxy_start() {
	local to=$1
	shift
	[ -x "$proxy" ] || { echo "bench: no program '$proxy': build it by 'make tests/tools/proxy', or name it in PROXY" >&2; exit 2; }
	rm -f "$dir/port"
	"$proxy" --to "$to" --stats "$dir/stats" "$@" > "$dir/port" &
	proxy_pid=$!
	until [ -s "$dir/port" ]; do sleep 0.02; done
	proxy_port=$(cat "$dir/port")
}

proxy_stop() {
	kill "$proxy_pid"
	wait "$proxy_pid" || true
	proxy_pid=''
	trips=$(sed -n 's/^roundtrips //p' "$dir/stats")
}

# A table, an index, three rows: in words that PostgreSQL and MariaDB share.
statements='
function version(i) { return sprintf("1.%d.%d-%03d", i / 100, i / 10 % 10, i % 10 + 1) }
function up(i) {
	return sprintf("CREATE TABLE t%04d (\n  id bigint PRIMARY KEY,\n  name varchar(100) NOT NULL,\n  at varchar(40)\n);\n", i) \
		sprintf("CREATE INDEX t%04d_name ON t%04d (name);\n", i, i) \
		sprintf("INSERT INTO t%04d (id, name, at) VALUES (1, %srow 1%s, %s2026-01-01%s), (2, %srow 2%s, %s2026-01-02%s), (3, %srow 3%s, NULL);\n", \
			i, q, q, q, q, q, q, q, q, q, q)
}
function down(i) { return sprintf("DROP TABLE t%04d;\n", i) }
'

make_folder() {
	mkdir -p "$1"
	awk -v n="$2" -v dir="$1" -v q="'" "$statements"'
	BEGIN {
		for (i = 1; i <= n; i++) {
			file = dir "/" version(i) "-make_table.sql"
			printf "-- dunlin:up\n%s\n-- dunlin:down\n%s", up(i), down(i) > file
			close(file)
		}
	}'
}

# The records: the event before, the row, the event after.
make_client_script() {
	awk -v n="$2" -v now="$3" -v begin="$4" -v q="'" "$statements"'
	function event(i, seq, name, detail) {
		printf "INSERT INTO dunlin_migrations_events (run_id, seq, component, version, event, at, actor, detail) VALUES (%s%s%s, %d, %s%s, %s%s%s, %s%s%s, %s, %sme@here%s, %s%s%s);\n", \
			q, run, q, seq, q, q, q, version(i), q, q, name, q, now, q, q, q, detail, q
	}
	BEGIN {
		run = "0123456789abcdef0123456789abcdef"
		hash = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		detail = "{\"name\":\"make_table\",\"row\":{\"name\":\"make_table\",\"kind\":\"versioned\",\"state\":\"applied\",\"direction\":\"up\",\"batch\":1,\"apply_order\":1,\"checksum\":\"" hash "\",\"statements_checksum\":\"" hash "\",\"statements_done\":3,\"statements_total\":3,\"intent\":\"\",\"tool_version\":\"0.1.0\",\"error_class\":\"\",\"error_message\":\"\",\"applied_at\":true,\"applied_by\":true,\"execution_ms\":1}}"
		for (i = 1; i <= n; i++) {
			print begin ";"
			event(i, 2 * i, "migration.started", "{\"name\":\"make_table\",\"direction\":\"up\",\"transaction\":\"own\",\"statements_total\":3}")
			printf "%s", up(i)
			printf "INSERT INTO dunlin_migrations VALUES (%s%s, %s%s%s, %smake_table%s, %sversioned%s, %sapplied%s, %sup%s, 1, %d, %s%s%s, %s%s%s, 3, 3, %s%s, %s, 1, %sme@here%s, %s%s%s, %d, %s0.1.0%s, %s%s, %s%s, %s%s%s);\n", \
				q, q, q, version(i), q, q, q, q, q, q, q, q, q, i, q, hash, q, q, hash, q, q, q, now, q, q, q, run, q, 2 * i + 1, q, q, q, q, q, q, q, down(i), q
			event(i, 2 * i + 1, "migration.done", detail)
			print "COMMIT;"
		}
	}' >> "$5"
}
