#!/bin/sh
# Downloads coturn's upstream tarball from the source package of this distribution,
# by apt-get with a state of its own: it takes no root, and the system's configuration
# is only read.
#
# usage: apt-source.sh DIRECTORY VERSION...
#
# Prints the path of the tarball if this distribution has one of the versions. Otherwise
# prints why there is none, and ends with status 1. The caller compares the tarball with
# its checksum.
set -eu

downloads=$1
shift
wanted=" $* "
case $downloads in /*) ;; *) downloads=$(pwd)/$downloads ;; esac
state=$downloads/apt
log=$downloads/apt.log

fail() { # why
	printf '%s\n' "$1" >&2
	[ ! -s "$log" ] || sed 's/^/  /' "$log" | tail -n 8 >&2
	exit 1
}

# The system's own archive entries as source entries, in a private directory:
# the system's configuration is only read. Other vendors' archives are left
# out, they have no coturn and may not answer.
private_sources() { # directory to fill
	mkdir -p "$1"
	codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release 2>/dev/null | tr -d '"')
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ -r "$file" ] || continue
		awk -v codename="$codename" '
			function own(uri, suite) {
				return uri ~ /debian|ubuntu/ && uri !~ /^cdrom:/ &&
					(suite ~ /^(stable|testing|unstable|sid|oldstable)([-\/](updates|security))?$/ ||
					(codename != "" && (suite == codename || suite ~ "^" codename "[-/](updates|security)$")))
			}
			$1 == "deb" {
				options = ""
				rest = $0
				sub(/#.*/, "", rest)
				sub(/^[ \t]*deb[ \t]+/, "", rest)
				if (rest ~ /^\[/) {
					end = index(rest, "]")
					options = substr(rest, 1, end) " "
					rest = substr(rest, end + 1)
				}
				n = split(rest, word, " ")
				for (i = 3; i <= n; i++)
					if (word[i] ~ /^(main|universe)$/ && own(word[1], word[2])) {
						sub(/^[ \t]+/, "", rest)
						print "deb-src " options rest
						break
					}
			}' "$file"
	done >"$1/system.list"
	for file in /etc/apt/sources.list.d/*.sources; do
		[ -r "$file" ] || continue
		awk -v codename="$codename" '
			function own(suite) {
				return suite ~ /^(stable|testing|unstable|sid|oldstable)([-\/](updates|security))?$/ ||
					(codename != "" && (suite == codename || suite ~ "^" codename "[-/](updates|security)$"))
			}
			function finish(   i, n, word, suites) {
				n = split(value["suites"], word, " ")
				for (i = 1; i <= n; i++)
					if (own(word[i]))
						suites = suites " " word[i]
				if (suites != "" && value["enabled"] !~ /no/ && (" " value["types"] " ") ~ / deb / &&
				    (" " value["components"] " ") ~ / (main|universe) / && value["uris"] ~ /debian|ubuntu/) {
					print "Types: deb-src"
					print "URIs: " value["uris"]
					print "Suites:" suites
					print "Components: " value["components"]
					# A path, or a whole key with its line breaks.
					if (value["signed-by"] != "")
						print "Signed-By: " value["signed-by"]
					if (value["trusted"] != "")
						print "Trusted: " value["trusted"]
					print ""
				}
				split("", value)
				name = ""
			}
			/^#/ { next }
			/^[ \t]*$/ { finish(); next }
			/^[ \t]/ {
				if (name == "signed-by")
					value[name] = value[name] "\n" $0
				else
					value[name] = value[name] " " $0
				next
			}
			{
				name = tolower(substr($0, 1, index($0, ":") - 1))
				value[name] = substr($0, index($0, ":") + 1)
				sub(/^[ \t]+/, "", value[name])
			}
			END { finish() }' "$file"
	done >"$1/system.sources"
}

apt() { # words of apt-get...
	timeout 300 apt-get -o Dir::Etc::SourceList=/dev/null \
		-o Dir::Etc::SourceParts="$state/sources.list.d" \
		-o Dir::State::Lists="$state/lists" \
		-o Dir::Cache="$state/cache" \
		-o APT::Sandbox::User=root -o Acquire::Languages=none \
		-o Acquire::Retries=2 -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30 \
		"$@" </dev/null
}

fail_other() { # version that the distribution has
	: >"$log"
	fail "this distribution's source package is coturn $1"
}

# What the system's package lists say, which takes no network; nothing if there are none.
listed() {
	apt-cache madison coturn 2>/dev/null |
		awk -F '|' '{ gsub(/ /, "", $2); sub(/^[0-9]*:/, "", $2); sub(/-[^-]*$/, "", $2); print $2 }'
}

is_wanted() { # versions...
	for candidate; do
		case $wanted in *" $candidate "*) return 0 ;; esac
	done
	return 1
}

rm -rf "$state"
mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
: >"$log"
command -v apt-get >/dev/null 2>&1 || fail "there is no apt-get here to fetch coturn's source package"
# shellcheck disable=SC2046 # one word for each
set -- $(listed)
[ $# -eq 0 ] || is_wanted "$@" || fail_other "$1"
private_sources "$state/sources.list.d"
[ -s "$state/sources.list.d/system.list" ] || [ -s "$state/sources.list.d/system.sources" ] ||
	fail "found no entry of your distribution's own archive in /etc/apt"
apt update >"$log" 2>&1 || fail "cannot read the package lists of this distribution (no network?)"
files=$(apt source --print-uris --download-only --tar-only coturn 2>>"$log") ||
	fail "cannot find coturn's source package in this distribution's archive (no network?)"
file=$(printf '%s\n' "$files" | sed -n "s/^'.*' \(coturn_[^ ]*\.orig\.tar\.[^ ]*\) .*/\1/p" | head -n 1)
[ -n "$file" ] || fail "this distribution's source package of coturn has no upstream tarball"
offered=${file#coturn_}
offered=${offered%%.orig.tar.*}
is_wanted "$offered" || fail_other "$offered"
(cd "$downloads" && apt source --download-only --tar-only coturn) >>"$log" 2>&1 ||
	fail "cannot download coturn's source package (no network?)"
rm -rf "$state"
printf '%s\n' "$downloads/$file"
