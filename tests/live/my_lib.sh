# tests/live/my_lib.sh - what the tests against a MariaDB server share.
# shellcheck shell=bash disable=SC2034,SC2154
#
# On top of tests/live/lib.sh:
#
#   $server          DUNLIN_TEST_MARIADB_URL: a superuser's, its database is not used
#   database NAME    makes an empty one, dropped at the end; $db its name, $url its URL
#   url_of DB [USER PASSWORD]     a URL for it
#   sql DB STATEMENTS|<file       the mariadb client, columns separated by |
#   rows DB QUERY                 the same, without an error where it fails
#   table_names DB                but for dunlin's, one a line
#   dump DB                       all objects and rows that are not dunlin's
#
# Without DUNLIN_TEST_MARIADB_URL they say SKIP.

server=${DUNLIN_TEST_MARIADB_URL-}
. "${top_srcdir:-.}/tests/live/lib.sh" || exit 99

if [ -z "$server" ]; then
	echo '1..0 # SKIP no MariaDB server: set DUNLIN_TEST_MARIADB_URL to a superuser URL'
	exit 0
fi
client=$(command -v mariadb || command -v mysql) || { echo '1..0 # SKIP the mariadb client is not installed'; exit 0; }

decode() {
	printf '%b' "${1//%/\\x}"
}

# mariadb://USER[:PASSWORD]@HOST[:PORT]/[DATABASE][?socket=PATH]
rest=${server#*://}
my_query=
case $rest in *\?*) my_query=${rest#*\?} rest=${rest%%\?*} ;; esac
authority=${rest%%/*}
my_user=root my_password=
case $authority in *@*) my_user=${authority%@*} authority=${authority##*@} ;; esac
case $my_user in *:*) my_password=$(decode "${my_user#*:}") my_user=${my_user%%:*} ;; esac
my_user=$(decode "$my_user")
my_authority=$authority
my_host=${authority%:*} my_port=
case $authority in *:*) my_port=${authority##*:} ;; esac
my_socket=
case $my_query in *socket=*) my_socket=${my_query#*socket=} my_socket=$(decode "${my_socket%%&*}") ;; esac
{
	printf '[client]\nuser="%s"\npassword="%s"\n' "$my_user" "$my_password"
	if [ -n "$my_socket" ]; then
		printf 'socket="%s"\n' "$my_socket"
	else
		printf 'host="%s"\nprotocol=tcp\n' "$my_host"
		[ -z "$my_port" ] || printf 'port=%s\n' "$my_port"
	fi
	printf 'default-character-set=utf8mb4\n'
} >"$scratch/.client.cnf"
chmod 600 "$scratch/.client.cnf"

sql() { # DB [STATEMENTS]
	local db=$1

	shift
	if [ $# -gt 0 ]; then
		"$client" --defaults-file="$scratch/.client.cnf" -N -B -r -D "$db" -e "$1" | tr '\t' '|'
	else
		"$client" --defaults-file="$scratch/.client.cnf" -D "$db"
	fi
}
rows() { sql "$@" 2>/dev/null; }
admin() { "$client" --defaults-file="$scratch/.client.cnf" -N -B -r -e "$1" | tr '\t' '|'; }

if ! admin 'SELECT 1' >/dev/null 2>"$scratch/.err"; then
	echo "Bail out! the server of DUNLIN_TEST_MARIADB_URL does not answer: $(cat "$scratch/.err")"
	exit 99
fi

my_databases=() my_users=()
my_clean() {
	local name

	for name in ${my_databases[@]+"${my_databases[@]}"}; do admin "SET foreign_key_checks = 0; DROP DATABASE IF EXISTS \`$name\`" >/dev/null 2>&1; done
	for name in ${my_users[@]+"${my_users[@]}"}; do admin "DROP USER IF EXISTS $name" >/dev/null 2>&1; done
	cd / && rm -rf "$scratch"
}
trap my_clean EXIT

url_of() { # DB [USER PASSWORD]
	local user=${2-} who

	if [ -n "$user" ]; then
		who="$user:$3"
	else
		who=$my_user
		[ -z "$my_password" ] || who="$who:$(printf '%s' "$my_password" | jq -sRr @uri)"
	fi
	printf 'mariadb://%s@%s/%s%s' "$who" "$my_authority" "$1" "${my_query:+?$my_query}"
}

database() { # NAME [CHARSET]
	db=dunlin_test_$$_$1
	my_databases+=("$db")
	admin "SET foreign_key_checks = 0; CREATE OR REPLACE DATABASE \`$db\` CHARACTER SET ${2-utf8mb4}"
	url=$(url_of "$db")
}

account() { # NAME PASSWORD GRANT...: a user for this test; $user
	local grant password=${2//\\/\\\\}

	user=dunlin_$$_$1
	my_users+=("'$user'@'%'")
	admin "CREATE OR REPLACE USER '$user'@'%' IDENTIFIED BY '${password//\'/\'\'}'"
	shift 2
	for grant; do admin "GRANT $grant TO '$user'@'%'"; done
}

table_names() {
	sql "$1" "SELECT table_name FROM information_schema.tables WHERE table_schema = database() AND
		table_name NOT LIKE 'dunlin%' ORDER BY 1"
}

# What mariadb-dump says of it, without what differs by the hour.
dump() {
	mariadb-dump --defaults-file="$scratch/.client.cnf" --skip-comments --skip-dump-date --routines --triggers --events \
		--skip-extended-insert --order-by-primary --skip-lock-tables --single-transaction \
		--ignore-table="$1.dunlin_migrations" --ignore-table="$1.dunlin_migrations_events" "$1" |
		grep -v '^/\*M!999999' | sed -E 's/ AUTO_INCREMENT=[0-9]+//; s/DEFINER=`[^`]*`@`[^`]*`//g'
}

applied_in() {
	rows "$1" "SELECT count(*) FROM dunlin_migrations WHERE state = 'applied'"
}
