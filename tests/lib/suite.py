# SPDX-License-Identifier: BSD-3-Clause
"""The groups and their tests, as jobs."""

import math
import os

from build import make
from job import ROOT, Job

GROUPS = ("unit", "packet", "netns", "web", "fuzz", "upstream", "lint", "sanitize", "roots")
DEFAULT = GROUPS[:-1]
MORE = "build/install"

# What looks at the whole machine runs while nothing else does.
ALONE = math.inf
# Processors that a test uses on average, where it is not what is usual in its group.
CORES = {
    "netns/no_server_test": ALONE,
    "netns/admission_test": 0.2, "netns/cluster_test": 0.6, "netns/conntrack_test": 0.2, "netns/ends_test": 0.2, "netns/figures_test": 0.2,
    "netns/follow_test": 0.2, "netns/generated_test": 0.8,
    "netns/lifetime_test": 0.2, "netns/metrics_server_test": 0.2, "netns/mobility_test": 0.2, "netns/monitor_test": 0.2,
    "netns/usage_test": 0.2, "netns/watch_test": 0.2,
    "upstream/configure_test": 0.6, "upstream/without_test": 0.7,
}
# The longest first, so that none of them is left over at the end.
FIRST = ("netns/follow_test", "netns/conntrack_test", "netns/firewall_test", "netns/limit_test", "netns/ends_test",
         "netns/nexthop_test", "netns/lifetime_test", "upstream/without_test", "netns/admission_test", "fuzz/fuzz", "netns/attach_test", "netns/generated_test", "lint/c")
# What takes channels through their whole life, and many of them at once.
SANITIZED = ("differential_test", "races_test", "share_test")
ASAN = {"UBSAN_OPTIONS": "print_stacktrace=1", "ASAN_OPTIONS": "detect_leaks=1"}
# coturn frees little of what it has when it ends.
ASAN_SERVER = {**ASAN, "ASAN_OPTIONS": "detect_leaks=0"}


def _files(pattern):
    return sorted(ROOT.glob(pattern))


def _job(name, argv, seconds, cores, **more):
    return Job(name, argv, seconds, cores=CORES.get(name, cores), **more)


def _needs_root(job):
    if os.geteuid():
        job.skip = "needs root"
    return job


def _compiled(group, folder, seconds, place, env):
    """Unit or packet tests; their programs are in build/tests or build/sanitize/tests."""
    for source in _files(f"tests/{folder}/*_test.c"):
        target = f"{place}/tests/{source.stem}"
        job = _job(f"{group}/{source.stem}", [target], seconds, 0.7 if folder == "packet" else 0.4, target=target,
                   needs=["build/tests" + ("-sanitize" if group == "sanitize" else "")],
                   env={"CMOCKA_MESSAGE_OUTPUT": "TAP", **env}, choosing=True)
        yield _needs_root(job) if folder == "packet" else job


def _scripts(group, after=(), seconds=900):
    """Tests in Python, between namespaces."""
    for script in _files(f"tests/{group}/*_test.py"):
        yield _needs_root(_job(f"{group}/{script.stem}", ["python3", "-B", script], seconds, 0.4,
                               needs=["build/all"], after=after, choosing=True))


def _server(name, test, sanitizer, env):
    """A network test with a turnserver that was built with a sanitizer."""
    place = "thread" if sanitizer == "thread" else "sanitize"
    return _needs_root(_job(name, ["python3", "-B", f"tests/netns/{test}.py"], 900, 1,
                            needs=["build/all-" + place], choosing=True,
                            env={**env, "TURNSERVER": str(ROOT / "build" / place / "bin" / "turnserver")}))


def _sanitize():
    yield from _compiled("sanitize", "unit", 300, "build/sanitize", ASAN)
    yield from _compiled("sanitize", "packet", 600, "build/sanitize", ASAN)
    yield _job("sanitize/run_tests_test", ["tests/upstream/run_tests_test.sh"], 1200, 0.5,
               needs=["build/all", "build/all-sanitize"],
               env={**ASAN_SERVER, "TURNSERVER": str(ROOT / "build/sanitize/bin/turnserver")})
    for test in SANITIZED:
        yield _server(f"sanitize/{test}", test, "address", ASAN_SERVER)
    yield _server("sanitize/races_test_threads", "races_test", "thread", {})


def _upstream():
    # coturn 4.17.1 has 13 scripts of its own, which sleep for most of 7 minutes.
    for script in _files("tests/upstream/*_test.sh"):
        yield _job(f"upstream/{script.stem}", [script], 1200, 0.3, needs=["build/all"])


def _lint():
    for name, seconds in (("c", 600), ("sh", 120), ("py", 300), ("layers", 60), ("docs", 60), ("format", 120),
                          ("bench", 300)):
        yield _job(f"lint/{name}", make(f"lint-{name}"), seconds, 1, kind="status", after=["build/all", "build/tests"])


def _tests(group):
    if group == "unit":
        return _compiled(group, group, 120, "build", {})
    if group == "packet":
        return _compiled(group, group, 300, "build", {})
    if group == "fuzz":
        return [_job("fuzz/fuzz", ["tests/fuzz/run.sh"], 300, 1, after=[MORE])]
    if group in ("netns", "web"):
        return _scripts(group, after=[MORE] if group == "web" else ())
    if group == "roots":
        return _scripts(group, seconds=1800)
    return {"upstream": _upstream, "lint": _lint, "sanitize": _sanitize}[group]()


def tests_of(group):
    found = list(_tests(group))
    for test in found:
        if test.name in ("netns/userdb_test", "netns/cluster_test"):
            test.after = (MORE,)
    return found


def in_order(tests):
    """As they are begun."""
    return sorted(tests, key=lambda test: FIRST.index(test.name) if test.name in FIRST else len(FIRST))
