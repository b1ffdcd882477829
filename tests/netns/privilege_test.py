#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""What the server may do, and what it does with less: the capabilities that it
takes, all of them and each one missing; what each thread keeps of them, however
the server was started; and kernels that want a capability for each access to a table.
"""

import functools
import platform
import re
import shutil
from pathlib import Path

import capabilities
import talk
from carriers import RELEASE
from inspector import ask_json
from lab import PEER, RELAY, Lab
from netns import command
from outcome import check_refused, check_relays_without, check_said
from preload import preload
from server import BINARY, Server
from tap import check, check_equal, note, run, skip, test, wait_until

# Before Linux 5.11 the tables count as locked memory.
UNLOCKED = ("prlimit", "--memlock=unlimited") if RELEASE < (5, 11) else ()
NOBODY = (("proc-user", "nobody"), ("proc-group", "nogroup"))
# Old kernels are tried in slow machines, where veths are no good in native mode.
OLD = RELEASE < (6, 3)
MODE = ("xdp-mode", "generic" if OLD else "native")
PATIENCE, SECONDS = (25, 200) if OLD else (5, 60)
Talk = functools.partial(talk.Talk, checksums=not OLD)
NO_USER = 65534
DROP_IN = Path(__file__).resolve().parents[2] / "examples" / "systemd" / "xdp-offload.conf"


def need(program):
    if not shutil.which(program):
        skip(f"{program} is not installed")


def reachable(lab, name="turnserver"):
    """A copy of the server for users other than root, who may not get to this folder."""
    program = lab.folder / name
    if not program.exists():
        shutil.copy(BINARY, program)
    return program


def with_file_capabilities(lab):
    """A copy of the server whose file has the three capabilities, as in the Dockerfile."""
    need("setcap")
    program = reachable(lab, "turnserver-with-capabilities")
    # Not in effect by themselves: else it would not start where they are out of bounds.
    command(["setcap", ",".join(capabilities.NEEDED).lower() + "=p", program])
    return program


@test("no root", SECONDS)
def no_root(lab):
    prefix = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all")
    words = ["takes CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON:", "start it as root"]
    check_relays_without(lab, words=words, prefix=prefix, program=reachable(lab))
    check_refused(lab, words=words, prefix=prefix, program=reachable(lab))


# To the kernel CAP_SYS_ADMIN is as good as either, so it goes too.
@test("root without CAP_BPF", SECONDS)
def no_cap_bpf(lab):
    prefix = ("setpriv", "--bounding-set=-bpf,-sys_admin", "--inh-caps=-bpf,-sys_admin")
    check_relays_without(lab, words=["takes CAP_BPF:"], prefix=prefix)
    check_refused(lab, words=["takes CAP_BPF:"], prefix=prefix)


@test("CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON are enough, and no others can be had", SECONDS)
def enough(lab):
    need("capsh")
    prefix = (*UNLOCKED, *capabilities.with_only(capabilities.NEEDED))
    with Server(lab, MODE, prefix=prefix, program=reachable(lab)) as server:
        check_equal(capabilities.bounding_of(server.pid), capabilities.mask(capabilities.NEEDED), "bounding set")
        check_equal(capabilities.user_of(server.pid), (NO_USER, NO_USER), "user and group")
        with Talk(lab) as one:
            check_changes(lab, server, one)


@test("the three as capabilities of the file, for who may have them; or none", SECONDS)
def of_the_file(lab):
    program = with_file_capabilities(lab)
    for names, relays in ((capabilities.NEEDED, True), ((), False)):
        prefix = (*UNLOCKED, *capabilities.without(names, program))
        with Server(lab, MODE, prefix=prefix) as server, Talk(lab) as one:
            check_equal(capabilities.user_of(server.pid), (NO_USER, NO_USER), "user and group")
            if relays:
                check_changes(lab, server, one)
            else:
                one.warm()
                check_said(server, "takes CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON:")


def renew(lab):
    """Removes the interface towards the peer and makes it again."""
    lab.server.ip("link", "delete", "to-peer")
    Lab.link(lab.server, "to-peer", RELAY + "/24", lab.peer, "eth0", PEER + "/24")
    lab.peer.ip("route", "add", "default", "via", RELAY)


@test("the drop-in for systemd gives these three", SECONDS)
def drop_in(_lab):
    text = DROP_IN.read_text(encoding="ascii")
    given = re.search(r"^AmbientCapabilities=(.*)$", text, re.M).group(1)
    check_equal(sorted(given.split()), sorted(capabilities.NEEDED), "capabilities")


@test("each of the three missing: it is named, and the server relays in userspace", SECONDS)
def each_missing(lab):
    need("capsh")
    for missing in capabilities.NEEDED:
        kept = [name for name in capabilities.NEEDED if name != missing]
        check_relays_without(lab, MODE, prefix=capabilities.with_only(kept), program=reachable(lab),
                             words=[f"takes {missing}:", "AmbientCapabilities="])
    check_refused(lab, MODE, prefix=capabilities.with_only(kept), program=reachable(lab),
                  words=[f"takes {missing}:"])


NONE = capabilities.Sets(0, 0, 0, 0)


def exactly(names):
    """These in effect, and nothing that another program would inherit."""
    return capabilities.Sets(capabilities.mask(names), capabilities.mask(names), 0, 0)


def root_without_ours():
    """What root has of its own, as this process does, less what the offload takes."""
    ours = capabilities.mask(capabilities.NEEDED)
    return capabilities.Sets(*(value & ~ours for value in capabilities.of_process("self")))


def check_threads(server, coturn, monitor=None, threads=3):
    """Sets of the monitor thread and of all others; it has at least so many threads."""
    wanted = [] if monitor is None else [monitor]

    def as_wanted():
        found = capabilities.of_threads(server.pid)
        special = [sets for sets in found if sets != coturn]
        return len(found) >= threads and special == wanted and len(found)

    # The monitor thread gives up the rest in its own time.
    return wait_until(as_wanted, 3, f"{wanted} of the monitor thread and {coturn} of all others; "
                      f"{capabilities.of_threads(server.pid)}")


def check_starts(lab, coturn, *options, **started):
    """What the threads keep with the offload on, failed, and off."""
    monitor = exactly(["CAP_BPF", "CAP_NET_ADMIN"] if guarded() else ["CAP_NET_ADMIN"])
    with Server(lab, MODE, *options, **started) as server, Talk(lab) as one:
        one.wait_kernel(server, PATIENCE).check_kernel(server)
        threads = check_threads(server, coturn, monitor)
        check_changes(lab, server, one)
        check_threads(server, coturn, monitor, threads)
    nowhere = (("listening-ip", "127.0.0.1"), ("relay-ip", "127.0.0.1"))
    # It fails late, when all capabilities are in effect.
    with Server(lab, MODE, *nowhere, *options, ready=False, **started) as server:
        server.wait_log("no interface to attach to", PATIENCE)
        check_threads(server, coturn, threads=threads - 1)
    with Server(lab, *options, offload=False, **started) as server:
        check_threads(server, coturn, threads=threads - 1)


@test("root: one thread keeps CAP_NET_ADMIN and no other, all others what coturn may need", SECONDS)
def threads_of_root(lab):
    check_starts(lab, root_without_ours())


def check_survey(lab, server):
    """The thread still sees what examines packets, and that there is nothing else."""
    def examined(text):
        wait_until(lambda: ask_json("status", server, "-i", 0)["host"]["text"] == text, PATIENCE,
                   f"{text!r}, and not {ask_json('status', server, '-i', 0)['host']}")
    if not shutil.which("nft"):
        note("without nft (package nftables) the survey is not tested")
        return
    lab.server.run("nft", "add table ip mine; add chain ip mine in { type filter hook input priority 0; }")
    examined("nf_tables: table ip mine chain in")
    lab.server.run("nft", "flush ruleset")
    examined("")


@test("proc-user and proc-group: one thread keeps CAP_NET_ADMIN, nothing else is kept", SECONDS)
def proc_user(lab):
    check_starts(lab, NONE, *NOBODY)
    with Server(lab, MODE, *NOBODY) as server:
        # It answers before it has changed its user.
        wait_until(lambda: capabilities.user_of(server.pid) == (NO_USER, NO_USER), 5, "another user and group")
        check_survey(lab, server)


@test("ambient capabilities: the same, and those that are not for the offload stay", SECONDS)
def threads_of_ambient(lab):
    need("capsh")
    port = ["CAP_NET_BIND_SERVICE"]
    prefix = (*UNLOCKED, *capabilities.with_only((*capabilities.NEEDED, *port)))
    check_starts(lab, capabilities.Sets(*[capabilities.mask(port)] * 4), prefix=prefix, program=reachable(lab))


@test("capabilities of the file: the same, nothing else is kept", SECONDS)
def threads_of_file(lab):
    need("capsh")
    program = with_file_capabilities(lab)
    check_starts(lab, NONE, prefix=(*UNLOCKED, *capabilities.without(capabilities.NEEDED, program)))


def check_changes(lab, server, one):
    """Flows come and go, and interfaces, as before the change of the user."""
    one.wait_kernel(server, PATIENCE).check_kernel(server)
    check_equal(len(server.offload.flows()), 2, "flows")
    renew(lab)
    one.wait_kernel(server, PATIENCE + 3).check_kernel(server)
    one.client.refresh(0)
    wait_until(lambda: not server.offload.flows(), 4, "the flows removed")
    with Talk(lab, 0x4002) as other:
        other.wait_kernel(server, PATIENCE).check_kernel(server)
    check(not server.log_lines("stays in userspace"), server.log())


def guarded():
    """Whether this kernel wants CAP_BPF for each access to a table."""
    disabled = Path("/proc/sys/kernel/unprivileged_bpf_disabled").read_text(encoding="ascii")
    return RELEASE < (5, 19) and disabled.strip() != "0"


def guard(lab):
    """A prefix that makes any kernel one that does."""
    return preload(lab, "guarded_kernel")


@test("a kernel that wants CAP_BPF for each access: one thread keeps it", SECONDS)
def threads_guarded(lab):
    need("capsh")
    ambient = (*guard(lab), *UNLOCKED, *capabilities.with_only(capabilities.NEEDED))
    for options, coturn, prefix in (((), root_without_ours(), guard(lab)), (NOBODY, NONE, guard(lab)),
                                    ((), NONE, ambient)):
        with Server(lab, MODE, *options, prefix=prefix, program=reachable(lab)) as server, Talk(lab) as one:
            check_threads(server, coturn, exactly(["CAP_BPF", "CAP_NET_ADMIN"]))
            check_changes(lab, server, one)


@test("the same, and no CAP_BPF to keep: said, and ways out that are new are coturn's", SECONDS)
def nothing_to_keep(lab):
    need("capsh")
    prefix = (*guard(lab), "capsh", "--drop=cap_bpf", "--", "-c", 'exec "$@"', "sh")
    with Server(lab, MODE, *NOBODY, prefix=prefix) as server, Talk(lab) as one:
        server.wait_log("CAP_BPF is lost")
        check_said(server, "CAP_BPF is lost")
        one.warm()
        one.check_userspace(server)


@test("little memory may be locked: no matter, or said before Linux 5.11", SECONDS)
def locked_memory(lab):
    need("capsh")
    prefix = ("prlimit", "--memlock=65536:65536", *capabilities.with_only(capabilities.NEEDED))
    program = reachable(lab)
    if RELEASE < (5, 11):
        check_relays_without(lab, MODE, words=["LimitMEMLOCK=infinity"], prefix=prefix, program=program)
        return
    with Server(lab, MODE, prefix=prefix, program=program) as server, Talk(lab) as one:
        one.wait_kernel(server, PATIENCE).check_kernel(server)


if __name__ == "__main__":
    note(f"Linux {platform.release()}, kernel.unprivileged_bpf_disabled = "
         + Path("/proc/sys/kernel/unprivileged_bpf_disabled").read_text(encoding="ascii").strip())
    run(Lab("direct"))
