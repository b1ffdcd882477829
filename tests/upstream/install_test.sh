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
holds "a drop-in for systemd" [ -f "$examples/systemd/xdp-offload.conf" ]
holds "an empty user database" cmp "$upstream/sqlite/turndb" "$database"
holds "and it is in its place alone" [ ! -e "$scratch/root$(directory SCHEMADIR)/turndb" ]

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
holds "make install again" into install
holds "leaves the users" cmp "$scratch/users" "$database"
holds "make uninstall" into uninstall
holds "leaves the users" cmp "$scratch/users" "$database"
holds "and nothing else" sh -c "find '$scratch/root' ! -type d ! -name turndb | grep . && exit 1 || exit 0"

rm "$database"
holds "make install, without users" into install
holds "make uninstall, without users" into uninstall
holds "leaves nothing" sh -c "find '$scratch/root' ! -type d | grep . && exit 1 || exit 0"
plan
