#!/bin/sh
# A build that takes the place of another server lacks none of its user databases, or
# says so before it does.
set -eu
cd "$(dirname "$0")/../.."
top=$(pwd)
upstream=$(cd -P build/bin/.. && pwd)
# shellcheck source=tests/upstream/tap.sh
. tests/upstream/tap.sh

# A program that links libraries of these names, in place of another build of turnserver.
stand_in() { # program, libraries...
	program=$1
	shift
	for library; do
		echo | cc -shared -x c - -o "$scratch/$library" -Wl,-soname,"$library"
	done
	echo 'int main(void) { return 0; }' |
		(cd "$scratch" && cc -x c - -x none -o "$program" -Wl,--no-as-needed "$@")
}
linked() { packaging/databases.sh linked "$1" | paste -s -d ' ' -; }

mkdir "$scratch/bin"
stand_in "$scratch/bin/turnserver" libpq.so.5 libmariadb.so.3 libmongoc-1.0.so.0 libpqueue.so.1
holds "its databases are seen" [ "$(linked "$scratch/bin/turnserver")" = "PostgreSQL MySQL MongoDB" ]
stand_in "$scratch/none" libpqueue.so.1
holds "and none where there is none" [ "$(linked "$scratch/none")" = "" ]

# --- ./configure --packages ---
# As if these development files were missing, and all others there.
cat >"$scratch/bin/pkgconf" <<'END'
#!/bin/sh
case " $* " in
*" libpq "*) exit 1 ;;
*" libmongoc-1.0 "*) exit 1 ;;
esac
exit 0
END
chmod +x "$scratch/bin/pkgconf"
mkdir "$scratch/tree"
cp -R configure packaging Makefile.in upstream.ini VERSION "$scratch/tree/"
offered() { # words of PATH before the system's
	packages=$(PATH=$1/usr/bin:/bin && export PATH && cd "$scratch/tree" && PKGCONFIG="$scratch/bin/pkgconf" ./configure --packages)
	printf ' %s ' "$packages"
}
offers() { case $(offered "$scratch/bin:") in *" $1 "*) ;; *) return 1 ;; esac }
offers_not() { ! offers "$1"; }
holds "--packages offers what the installed server links" offers libpq-dev
holds "all of it" offers libmongoc-dev
holds "but not what is there" offers_not libmariadb-dev
rm "$scratch/bin/turnserver"
if ! PATH=/usr/bin:/bin:/usr/sbin:/sbin command -v turnserver >/dev/null; then
	holds "and nothing of it without a server" offers_not libpq-dev
else
	skips "nothing of it without a server" "a turnserver is installed"
fi

# --- options of the configuration ---
lacking() { packaging/databases.sh lacking "$scratch/conf" "$@"; }
lacks_not() { lacking "$@" && [ -z "$(lacking "$@")" ]; }
lacks() { # option, databases...
	option=$1
	shift
	! lacking "$@" && lacking "$@" | grep -q " $option,"
}
printf '#mongo-userdb="x"\n\tpsql-userdb  "host=x"\nredis-statsdb=x\nmysql-userdbx\n' >"$scratch/conf"
holds "an option is found as coturn reads it" lacks psql-userdb SQLite Redis
holds "each of them is named" lacks redis-statsdb SQLite PostgreSQL
holds "comments and other names are none" lacks_not PostgreSQL Redis

# --- make install ---
variable() { sed -n "s/^$1 = //p" "$upstream/Makefile" | head -n 1; }
root=$scratch/root
old=$root$(variable BINDIR)/turnserver
conf=$root$(variable CONFDIR)/turnserver.conf
into() { make -C "$top" install DESTDIR="$root" "$@"; }
refused() { # make's words; all of the message is seen
	! into "$@" && grep -q "mongo-userdb" "$scratch/output" && grep -q "WITHOUT_DATABASES=yes" "$scratch/output"
}
is_old() { [ "$(cat "$old")" = old ]; }
if linked build/bin/turnserver | grep -q MongoDB; then
	skips "make install over a server with MongoDB" "this build has MongoDB"
else
	mkdir -p "${old%/*}" "${conf%/*}"
	echo old >"$old"
	echo 'mongo-userdb="mongodb://localhost"' >"$conf"
	holds "a server that would lose its users is not replaced" refused
	holds "and it is as it was" is_old
	holds "a word replaces it all the same" into WITHOUT_DATABASES=yes
	holds "which it does" sh -c "'$old' -h | grep -q xdp-offload"
	rm "$old"
	holds "where no server is, none is lost" into
	echo old >"$old"
	echo 'userdb=/x' >"$conf"
	holds "a server whose database the build has is replaced" into
fi
plan
