#!/bin/sh
# Gets a release of coturn by its tag from a git repository.
#
# usage: repository-source.sh URL VERSION DIRECTORY
#
# DIRECTORY is made. Otherwise prints why there is none, and ends with status 2 if the
# repository has no such tag, else with 1. The caller compares the files with their checksum.
set -eu

url=$1
version=$2
directory=$3
# Who answers at all does so within a second or two.
answer_seconds=10
clone_seconds=120

# Nobody is there to type a password, and the reason is read by people of all languages.
export GIT_TERMINAL_PROMPT=0 LC_ALL=C
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE

fail() { # status, why
	printf '%s\n' "$url: $2"
	exit "$1"
}

command -v git >/dev/null 2>&1 || fail 1 "git is not installed"
log=$directory.log
status=0
timeout "$answer_seconds" git ls-remote --exit-code --tags -- "$url" "refs/tags/$version" >"$log" 2>&1 </dev/null ||
	status=$?
case $status in
0) ;;
2) fail 2 "it has no tag $version" ;;
124) fail 1 "no answer within $answer_seconds seconds" ;;
*) fail 1 "$(grep -m 1 . "$log" || echo "git ls-remote fails")" ;;
esac
# The files as they are in the repository, whatever the user has told git.
timeout "$clone_seconds" git -c core.autocrlf=false -c core.symlinks=true -c advice.detachedHead=false \
	-c http.lowSpeedLimit=1000 -c http.lowSpeedTime="$answer_seconds" \
	clone --quiet --template= --depth 1 --branch "$version" -- "$url" "$directory" >"$log" 2>&1 </dev/null ||
	status=$?
[ "$status" -ne 124 ] || fail 1 "it does not send tag $version within $clone_seconds seconds"
[ "$status" -eq 0 ] || fail 1 "$(grep -m 1 . "$log" || echo "git clone fails")"
