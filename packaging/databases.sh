#!/bin/sh
# User databases: which a server has, and which a configuration asks for.
#
# usage: databases.sh linked PROGRAM              the databases whose client PROGRAM links
#        databases.sh options DATABASE...         these, each with its options in turnserver.conf
#        databases.sh package DATABASE            the package that a build with it needs
#        databases.sh lacking CONFIGURATION DATABASE...
#                                                 a line for each option of CONFIGURATION whose
#                                                 database is not among these; status 1 if there is one
#        databases.sh replace NEW OLD CONFIGURATION
#                                                 whether the program NEW can take the place of OLD
set -eu

# Database, library of its client (an expression), Debian's package, options.
table='SQLite libsqlite3 libsqlite3-dev userdb db
PostgreSQL libpq libpq-dev psql-userdb sql-userdb
MySQL lib(mariadb|mysqlclient) libmariadb-dev mysql-userdb
MongoDB libmongoc-1 libmongoc-dev mongo-userdb
Redis libhiredis libhiredis-dev redis-userdb redis-statsdb'

linked() { # program
	needed=$(objdump -p "$1" 2>/dev/null | sed -n 's/^ *NEEDED *//p')
	# Without binutils, ask the package that has the program.
	[ -n "$needed" ] || needed=$(dpkg-query -W -f '${Depends}' "$(dpkg -S "$1" 2>/dev/null | cut -d: -f1)" 2>/dev/null |
		tr ',' '\n' | tr -d ' ') || true
	printf '%s\n' "$table" | while read -r name library _; do
		! printf '%s\n' "$needed" | grep -qE "^${library}[-.0-9]" || echo "$name"
	done
}

options() { # databases...
	for name; do
		printf '%s\n' "$table" | sed -n -E "s/^$name [^ ]+ [^ ]+ //p" | sed "s/^/$name (/; s/ /, /2g; s/\$/)/"
	done | paste -s -d , - | sed 's/),/), /g'
}

# As coturn reads a line: blanks, the name, then blanks or an equals sign.
has_option() { # configuration, option
	grep -qE "^[[:space:]]*-*$2([[:space:]=]|\$)" "$1"
}

lacking() { # configuration, databases...
	conf=$1
	shift
	has=" $* "
	printf '%s\n' "$table" | {
		status=0
		while read -r name _ package all; do
			case $has in *" $name "*) continue ;; esac
			for option in $all; do
				if has_option "$conf" "$option"; then
					echo "$conf has $option, and the server has no $name; with $package installed, ./configure and make put it in"
					status=1
				fi
			done
		done
		return "$status"
	}
}

replace() { # new, old, configuration
	[ -e "$2" ] && [ -f "$3" ] || return 0
	# shellcheck disable=SC2046 # one word for each database
	if ! lacking "$3" $(linked "$1"); then
		echo "$2 stays as it is. To replace it all the same: make install WITHOUT_DATABASES=yes"
		return 1
	fi
}

what=$1
shift
case $what in
linked) linked "$1" ;;
options) options "$@" ;;
package) printf '%s\n' "$table" | sed -n -E "s/^$1 [^ ]+ ([^ ]+) .*/\1/p" ;;
replace) replace "$@" ;;
lacking) [ ! -f "$1" ] || lacking "$@" ;;
esac
