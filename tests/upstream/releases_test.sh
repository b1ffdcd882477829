#!/bin/sh
# Which release of coturn configure takes, and from where: a tarball at hand, a mirror of
# upstream's repository, the distribution. The mirrors are made here, of the release that
# this tree is built on; a copy of it that says to be 99.0.0 is the newest pinned release.
set -eu
cd "$(dirname "$0")/../.."
top=$(pwd)
# shellcheck source=tests/upstream/tap.sh
. tests/upstream/tap.sh
# shellcheck source=packaging/pins.sh
. packaging/pins.sh

older=$(sed -n 's/^version = //p' Makefile)
newest=99.0.0
unpinned=98.0.0
[ -n "$(ini "$older" tree)" ] || skip_all "releases" "upstream.ini does not pin coturn $older"
command -v git >/dev/null || skip_all "releases" "git is not installed"

# --- releases, mirrors, a distribution ---
cp -Rp "$top/build/upstream/coturn-$older" "$scratch/$older"
(cd "$scratch/$older" && rm -rf bin build lib include sqlite Makefile)
renamed() { # version
	cp -Rp "$scratch/$older" "$scratch/$1"
	sed -i "s/^\(#define TURN_SERVER_VERSION\) .*/\1 \"$1\"/" "$scratch/$1/src/ns_turn_defs.h"
}
renamed "$newest"
renamed "$unpinned"
cp -Rp "$scratch/$newest" "$scratch/changed"
echo >>"$scratch/changed/configure"
tree_of() { packaging/coturn-source.sh --list "$1" | sha256sum | cut -d ' ' -f 1; }
tarball_of() { # folder, tarball
	tar -czf "$2" -C "$scratch" "$1"
}
tarball_of "$older" "$scratch/older.tar.gz"
tarball_of "$newest" "$scratch/newest.tar.gz"

# Each tag is one of these folders.
mirror() { # name, then tag and folder...
	git init -q "$scratch/$1"
	git=$scratch/$1
	shift
	while [ $# -gt 0 ]; do
		find "$git" -mindepth 1 -maxdepth 1 ! -name .git -exec rm -rf {} +
		cp -Rp "$scratch/$2/." "$git/"
		# Or git would take a file of the same size and second for the one before.
		rm -f "$git/.git/index"
		git -C "$git" add -A -f
		git -C "$git" -c user.name=test -c user.email=test@example.org commit -q -m "$1"
		git -C "$git" tag "$1"
		shift 2
	done
}
mirror whole "$older" "$older" "$newest" "$newest" "$unpinned" "$unpinned"
mirror behind "$older" "$older"
mirror other "$older" "$older" "$newest" changed
mirror mislabelled "$newest" "$older"

mkdir "$scratch/tree"
cp -R configure packaging Makefile.in VERSION "$scratch/tree/"
cat >"$scratch/tree/upstream.ini" <<END_OF_PINS
[$older]
tarball = $(sum "$scratch/older.tar.gz")
tree = $(ini "$older" tree)

[$newest]
tarball = $(sum "$scratch/newest.tar.gz")
tree = $(tree_of "$scratch/$newest")

[CVE-2000-0001]
before = $newest
what = it is old
until = take a newer one

[CVE-2000-0002]
before = $older
what = it was very old
until = take a newer one
END_OF_PINS
downloads=$scratch/tree/build/downloads

# A distribution whose source package is $scratch/offered, a tarball or the name of none.
mkdir "$scratch/apt"
cat >"$scratch/apt/apt-get" <<END_OF_APT
#!/bin/sh
file=\$(ls "$scratch/offered/")
[ -n "\$file" ] || { echo "E: Temporary failure resolving the archive"; exit 100; }
case \$* in
*--print-uris*) echo "'http://192.0.2.1/\$file' \$file 1 SHA256:0" ;;
*" source "*) cp "$scratch/offered/\$file" . ;;
esac
END_OF_APT
printf '#!/bin/sh\ncat "%s/listed"\n' "$scratch" >"$scratch/apt/apt-cache"
chmod +x "$scratch/apt/apt-get" "$scratch/apt/apt-cache"
PATH=$scratch/apt:$PATH
mkdir "$scratch/offered"
: >"$scratch/listed"
distribution() { # file, name in the distribution
	rm -f "$scratch/offered/"*
	cp "$1" "$scratch/offered/$2"
}

