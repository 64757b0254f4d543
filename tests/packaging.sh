#!/bin/bash
# packaging.sh - the way of a package to its user: builds the Debian packages,
# installs them in a fresh Debian and removes them again.  `script/test
# --packaging` runs it: it takes minutes, the network and root.
#
#     tests/packaging.sh [FOLDER]       the packages are kept in FOLDER
#
# PostgreSQL runs outside of the chroot: the server that
# DUNLIN_TEST_POSTGRESQL_URL names, else one of our own.  Variables:
# DUNLIN_TEST_SUITE (bookworm) and DUNLIN_TEST_MIRROR, for debootstrap.
set -u
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
umask 022
unset DUNLIN_URL DUNLIN_DRIVER_PATH DUNLIN_EXEC_PATH
cd "$(dirname "$0")/.." || exit 99
top=$PWD
suite=${DUNLIN_TEST_SUITE:-bookworm}
mirror=${DUNLIN_TEST_MIRROR:-http://deb.debian.org/debian}
n=0 failed=0

skip_all() { echo "1..0 # SKIP $1"; exit 0; }
[ -d debian ] || skip_all 'there is no debian/ here'
[ "$(id -u)" -eq 0 ] || skip_all 'a chroot needs root'
for tool in dpkg-buildpackage dh debootstrap lintian; do
	[ -n "$(PATH=$PATH:/usr/sbin command -v $tool)" ] || skip_all "there is no $tool here"
done

work=$(mktemp -d /tmp/dunlin-packaging.XXXXXX) || exit 99
chmod 755 "$work"
root=$work/root
packages=${1:-$work}
clean_up() {
	[ ! -d "$work/servers" ] || "$top/script/servers" stop "$work/servers"
	# Nothing is removed as long as the kernel's own is mounted there.
	for dir in "$root/dev/pts" "$root/proc"; do
		! mountpoint -q "$dir" || umount "$dir" || exit 99
	done
	rm -rf --one-file-system "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

# ok STATUS DESCRIPTION: what it printed stands in $work/out.
ok() {
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n - packaging: $2"
	else
		tail -n 40 "$work/out" | sed 's/^/# /'
		echo "not ok $n - packaging: $2"
		failed=1
	fi
}
check() { # DESCRIPTION COMMAND...: the command succeeds
	local says=$1
	shift
	("$@") >"$work/out" 2>&1 </dev/null
	ok $? "$says"
}
must() { # the same, and nothing goes on without it
	check "$@"
	[ $failed -eq 0 ] || exit 1
}
in_root() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LC_ALL=C.UTF-8 \
	DEBIAN_FRONTEND=noninteractive "$@"; }
install() { in_root apt-get install -y -q --no-install-recommends "$@"; }
# install_ours PACKAGE...: from the files that were built.
install_ours() {
	local package paths=()
	for package in "$@"; do paths+=("$root/packages/$package"_*.deb); done
	install "${paths[@]#"$root"}"
}

# exits CODE PATTERN COMMAND...: in the chroot; the output has the pattern.
exits() {
	local want=$1 pattern=$2 code
	shift 2
	in_root "$@" >"$work/shown" 2>&1
	code=$?
	cat "$work/shown"
	[ $code -eq "$want" ] || { echo "exit status $code, not $want"; return 1; }
	grep -qE -- "$pattern" "$work/shown" || { echo "no '$pattern'"; return 1; }
}

# --- the packages --------------------------------------------------------------------

# A copy of what is kept in git, or of all but builds where there is no git.
copy_tree() {
	mkdir -p "$work/build/dunlin" "$packages" || return
	if git -C "$top" ls-files >/dev/null 2>&1; then
		git ls-files -z -co --exclude-standard | tar -c --null --ignore-failed-read -T -
	else
		tar -c --exclude=./build --exclude='./build-*' .
	fi | tar -x -C "$work/build/dunlin"
}
build() {
	cd "$work/build/dunlin" &&
		DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)" dpkg-buildpackage -b -us -uc &&
		mv ../*.deb ../*.buildinfo ../*.changes "$packages"
}
must 'the tree is copied' copy_tree
must 'dpkg-buildpackage builds' build
changes=$(ls "$packages"/dunlin_*.changes)
check 'lintian finds no error and no warning' lintian --allow-root --fail-on error,warning "$changes"

deb_of() { ls "$packages/$1"_*.deb; }
provides() { dpkg-deb -f "$(deb_of "$1")" Provides | grep -x dunlin-driver-abi-1; }
for driver in postgresql sqlite mariadb; do
	check "dunlin-driver-$driver provides dunlin-driver-abi-1" provides "dunlin-driver-$driver"
done

# Every program and library of ours, unpacked.
hardened() {
	local package file bad=0
	for package in dunlin libdunlin0 dunlin-driver-postgresql dunlin-driver-sqlite dunlin-driver-mariadb; do
		dpkg-deb -x "$(deb_of $package)" "$work/unpacked" || return
	done
	for file in "$work"/unpacked/usr/bin/dunlin "$work"/unpacked/usr/libexec/dunlin/* \
		"$work"/unpacked/usr/lib/*/libdunlin.so.0 "$work"/unpacked/usr/lib/*/dunlin/drivers-1/*.so; do
		readelf -Wh "$file" | grep -q 'Type: *DYN' || { echo "$file: not position independent"; bad=1; }
		readelf -Wl "$file" | grep -q GNU_RELRO || { echo "$file: no RELRO"; bad=1; }
		readelf -Wd "$file" | grep -qE 'BIND_NOW|FLAGS_1.*NOW' || { echo "$file: not bound at start"; bad=1; }
		readelf -W --dyn-syms "$file" | grep -q '__stack_chk_fail' || { echo "$file: no stack protector"; bad=1; }
		readelf -W --dyn-syms "$file" | grep -qE '__[a-z]+_chk(@|$)' || { echo "$file: not fortified"; bad=1; }
	done
	return $bad
}
check 'all that runs is hardened: RELRO, bound at start, position independent, stack protector, fortified' hardened
soname() { readelf -Wd "$work"/unpacked/usr/lib/*/libdunlin.so.0 | grep 'SONAME.*\[libdunlin\.so\.0\]'; }
check 'the library is libdunlin.so.0' soname

