# tests/live/pg_lib.sh - PostgreSQL for the tests, on top of tests/live/lib.sh.
# shellcheck shell=bash disable=SC2034,SC2154
#
# The server that DUNLIN_TEST_POSTGRESQL_URL names, as a superuser:
#
#   needs_postgresql           the whole test is skipped without it
#   new_db NAME                an empty database in it, dropped at the end; sets
#                              $NAME to its URL
#   sql URL SQL...             each SQL by psql; columns separated by |
#
# Servers of the test's own, stopped at the end:
#
#   needs_own_postgresql       the whole test is skipped where there are no binaries
#   own_server NAME [SETTING]...        initdb and start; lines of postgresql.conf
#   own_standby NAME FROM      a hot standby of another
#   own_bouncer NAME SERVER MODE [LINE]...    pgbouncer before it
#   own_stop NAME [MODE], own_start NAME, own_kill NAME
#   own_url NAME [DATABASE]    as postgres@127.0.0.1, trusted
#   ${own_port[NAME]} ${own_data[NAME]} ${own_log[NAME]}; sockets are in $own_folder
#
# Where the test runs as root, servers run as the user postgres, or nobody.

. "${top_srcdir:-.}/tests/live/lib.sh" || exit 99

pg_server=${DUNLIN_TEST_POSTGRESQL_URL-}
pg_made=()

needs_postgresql() {
	[ -n "$pg_server" ] || { echo '1..0 # SKIP DUNLIN_TEST_POSTGRESQL_URL is not set'; exit 0; }
	command -v psql >/dev/null || { echo '1..0 # SKIP psql is not installed'; exit 0; }
}

sql() {
	local url=$1 each args=()

	shift
	for each in "$@"; do args+=(-c "$each"); done
	psql -XAtq -v ON_ERROR_STOP=1 "${args[@]}" "$url" 2>&1
}