# --- what is looked at ---
configure() { # options...
	(cd "$scratch/tree" && timeout 200 ./configure "$@") >"$scratch/output" 2>&1 </dev/null
}
fresh() { # mirror, options...
	rm -rf "$scratch/tree/build" "$scratch/tree/Makefile"
	mkdir -p "$downloads"
	# A URL, because git takes a path for a directory of this machine.
	url=file://$scratch/$1
	shift
	[ ! -e "$scratch/at-hand" ] || cp "$scratch/at-hand" "$downloads/coturn_$older.orig.tar.gz"
	configure --coturn-repository="$url" "$@"
}
has_taken() { # version
	[ "$(sed -n 's/^version = //p' "$scratch/tree/Makefile")" = "$1" ] &&
		[ "$(sed -n 's/^#define TURN_SERVER_VERSION "\(.*\)"/\1/p' \
			"$scratch/tree/build/upstream/coturn-$1/src/ns_turn_defs.h")" = "$1" ]
}
has_said() { # words...
	for word; do
		grep -qF -e "$word" "$scratch/output" || { echo "no '$word'"; return 1; }
	done
}
is_taken() { # version, mirror, options...
	wanted=$1
	shift
	fresh "$@" && has_taken "$wanted"
}
takes() { # version, name, mirror, options...
	wanted=$1 name=$2
	shift 2
	verify "$name" is_taken "$wanted" "$@"
}
is_refused() { # words, mirror, options...
	words=$1
	shift
	# shellcheck disable=SC2086 # one word for each
	! fresh "$@" && has_said $words && [ ! -e "$scratch/tree/Makefile" ]
}
refuses() { # name, words, mirror, options...
	name=$1
	shift
	verify "$name" is_refused "$@"
}
says() { # name, words...
	name=$1
	shift
	verify "$name" has_said "$@"
}
has_not_said() { ! has_said "$1" >/dev/null; }
says_not() { verify "$1" has_not_said "$2"; } # name, word

# --- the newest release that can be had ---
takes "$newest" "the newest release comes from the mirror" whole
says_not "nothing is said of vulnerabilities that it does not have" CVE-
takes "$older" "the mirror has only an older release: it is taken" behind
says "the newer one that could not be had is named, with the reason" \
	"$newest: file://$scratch/behind: it has no tag $newest" "--with-coturn=TARBALL"
says "so are the vulnerabilities of the older one" "CVE-2000-0001 (before $newest): it is old" "--coturn=$newest"
says_not "and no others" CVE-2000-0002

distribution "$scratch/older.tar.gz" "coturn_$older.orig.tar.gz"
takes "$older" "there is no mirror: the distribution's release is taken" none
says "with the reasons of both places" "$newest: file://$scratch/none: fatal" \
	"$newest: this distribution has coturn_$older.orig.tar.gz"
distribution "$scratch/newest.tar.gz" "coturn_$newest.orig.tar.gz"
takes "$newest" "the distribution has the newest release" none
rm "$scratch/offered/"*

cp "$scratch/older.tar.gz" "$scratch/at-hand"
takes "$older" "a tarball at hand is taken, if no newer release can be had" none
takes "$newest" "but a newer one is taken from the mirror" whole
cp "$scratch/newest.tar.gz" "$downloads/coturn-$newest.tar.gz"
rm -rf "$scratch/tree/build/upstream"
configure --coturn-repository="file://$scratch/none" || :
says_not "with a tarball of the newest release at hand" fetching
holds "which is taken" has_taken "$newest"
head -c 1000 "$scratch/older.tar.gz" >"$scratch/at-hand"
takes "$older" "a broken tarball at hand is left out" behind --coturn="$older"
rm "$scratch/at-hand"

# --- one release ---
takes "$older" "--coturn takes this release, although there is a newer one" whole --coturn="$older"
says "and its vulnerabilities are named" CVE-2000-0001
takes "$older" "as two words too" whole --coturn "$older"
rm -rf "$scratch/tree/build/upstream"
touch "$scratch/tree/configure"
if make -C "$scratch/tree" build/configured >"$scratch/output" 2>&1; then
	holds "make, which runs a changed configure, keeps the release" has_taken "$older"
else
	result "not ok" "make runs configure again"
fi
refuses "--coturn with no version" "--coturn wants" whole --coturn=newest
refuses "--with-coturn of another release than --coturn's" "$older, and not $newest" whole \
	--coturn="$newest" --with-coturn="$scratch/$older"
refuses "a release that nobody has" "cannot get coturn $newest no tag" behind --coturn="$newest"

# --- sources that are not the released ones ---
refuses "the mirror has other sources under the tag: both sums, and no older release" \
	"tag $newest $(tree_of "$scratch/changed") $(tree_of "$scratch/$newest")" other