# --- a fresh Debian --------------------------------------------------------------------

make_root() {
	PATH=$PATH:/usr/sbin debootstrap --variant=minbase "$suite" "$root" "$mirror" &&
		mount -t proc proc "$root/proc" &&
		# zsh completes in a pseudo terminal.
		mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts" &&
		mkdir "$root/packages" && cp "$packages"/*.deb "$root/packages" &&
		# What manual, completions and library are looked at with.
		install man-db bash-completion zsh fish gcc libc6-dev pkg-config
}
must "debootstrap makes a $suite" make_root

# Names of all files but those that apt, dpkg, ldconfig and man-db keep for themselves.
files() {
	in_root find / -xdev \( -path /proc -o -path /packages -o -path /tmp -o -path /root -o -path /var/lib/dpkg \
		-o -path /var/lib/apt -o -path /var/cache -o -path /var/log -o -path /etc/ld.so.cache \) -prune -o -print | sort
}
files >"$work/before"

must 'dunlin and the SQLite driver are installed' \
	install_ours libdunlin0 dunlin dunlin-driver-sqlite

# --- what is there -----------------------------------------------------------------------

for page in 'dunlin.1:applies the migrations' 'dunlin-migrations.5:dunlin:up' 'dunlin.ini.5:DUNLIN_URL|migrations'; do
	name=${page%%:*}
	check "man shows ${name%.*}(${name##*.})" exits 0 "${page#*:}" man -P cat "${name##*.}" "${name%.*}"
done
check 'driver-check finds its program' \
	exits 0 '^ok ' dunlin driver-check sqlite sqlite:/tmp/check.db

mkdir -p "$root/tmp/app/migrations"
cat >"$root/tmp/app/migrations/1.0.0-001-users.sql" <<'SQL'
-- dunlin:up
CREATE TABLE users (id integer PRIMARY KEY, name varchar(50));
-- dunlin:down
DROP TABLE users;
SQL
cat >"$root/tmp/app/migrations/1.0.1-001-email.sql" <<'SQL'
-- dunlin:up
ALTER TABLE users ADD COLUMN email varchar(100);
-- dunlin:down
ALTER TABLE users DROP COLUMN email;
SQL
app() { # CODE PATTERN ARGS...: dunlin there
	local code=$1 pattern=$2
	shift 2
	exits "$code" "$pattern" env -C /tmp/app dunlin "$@"
}
check '`dunlin up` works on SQLite' app 0 'Applied 2 migrations' -u sqlite:app.db up
check '`dunlin status` shows both as applied' app 0 'Total: 2 . Applied: 2 . Pending: 0' -u sqlite:app.db status

# Completion: what a shell offers for a line, asked of the shell itself, which
# finds the script where the package put it.
bash_offers() {
	exits 0 "$1" env -C /tmp/app DUNLIN_URL=sqlite:app.db bash --norc -c '
		. /usr/share/bash-completion/bash_completion
		_completion_loader dunlin
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
		_dunlin && printf "%s\n" "${COMPREPLY[@]}"' - "${@:2}"
}
fish_offers() {
	exits 0 "$1" env -C /tmp/app DUNLIN_URL=sqlite:app.db fish -c 'complete -C "$argv[1]"' "$2"
}
# zsh completes only where somebody types: in a pseudo terminal.
zsh_offers() {
	cat >"$root/tmp/app/offers.zsh" <<'ZSH'
setopt extendedglob
zmodload zsh/zpty
all=
zpty shell zsh -f -i
zpty -w shell 'PS1=; unsetopt zle_bracketed_paste; autoload -U compinit; compinit -u -D; zstyle ":completion:*" list-colors ""; LISTMAX=0; bindkey "^I" complete-word; echo RE""ADY'
zpty -r shell seen '*READY*'
zpty -w -n shell "$1"$'\t\t'
# Without what moves the cursor and rings.
for ((i = 0; i < 200; i++)); do
	zpty -r -t shell seen && all+=$seen || sleep 0.1
	plain=${${all//$'\e'\[[0-9;?]#[a-zA-Z]/}//[[:cntrl:]]/}
	[[ $plain == *$2* ]] && break
done
zpty -d shell
print -r -- $plain
ZSH
	exits 0 "$1" env -C /tmp/app DUNLIN_URL=sqlite:app.db zsh -f offers.zsh "$2" "$3"
}
check 'bash completes commands' bash_offers '^rollback$' dunlin roll
check 'bash completes versions' bash_offers '^1\.0\.1-001$' dunlin rollback --to 1.0.1
check 'bash completes file names' bash_offers '^migrations$' dunlin parse mig
check 'fish completes commands' fish_offers '^rollback' 'dunlin roll'
check 'fish completes versions' fish_offers '^1\.0\.1-001' 'dunlin rollback --to 1.0.1'
check 'fish completes file names' fish_offers '^migrations' 'dunlin parse mig'
check 'zsh completes commands' zsh_offers 'rollback' 'dunlin rollb' 'rollback'
check 'zsh completes versions' zsh_offers '1\.0\.1-001' 'dunlin rollback --to 1.0.1' '1.0.1-001'
check 'zsh completes file names' zsh_offers 'migrations' 'dunlin parse mig' 'migrations'

# --- a driver more -----------------------------------------------------------------------

url=${DUNLIN_TEST_POSTGRESQL_URL-}
if [ -z "$url" ] && script/servers start "$work/servers" postgresql >"$work/exports" 2>"$work/out"; then
	url=$(. "$work/exports" && printf '%s' "$DUNLIN_TEST_POSTGRESQL_URL")
fi
have_server=${url:+yes}
# With no server the way ends at the client library's refusal.
url=${url:-postgresql://dunlin@127.0.0.1:1/postgres}
# A database of its own in that server.
name=dunlin_packaging_$$
query=
case $url in *\?*) query=?${url#*\?} ;; esac
own=${url%%\?*}
own=${own%/*}/$name$query

check 'without its driver, a postgresql: URL is exit 9 and says what to install' \
	app 9 'Install the package dunlin-driver-postgresql' -u "$own" up
check 'that package is installed' install_ours dunlin-driver-postgresql
if [ -n "$have_server" ]; then
	check '`dunlin create` makes a database in PostgreSQL' app 0 '' -u "$own" create
	check '`dunlin up` works on PostgreSQL' app 0 'Applied 2 migrations' -u "$own" up
	check '`dunlin rollback` does too' app 0 'Reverted 2 migrations' -u "$own" rollback --yes
	check '`dunlin drop` drops it' app 0 '' -u "$own" drop --yes
else
	check '`dunlin up` gets as far as the connection' app 3 'CONNECTION' -u "$own" up
fi
check 'without its driver, a mariadb: URL is exit 9 and says what to install' \
	app 9 'Install the package dunlin-driver-mariadb' -u mariadb://x@127.0.0.1:1/x up
check 'that package is installed' install_ours dunlin-driver-mariadb
check '`dunlin up` on MariaDB gets as far as the connection' app 3 'CONNECTION' -u mariadb://x@127.0.0.1:1/x up

# --- for developers ------------------------------------------------------------------------

check 'libdunlin-dev is installed' install_ours libdunlin-dev
cat >"$root/tmp/app/embed.c" <<'C'
#include <dunlin/dunlin.h>
#include <dunlin/driver.h>
#include <stdio.h>
int main(void)
{
	struct dunlin *d = 0;
	struct dunlin_error err;
	int rc = dunlin_new(&d, &err);

	dunlin_free(d);
	printf("rc %d\n", rc);
	return rc;
}
C
check 'a program is built with pkg-config dunlin, and runs' exits 0 '^rc 0$' sh -c \
	'cd /tmp/app && gcc -Wall -Werror embed.c -o embed $(pkg-config --cflags --libs dunlin) && ./embed'
check 'pkg-config dunlin-driver tells plugin folder and ABI' exits 0 '^/usr/lib/.*/dunlin/drivers-1 1 [0-9]+$' sh -c '
	tell() { pkg-config --variable=$1 dunlin-driver; }
	dir=$(tell driverdir) && test -f $dir/dunlin-sqlite.so && echo $dir $(tell driver_abi) $(tell driver_abi_minor)'

# --- and away -------------------------------------------------------------------------------

remove() {
	in_root apt-get remove -y -q --auto-remove dunlin libdunlin0 libdunlin-dev dunlin-driver-postgresql \
		dunlin-driver-sqlite dunlin-driver-mariadb
}
check 'apt-get remove removes them' remove
nothing_of_ours() {
	in_root dpkg-query -W -f='${db:Status-Abbrev} ${Package}\n' | grep dunlin && return 1
	in_root find / -xdev \( -path /proc -o -path /packages -o -path /tmp -o -path /var/log \
		-o -path /var/cache/man \) -prune \
		-o -name '*dunlin*' -print | grep . && return 1
	return 0
}
check 'nothing that is called dunlin is left' nothing_of_ours
as_before() {
	# What dependencies kept as configuration.
	in_root sh -c 'dpkg-query -W -f="\${db:Status-Abbrev} \${Package}\n" | sed -n "s/^rc  *//p" | xargs -r dpkg --purge' || return
	files | diff -u "$work/before" -
}
check 'the system has the files that it had before' as_before

echo "1..$n"
exit $failed