# url_with URL DATABASE: the same server, another database.
url_with() {
	local rest=${1#*://} query=''

	case $rest in *\?*) query=?${rest#*\?} rest=${rest%%\?*} ;; esac
	printf '%s://%s/%s%s\n' "${1%%://*}" "${rest%%/*}" "$2" "$query"
}

new_db() {
	local db="dunlin_test_${1}_$$_$RANDOM"

	sql "$pg_server" "CREATE DATABASE $db" || { echo "Bail out! cannot make a database in DUNLIN_TEST_POSTGRESQL_URL"; exit 99; }
	pg_made+=("$db")
	printf -v "$1" %s "$(url_with "$pg_server" "$db")"
}

# --- servers of our own ---------------------------------------------------------

declare -A own_port own_data own_log own_pid
own_folder='' own_user='' own_bin='' own_as=(env)

pg_clean() {
	local name db

	cd / || true
	for db in "${pg_made[@]}"; do
		sql "$pg_server" "DROP DATABASE IF EXISTS $db WITH (FORCE)" >/dev/null
	done
	for name in "${!own_pid[@]}"; do
		kill "${own_pid[$name]}" 2>/dev/null
	done
	for name in "${!own_data[@]}"; do
		own_stop "$name" immediate
	done
	rm -rf "$scratch" "${own_folder:-$scratch}"
}
trap pg_clean EXIT

own_find_bin() {
	local dir

	for dir in "$(command -v pg_ctl >/dev/null && dirname "$(command -v pg_ctl)")" \
		"$(pg_config --bindir 2>/dev/null)" /usr/lib/postgresql/*/bin /usr/pgsql-*/bin; do
		if [ -n "$dir" ] && [ -x "$dir/initdb" ] && [ -x "$dir/pg_ctl" ]; then
			own_bin=$dir
		fi
	done
	[ -n "$own_bin" ]
}

needs_own_postgresql() {
	own_find_bin || { echo '1..0 # SKIP the PostgreSQL server is not installed'; exit 0; }
	own_folder=$(mktemp -d "${TMPDIR:-/tmp}/dunlin-pg.XXXXXX") || exit 99
	if [ "$(id -u)" -eq 0 ]; then
		own_user=postgres
		id postgres >/dev/null 2>&1 || own_user=nobody
		chown "$own_user" "$own_folder"
		own_as=(setpriv --reuid="$own_user" --regid="$(id -g "$own_user")" --clear-groups env HOME="$own_folder")
	fi
	chmod 711 "$own_folder"
}

# As the user that servers run as.
own_do() {
	"${own_as[@]}" "$@"
}

own_new_port() {
	local port

	for _ in {1..50}; do
		port=$((20000 + RANDOM % 12000))
		if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
			own_port[$1]=$port
			return 0
		fi
	done
	return 1
}

own_bail() {
	echo "Bail out! $1"
	sed 's/^/# /' "${own_log[$2]}" | tail -20
	exit 99
}

own_settings() {
	printf '%s\n' "port = ${own_port[$1]}" "listen_addresses = '*'" "unix_socket_directories = '$own_folder'" \
		'fsync = off' 'max_connections = 60' 'shared_buffers = 16MB' "${@:2}"
}

own_start() {
	own_do "$own_bin/pg_ctl" -D "${own_data[$1]}" -l "${own_log[$1]}" -w -t 60 start >/dev/null 2>&1
}

own_stop() {
	own_do "$own_bin/pg_ctl" -D "${own_data[$1]}" -m "${2:-fast}" -w stop >/dev/null 2>&1
}

# As if its machine went down.
own_kill() {
	kill -9 "$(head -1 "${own_data[$1]}/postmaster.pid")"
}

own_server() {
	local name=$1

	own_new_port "$name" || own_bail 'no port is free' "$name"
	own_data[$name]=$own_folder/$name
	own_log[$name]=$own_folder/$name.log
	own_do touch "${own_log[$name]}"
	own_do "$own_bin/initdb" -N -A trust -U postgres -E UTF8 --locale=C -D "${own_data[$name]}" >"$scratch/.initdb" 2>&1 ||
		{ sed 's/^/# /' "$scratch/.initdb"; own_bail 'initdb fails' "$name"; }
	own_settings "$@" >>"${own_data[$name]}/postgresql.conf"
	printf 'host all all all trust\nhost replication all all trust\n' >>"${own_data[$name]}/pg_hba.conf"
	own_start "$name" || own_bail "the server '$name' does not start" "$name"
}

own_standby() {
	local name=$1 from=$2

	own_new_port "$name" || own_bail 'no port is free' "$name"
	own_data[$name]=$own_folder/$name
	own_log[$name]=$own_folder/$name.log
	own_do touch "${own_log[$name]}"
	own_do "$own_bin/pg_basebackup" -h "$own_folder" -p "${own_port[$from]}" -U postgres -D "${own_data[$name]}" -R -c fast \
		>"$scratch/.basebackup" 2>&1 || { sed 's/^/# /' "$scratch/.basebackup"; own_bail 'pg_basebackup fails' "$name"; }
	own_settings "$name" >>"${own_data[$name]}/postgresql.conf"
	own_start "$name" || own_bail "the standby '$name' does not start" "$name"
}

own_bouncer() {
	local name=$1 ini=$own_folder/$1.ini

	own_new_port "$name" || own_bail 'no port is free' "$name"
	own_log[$name]=$own_folder/$name.log
	own_do touch "${own_log[$name]}"
	printf '%s\n' '[databases]' "* = host=$own_folder port=${own_port[$2]} user=postgres" '[pgbouncer]' \
		"listen_port = ${own_port[$name]}" 'listen_addr = 127.0.0.1' 'unix_socket_dir =' 'auth_type = any' \
		"pool_mode = $3" 'server_lifetime = 3600' "logfile = ${own_log[$name]}" "${@:4}" >"$ini"
	chmod 644 "$ini"
	# Not by a function: $! is to be the process itself.
	"${own_as[@]}" pgbouncer -q "$ini" >/dev/null 2>&1 &
	own_pid[$name]=$!
	eventually 10 psql -XAtqc 'SELECT 1' "$(own_url "$name")" || own_bail "pgbouncer does not answer" "$name"
}

own_url() {
	printf 'postgresql://postgres@127.0.0.1:%s/%s\n' "${own_port[$1]}" "${2-postgres}"
}
