#!/bin/sh
# make install, make uninstall: what is installed works, a user database with
# users is never touched, and nothing else stays behind.
set -eu
cd "$(dirname "$0")/../.."
top=$(pwd)
upstream=$(cd -P build/bin/.. && pwd)
# shellcheck source=tests/upstream/tap.sh
. tests/upstream/tap.sh

into() { make "$@" DESTDIR="$scratch/root"; }

# What upstream's Makefile calls it.
directory() { # variable
	sed -n "s/^$1 = //p" "$upstream/Makefile" | head -n 1
}

holds "make install" into install
database=$scratch/root$(directory TURNDBDIR)/turndb
examples=$scratch/root$(directory EXAMPLESDIR)
programs=$scratch/root$(directory BINDIR)
for program in turnserver turnadmin turnutils_uclient turnutils_peer turnutils_stunclient turnutils_oauth \
	turnutils_natdiscovery turnutils_xdp; do
	holds "$program is there" [ -x "$programs/$program" ]
done
holds "turnserver knows the offload" sh -c "'$programs/turnserver' -h | grep -q xdp-offload"
holds "its manual" [ -f "$scratch/root$(directory MANPREFIX)/man/man1/turnserver-xdp.1" ]
holds "that of the tool" [ -f "$scratch/root$(directory MANPREFIX)/man/man1/turnutils_xdp.1" ]
holds "the tool's completion" bash -n "$scratch/root$(directory PREFIX)/share/bash-completion/completions/turnutils_xdp"
holds "examples of its configuration" [ -f "$examples/etc/turnserver-xdp.conf" ]
default=$scratch/root$(directory CONFDIR)/turnserver.conf.default
lines=$(wc -l <"$upstream/examples/etc/turnserver.conf")
starts_as_coturns() { head -n "$lines" "$default" | cmp - "$upstream/examples/etc/turnserver.conf"; }
has_each_option_once() {
	for option in xdp-offload xdp-interface=eth0 xdp-mode=auto xdp-max-channels=16384 xdp-required; do
		[ "$(grep -c "^#$option\$" "$default")" -eq 1 ] || return 1
	done
}
turns_nothing_on() { ! tail -n "+$((lines + 1))" "$default" | grep '^[^#]'; }
holds "the default configuration begins with coturn's" starts_as_coturns
holds "the offload's options follow, each of them once" has_each_option_once
holds "and all of them are comments" turns_nothing_on
holds "a drop-in for systemd" [ -f "$examples/systemd/xdp-offload.conf" ]
holds "an empty user database" cmp "$upstream/sqlite/turndb" "$database"
# The group root is that of a server with proc-user and without proc-group.
mode=640
[ "$(id -u)" -eq 0 ] || mode=600
holds "which is not for everyone to read" [ "$(stat -c %a "$database")" = "$mode" ]
holds "and it is in its place alone" [ ! -e "$scratch/root$(directory SCHEMADIR)/turndb" ]

# --- who can read the user database ---
# In place of the machine's users and groups, those of a host with Debian's package,
# and of one without it.
places=$scratch/places
mkdir "$places"
chmod 711 "$scratch"
grep -v ^turnserver: /etc/passwd >"$scratch/passwd-without"
grep -v ^turnserver: /etc/group >"$scratch/group-without"
{ cat "$scratch/passwd-without"; echo "turnserver:x:64123:64123::/:/bin/false"; } >"$scratch/passwd-with"
{ cat "$scratch/group-without"; echo "turnserver:x:64123:"; } >"$scratch/group-with"
install_database() { # with or without, place, DESTDIR
	# shellcheck disable=SC2016 # the inner shell expands it
	DESTDIR=${3:-} unshare --mount sh -ec '
			mount --bind "$1/passwd-$2" /etc/passwd
			mount --bind "$1/group-$2" /etc/group
			packaging/install-database.sh "$3" "$4/turndb"' \
		sh "$scratch" "$1" "$upstream/sqlite/turndb" "$places/$2"
}
reads() { setpriv --reuid="$1" --regid="$2" --clear-groups cat "$places/$3/turndb"; } # user, group, place
reads_not() { ! reads "$@"; }
if [ "$(id -u)" -eq 0 ] && [ -f "$upstream/sqlite/turndb" ]; then
	holds "installed where Debian's user is" install_database with debian
	holds "its server reads it" reads 64123 64123 debian
	holds "one with proc-user=turnserver alone, too" reads 64123 0 debian
	holds "one of the group turnserver, too" reads 65534 64123 debian
	holds "a user of neither name does not" reads_not 65534 65534 debian
	holds "installed where no such user is" install_database without other
	holds "a server with proc-user alone reads it" reads 65534 0 other
	holds "one of neither user nor group root does not" reads_not 65534 65534 other
	holds "installed below DESTDIR, for any host" install_database with staged "$scratch/dest"
	holds "it stays root's" [ "$(stat -c %u:%g "$scratch/dest$places/staged/turndb")" = 0:0 ]
	ln -s "$scratch/elsewhere" "$places/turndb"
	holds "installed where a link is" install_database with .
	holds "nothing is made where it leads" [ ! -e "$scratch/elsewhere" ]
else
	skips "who can read the user database" "needs root and sqlite3"
fi

# --- a unit of systemd ---
if command -v systemd-analyze >/dev/null; then
	mkdir -p "$scratch/units/turn.service.d"
	# As that of Debian's package, which does not run as root.
	printf '[Unit]\nDescription=TURN server\n[Service]\nType=notify\nUser=daemon\nExecStart=%s -c %s\n' \
		"$programs/turnserver" "$examples/etc/turnserver-xdp.conf" >"$scratch/units/turn.service"
	cp "$examples/systemd/xdp-offload.conf" "$scratch/units/turn.service.d/"
	analyze() {
		systemd-analyze "$@" "$scratch/units/turn.service" >"$scratch/said" 2>&1
		cat "$scratch/said"
	}
	says_nothing() {
		analyze verify && ! grep xdp-offload "$scratch/said"
	}
	holds "systemd has no complaint about the drop-in" says_nothing
	sed -i 's/^LimitMEMLOCK=/LimitMEMLOK=/' "$scratch"/units/*/xdp-offload.conf
	complains() { ! says_nothing; }
	holds "and would have one" complains
	sed "s|/usr/local/bin/turnserver|$programs/turnserver|" "$examples/systemd/turnserver.service" \
		>"$scratch/units/turnserver.service"
	sed "s|/usr/local/bin/turnutils_xdp|$programs/turnutils_xdp|" "$examples/systemd/turnutils-xdp-metrics.service" \
		>"$scratch/units/turnutils-xdp-metrics.service"
	verifies() { systemd-analyze verify --man=no "$scratch/units/$1" 2>&1 | tee "$scratch/said" && ! grep "$1" "$scratch/said"; } # unit
	holds "nor about the unit" verifies turnserver.service
	holds "nor about that of the metrics" verifies turnutils-xdp-metrics.service
	# 10 is a unit that may do everything. With CAP_SYS_ADMIN, CAP_SYS_PTRACE and the host's network it cannot be 0.
	holds "which has little that it could do without" systemd-analyze security --offline=yes --threshold=30 \
		--no-pager "$scratch/units/turnutils-xdp-metrics.service"
else
	skips "the drop-in" "systemd-analyze is not installed"
fi
if grep -q -e '-DTURN_NO_SYSTEMD' "$upstream/Makefile"; then
	skips "a unit of Type=notify is told" "built without libsystemd"
else
	holds "a unit of Type=notify is told" sh -c "ldd '$programs/turnserver' | grep -q libsystemd"
fi

# --- again, and away ---
holds "a user is added" "$top/turndb/setup-sqlite.sh" "$database" example.org alice secret
cp -p "$database" "$scratch/users"
cp "$default" "$scratch/default"
chmod 664 "$database"
holds "make install again" into install
holds "leaves the users" cmp "$scratch/users" "$database"
holds "the default configuration does not grow" cmp "$scratch/default" "$default"
holds "and who can read them" [ "$(stat -c %a "$database")" = 664 ]
holds "make uninstall" into uninstall
holds "leaves the users" cmp "$scratch/users" "$database"
holds "and nothing else" sh -c "find '$scratch/root' ! -type d ! -name turndb | grep . && exit 1 || exit 0"

rm "$database"
holds "make install, without users" into install
holds "make uninstall, without users" into uninstall
holds "leaves nothing" sh -c "find '$scratch/root' ! -type d | grep . && exit 1 || exit 0"
plan
