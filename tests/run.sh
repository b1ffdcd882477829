#!/bin/sh
# Installs what is missing, builds, and runs every test.
#
# usage: sudo tests/run.sh [GROUP...]
#   unit      C, without privileges
#   packet    the XDP program, by BPF_PROG_TEST_RUN
#   netns     the server between namespaces
#   web       what coturn shows of its sessions in a browser, and to Prometheus
#   fuzz      the program's packet path against a model, for 40 seconds
#   upstream  coturn's own tests, the offload off and on; the configure script
#   lint      cppcheck and shellcheck
#   sanitize  unit and packet tests and two network tests, under ASan and UBSan; relay
#             threads that race, under TSan
#   roots     only if it is named: the Dockerfile, and Debian's coturn replaced, in
#             root file systems made by debootstrap
#
# tests/vm/run.sh is apart: it boots other kernels under qemu.
#
# Without root it installs nothing, and what needs root is skipped. With
# CI=true a skipped unit, packet or netns test is a failed one, unless it is of
# what only other releases of coturn have.
set -eu
cd "$(dirname "$0")/.."

groups=${*:-unit packet netns web fuzz upstream lint sanitize}
for group in $groups; do
	case $group in
	unit | packet | netns | web | fuzz | upstream | lint | sanitize | roots) ;;
	*)
		sed -n '/^# usage/,/^#             root/s/^# \{0,1\}//p' "$0" >&2
		exit 2
		;;
	esac
done

# Our own files have no warnings, whichever compiler builds them.
export WERROR=-Werror
jobs=$(nproc 2>/dev/null || echo 1)
user=$(id -u)
logs=build/tests/logs
passed=0
failed=0
skipped=0

summary() {
	echo
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ] || exit 1
	exit 0
}

# --- what is missing -------------------------------------------------------

missing_packages() {
	./configure --packages
	for pair in ip:iproute2 ethtool:ethtool python3:python3 unshare:util-linux redis-check-rdb:redis-tools \
		capsh:libcap2-bin \
		shellcheck:shellcheck cppcheck:cppcheck; do
		command -v "${pair%:*}" >/dev/null 2>&1 || PATH=$PATH:/usr/sbin:/sbin command -v "${pair%:*}" >/dev/null 2>&1 ||
			echo "${pair#*:}"
	done
	[ -e /usr/include/cmocka.h ] || echo libcmocka-dev
	# What coturn is built with where it is there; the tests want it to be.
	pkg-config --exists libpq 2>/dev/null || echo libpq-dev
	pkg-config --exists mariadb 2>/dev/null || pkg-config --exists mysqlclient 2>/dev/null ||
		echo default-libmysqlclient-dev
	case $groups in *roots*) command -v debootstrap >/dev/null || echo debootstrap ;; esac
}