refuses "the mirror has another release under the tag" "coturn $older, and not $newest" mislabelled
tarball_of changed "$scratch/changed.tar.gz"
distribution "$scratch/changed.tar.gz" "coturn_$newest.orig.tar.gz"
refuses "the distribution has another tarball: both sums" \
	"$(sum "$scratch/changed.tar.gz") $(sum "$scratch/newest.tar.gz")" none
rm "$scratch/offered/"*

# --- releases that are not pinned ---
refuses "a release that is not pinned: how to try it" "$unpinned --coturn-unchecked docs/releases.md" \
	whole --coturn="$unpinned"
says_not "and nothing is fetched" fetching
takes "$unpinned" "--coturn-unchecked takes it" whole --coturn="$unpinned" --coturn-unchecked
says "it is said that nobody has checked it, and what is asked of the tester" "nobody has checked" docs/releases.md
holds "the build will say so too" grep -qx 'coturn_note = .*nobody has checked' "$scratch/tree/Makefile"
takes "$newest" "--coturn-unchecked takes changed sources of a pinned release" whole --coturn-unchecked \
	--with-coturn="$scratch/changed"
says "which are unchecked too" "nobody has checked"
configure --with-coturn="$scratch/$newest" || :
holds "the released ones take their place" grep -qx 'coturn_note = ' "$scratch/tree/Makefile"
takes "$newest" "--coturn-unchecked with the released sources" whole --coturn-unchecked
says_not "finds that they are" "nobody has checked"

# --- a new pin ---
pin() { (cd "$scratch/tree" && packaging/pin-coturn.sh --repository "$scratch/$1" "$unpinned" "$scratch/$2"); }
sed -i "s/ \"$newest\"/ \"$unpinned\"/" "$scratch/changed/src/ns_turn_defs.h"
cp "$scratch/tree/upstream.ini" "$scratch/pins"
pins_nothing() { ! pin "$@" && cmp "$scratch/tree/upstream.ini" "$scratch/pins"; }
holds "a release whose sources differ from those of its tag is not pinned" pins_nothing whole changed
holds "nor one without a tag" pins_nothing behind "$unpinned"
tarball_of "$unpinned" "$scratch/unpinned.tar.gz"
holds "one whose tarball has the same files is pinned" pin whole unpinned.tar.gz
takes "$unpinned" "it is taken from then on" whole --coturn="$unpinned"
says_not "as one that is checked" "nobody has checked"
holds "with the tarball's checksum" grep -qx "tarball = $(sum "$scratch/unpinned.tar.gz")" "$scratch/tree/upstream.ini"
cp "$scratch/pins" "$scratch/tree/upstream.ini"

# --- repositories that do not answer ---
cp "$scratch/older.tar.gz" "$scratch/at-hand"
python3 -c '
import socket, time
silent = socket.create_server(("127.0.0.1", 0))
print(silent.getsockname()[1], flush=True)
time.sleep(60)' >"$scratch/port" &
silent=$!
trap 'kill $silent 2>/dev/null || :; rm -rf "$scratch"' EXIT
while [ ! -s "$scratch/port" ] && kill -0 "$silent"; do sleep 0.05; done
rm -rf "$scratch/tree/build"
mkdir -p "$downloads"
cp "$scratch/at-hand" "$downloads/coturn_$older.orig.tar.gz"
began=$(date +%s)
configure --coturn-repository="http://127.0.0.1:$(cat "$scratch/port")/coturn" || :
took=$(($(date +%s) - began))
says "a repository that is silent is given up after some seconds" "no answer within 10 seconds" "took coturn $older"
holds "which is soon" [ "$took" -lt 40 ]
kill "$silent"

mkdir "$scratch/bin"
for directory in /bin /usr/bin; do
	find "$directory/" -maxdepth 1 ! -type d ! -name git -exec ln -sf {} "$scratch/bin/" \;
done
saved=$PATH
PATH=$scratch/apt:$scratch/bin
takes "$older" "without git a tarball at hand is taken" whole
says "and git is named" "git is not installed"
configure --packages || :
says "which --packages has" git
PATH=$saved
rm "$scratch/at-hand"

# --- the distribution ---
distribution "$scratch/older.tar.gz" coturn_4.5.2.orig.tar.xz
refuses "another version in the distribution: both, and the way out" "4.5.2 $newest $older --with-coturn=" none
printf 'coturn | 1:4.5.0-2 | http://192.0.2.1 x/main Packages\n' >"$scratch/listed"
refuses "one that its package lists name" "4.5.0 $newest --with-coturn=" none
rm "$scratch/offered/"*
: >"$scratch/listed"
refuses "no network: the way out" "resolving --with-coturn=" none
plan
