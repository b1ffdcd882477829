#!/bin/sh
# Installs an empty SQLite user database, unless there is a database already.
#
# usage: install-database.sh EMPTY-DATABASE DATABASE
#
# DESTDIR in the environment goes before DATABASE.
#
# The keys that will be in it are as good as the passwords, so it is not for everyone to
# read. root's is for its group too, because a server with proc-user and without
# proc-group keeps the group root. As in Debian's package it belongs to the user and the
# group turnserver, where they exist; not below DESTDIR, which may be for another host.
set -eu

empty=$1
database=${DESTDIR:-}$2

if [ -e "$database" ] || [ -L "$database" ]; then
	echo "kept as it is: $database"
	exit
fi
install -d "${database%/*}"
root=no
[ "$(id -u)" -ne 0 ] || root=yes
mask=077
[ "$root" = no ] || mask=027
# Mode and owner are set without following a link: the directory may be another user's.
(
	umask "$mask"
	set -C
	cat "$empty" >"$database"
)
if [ "$root" = yes ] && [ -z "${DESTDIR:-}" ]; then
	! getent passwd turnserver >/dev/null || chown -h turnserver "$database"
	! getent group turnserver >/dev/null || chgrp -h turnserver "$database"
fi
echo "new user database: $database ($(stat -c '%A, %U, group %G' "$database"))"
echo "A turnserver that runs as another user must be able to read it: chown USER $database"