updated=no
install() { # what it says, packages and options of apt-get...
	said=$1
	shift
	if [ "$user" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
		echo "missing, and not installed without root: $said"
		return 0
	fi
	echo "installing: $said"
	mkdir -p build
	export DEBIAN_FRONTEND=noninteractive
	# A package index that cannot be renewed may still do.
	[ "$updated" = yes ] || timeout 300 apt-get update </dev/null >build/install.log 2>&1 || :
	updated=yes
	timeout 900 apt-get install -y --no-install-recommends "$@" </dev/null >>build/install.log 2>&1 ||
		{ tail -n 20 build/install.log; echo "cannot install: $said"; }
}

install_packages() { # packages...
	[ $# -eq 0 ] || install "$*" "$@"
}

# Unpacks packages of servers below build/databases, with what they need and is
# not here: installed, they would start services, or take the place of others.
unpack_packages() { # packages...
	[ $# -gt 0 ] && [ ! -d build/databases ] || return 0
	rm -rf build/databases.new
	mkdir -p build/databases.new/archives/partial
	install "$*, below build/databases" --download-only \
		-o Dir::Cache::archives="$(pwd)/build/databases.new/archives" "$@"
	for archive in build/databases.new/archives/*.deb; do
		[ -f "$archive" ] || return 0
		dpkg -x "$archive" build/databases.new
	done
	rm -rf build/databases.new/archives
	mv build/databases.new build/databases
}

# shellcheck disable=SC2046
install_packages $(missing_packages)

# --- build -----------------------------------------------------------------

attempt() { # what, log, command...
	echo "$1"
	log=$2
	shift 2
	mkdir -p build
	if ! "$@" </dev/null >"$log" 2>&1; then
		tail -n 40 "$log"
		failed=$((failed + 1))
		summary
	fi
}
# A Makefile of another configuration (another coturn, say) is kept, unless it
# leaves out what is to be tested.
if ! grep -qx 'xdp = yes' Makefile 2>/dev/null; then
	attempt "configuring" build/configure.log timeout 600 ./configure
fi
attempt "building" build/make.log timeout 1200 make -j"$jobs"
if [ "$groups" != lint ] && [ "$groups" != upstream ]; then
	# A test that does not compile fails below, where it is run.
	echo "building the tests"
	timeout 600 make -k -j"$jobs" tests </dev/null >build/make-tests.log 2>&1 ||
		grep -E -A 3 'error|missing|need' build/make-tests.log || tail -n 20 build/make-tests.log
fi
mkdir -p "$logs"

# --- running and counting --------------------------------------------------

core() { case $1 in unit | packet | netns) return 0 ;; *) return 1 ;; esac; }
# What the pinned release cannot do is nothing that this machine lacks.
of_release() { case $1 in *'SKIP this coturn '*) return 0 ;; *) return 1 ;; esac; }

count_skip() { # group, test, why
	if core "$1" && [ "${CI:-}" = true ] && ! of_release "$3"; then
		failed=$((failed + 1))
		echo "FAILED  $1/$2: skipped ($3), which CI does not allow"
	else
		skipped=$((skipped + 1))
		echo "skipped $1/$2: $3"
	fi
}

# Runs a program that prints TAP; every result is one test.
tap() { # group, name, seconds, command...
	group=$1 name=$2 seconds=$3
	shift 3
	out=$logs/$group-$name.out
	err=$logs/$group-$name.err
	status=0
	timeout -k 10 "$seconds" "$@" </dev/null >"$out" 2>"$err" || status=$?

	# pass, fail, skip, planned, plans: a program may have several. cmocka
	# calls what is skipped "not ok".
	# shellcheck disable=SC2046
	set -- $(awk '
		/^[ \t]*1\.\.[0-9]+/ { sub(/^[ \t]*1\.\./, ""); planned += $1; plans++ }
		/^[ \t]*(not )?ok/ && tolower($0) ~ /# *skip/ { skip++; next }
		/^[ \t]*ok/ { pass++ }
		/^[ \t]*not ok/ { fail++ }
		END { print pass + 0, fail + 0, skip + 0, planned + 0, plans + 0 }' "$out")
	passed=$((passed + $1))
	broken=$2
	seen=$(($1 + $2 + $3))
	why=
	if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
		why="no end after $seconds s"
	elif [ "$status" -ne 0 ] && [ "$2" -eq 0 ]; then
		why="exit status $status"
	elif [ "$5" -gt 0 ] && [ "$4" -ne "$seen" ] && [ "$4" -ne 0 ]; then
		why="$seen results of $4 planned"
	elif [ "$seen" -eq 0 ] && ! grep -qi '^1\.\.0.*# *skip' "$out"; then
		why="no results"
	fi
	[ -z "$why" ] || broken=$((broken + 1))
	failed=$((failed + broken))
	skips=$logs/$group-$name.skips
	sed -n 's/^[ \t]*\(not \)\{0,1\}ok[ \t]*[0-9]*[ \t-]*//p; s/^1\.\.0/all/p' "$out" | grep -i '# *skip' >"$skips" || :
	while IFS= read -r line; do
		count_skip "$group" "$name" "$line"
	done <"$skips"
	if [ "$broken" -gt 0 ]; then
		echo "FAILED  $group/$name${why:+: $why} ($1 passed, $2 failed)"
		tail -n 150 "$out" | sed 's/^/        /'
		tail -n 60 "$err" | sed 's/^/        /'
	else
		echo "ok      $group/$name: $1 passed"
	fi
}

# A plain command is one test.
command_test() { # group, name, seconds, command...
	group=$1 name=$2 seconds=$3
	shift 3
	out=$logs/$group-$name.out
	if timeout -k 10 "$seconds" "$@" </dev/null >"$out" 2>&1; then
		passed=$((passed + 1))
		echo "ok      $group/$name"
	else
		failed=$((failed + 1))
		echo "FAILED  $group/$name"
		sed 's/^/        /' "$out" | tail -n 200
	fi
}

group_missing() { # group
	failed=$((failed + 1))
	echo "FAILED  $1: there are no such tests"
}

compiled_tests() { # group, directory of the binaries, seconds, name of the results' group
	found=no
	for source in tests/"$1"/*_test.c; do
		[ -f "$source" ] || continue
		found=yes
		name=$(basename "$source" .c)
		if [ "$1" = packet ] && [ "$user" -ne 0 ]; then
			count_skip "$4" "$name" "needs root"
			continue
		fi
		tap "$4" "$name" "$3" env CMOCKA_MESSAGE_OUTPUT=TAP "$2/$name"
	done
	[ "$found" = yes ] || group_missing "$1"
}

network_test() { # group, script, the rest is environment
	group=$1
	script=$2
	shift 2
	name=$(basename "$script" .py)
	if [ "$user" -ne 0 ]; then
		count_skip "$group" "$name" "needs root"
	else
		tap "$group" "$name" 900 env "$@" python3 "$script"
	fi
}

# What is missing of the databases that users can be in.
database_packages() {
	ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 ||
		apt-cache depends postgresql 2>/dev/null | sed -n 's/.*Depends: \(postgresql-[0-9]*\)$/\1/p'
	command -v mariadbd >/dev/null 2>&1 || PATH=$PATH:/usr/sbin command -v mariadbd >/dev/null 2>&1 ||
		echo mariadb-server-core mariadb-client-core
}

run_netns() {
	# shellcheck disable=SC2046
	unpack_packages $(database_packages)
	found=no
	for script in tests/netns/*_test.py; do
		[ -f "$script" ] || continue
		found=yes
		network_test netns "$script"
	done
	[ "$found" = yes ] || group_missing netns
}

# What only the browser needs is large, and installed for it alone. Without it
# the test says what it misses.
prepare_browser() {
	# shellcheck disable=SC2046
	install_packages $(for pair in chromium:chromium node:nodejs npm:npm openssl:openssl; do
		command -v "${pair%:*}" >/dev/null 2>&1 || echo "${pair#*:}"
	done)
	if ! cmp -s tests/web/package.json build/web/package.json && command -v npm >/dev/null 2>&1; then
		echo "installing: playwright-core, by npm"
		mkdir -p build/web
		cp tests/web/package.json build/web/
		(cd build/web && timeout 300 npm install --no-audit --no-fund \
			--no-package-lock --ignore-scripts) </dev/null >build/web/install.log 2>&1 ||
			{ tail -n 5 build/web/install.log; rm -f build/web/package.json; }
	fi
}

run_web() {
	prepare_browser
	for script in tests/web/*_test.py; do
		network_test web "$script"
	done
}

run_upstream() {
	# coturn 4.17.1 has 13 scripts of its own, which sleep for most of 7 minutes.
	for script in tests/upstream/*_test.sh; do
		tap upstream "$(basename "$script" .sh)" 1200 "$script"
	done
}

run_roots() {
	for script in tests/roots/*_test.py; do
		network_test roots "$script"
	done
}

# The sanitizers and libFuzzer, which clang's package only recommends.
install_clang_runtime() {
	resources=$("${CLANG:-clang}" -print-resource-dir 2>/dev/null) || return 0
	[ -e "$resources/include/sanitizer/asan_interface.h" ] ||
		install_packages "libclang-rt-$("${CLANG:-clang}" -dumpversion | cut -d. -f1)-dev"
}

run_fuzz() {
	install_clang_runtime
	tap fuzz fuzz 300 tests/fuzz/run.sh
}

run_lint() {
	command_test lint c 600 make lint-c
	command_test lint sh 120 make lint-sh
}

# What takes channels through their whole life, and many of them at once.
sanitized_network_tests="tests/netns/differential_test.py tests/netns/races_test.py"

build_sanitized() { # sanitizers, targets...
	echo "building with the sanitizers: $1"
	log=build/make-sanitize-${1%%,*}.log
	sanitizers=$1
	shift
	if ! timeout 1200 make -k -j"$jobs" SANITIZE="$sanitizers" "$@" </dev/null >"$log" 2>&1; then
		failed=$((failed + 1))
		echo "FAILED  sanitize: does not build"
		tail -n 40 "$log"
		return 1
	fi
}

run_threads() {
	build_sanitized thread all || return 0
	network_test threads tests/netns/races_test.py TURNSERVER="$(pwd)/build/thread/bin/turnserver"
}

run_sanitize() {
	run_threads
	build_sanitized address,undefined all tests || return 0
	UBSAN_OPTIONS=print_stacktrace=1
	export UBSAN_OPTIONS
	ASAN_OPTIONS=detect_leaks=1
	export ASAN_OPTIONS
	compiled_tests unit build/sanitize/tests 300 sanitize
	compiled_tests packet build/sanitize/tests 600 sanitize
	# coturn frees little of what it has when it ends.
	ASAN_OPTIONS=detect_leaks=0
	server=$(pwd)/build/sanitize/bin/turnserver
	tap sanitize run_tests_test 1200 env TURNSERVER="$server" tests/upstream/run_tests_test.sh
	for script in $sanitized_network_tests; do
		network_test sanitize "$script" TURNSERVER="$server"
	done
	unset UBSAN_OPTIONS ASAN_OPTIONS
}

for group in $groups; do
	echo "--- $group"
	case $group in
	unit) compiled_tests unit build/tests 120 unit ;;
	packet) compiled_tests packet build/tests 300 packet ;;
	netns) run_netns ;;
	web) run_web ;;
	fuzz) run_fuzz ;;
	upstream) run_upstream ;;
	roots) run_roots ;;
	lint) run_lint ;;
	sanitize) run_sanitize ;;
	esac
done
summary
