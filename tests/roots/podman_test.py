#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""The image that docker/Dockerfile makes, built and run by podman as compose.yaml has it run: on the
network of a host with one card, with its users in a Redis that has a password.
"""

import base64
import contextlib
import hashlib
import hmac
import json
import signal
import time

from container import DOCKER, IMAGE, RUN, Container, Podman, bridge_for_containers, compose, options_of, words_of
from root import TOP
import capabilities
import turn
from lab import CLIENT6, NEAR_PEER, NEAR_PEER6, SERVER, SERVER6, Lab
from netns import command
from redis_server import Connection, Redis
from talk import Talk
from tap import check, check_equal, note, run, test, wait_until

CARD = "to-client"
PASSWORD = "0123456789abcdef"

# One of each range that turnserver.conf denies, by family.
DENIED = {
    4: ("0.0.0.1", "127.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.255.254", "192.168.1.1", "100.64.0.1",
        "100.127.255.254", "169.254.169.254"),
    6: ("::1", "fe80::1", "febf::1", "fc00::1", "fdff::1", "::ffff:127.0.0.1", "::ffff:192.0.2.3", "64:ff9b::1"),
}


class RedisWithPassword(Redis):
    """As compose.yaml starts it."""

    def prepare(self):
        super().prepare()
        argv = json.loads(compose("redis", "command").replace("$$", "$"))
        return ["env", "-C", self.lab.folder, f"PATH={self.lab.folder}:/usr/bin:/bin",
                f"REDIS_PASSWORD={PASSWORD}", *argv]

    def answers(self):
        with contextlib.suppress(OSError), Connection(self.lab) as connection:
            return connection.ask("AUTH", PASSWORD) == "OK"
        return False


def started(lab, *options, **more):
    """A server as compose.yaml starts it."""
    return Container(lab, *options_of("turnserver"), f"--security-opt=seccomp={lab.podman.profile()}", "-e", f"REDIS_PASSWORD={PASSWORD}", *options, **more)


def once_run(lab, *words):
    """A container that ends by itself; what it said, with its status."""
    return lab.server.run(*lab.podman.argv_within(*RUN, *words), seconds=40,
                          check=False)


def mode(lab):
    """In which mode the card carries the program: native, generic, or None."""
    link = json.loads(command(["ip", "-n", lab.server.name, "-j", "link", "show", CARD]).stdout)[0]
    return {1: "native", 2: "generic"}.get(link.get("xdp", {}).get("mode"))


def state(process):
    """The state of a process, a letter."""
    with open(f"/proc/{process}/stat", encoding="ascii") as file:
        return file.read().rsplit(")", 1)[1].split()[0]


@test("as compose.yaml has it: not as root, users in Redis, everything is relayed in the kernel", seconds=60)
def offloads(lab):
    check_equal(sorted(f"CAP_{name}" for name in words_of("turnserver", "cap_add")), sorted(capabilities.NEEDED),
                "cap_add")
    with started(lab) as server, Talk(lab) as talk:
        check_equal(capabilities.user_of(server.pid), (347, 347), "its user and group")
        talk.wait_kernel(server).check_kernel(server, 50)
        check_equal((server.xdp(), mode(lab)), ([CARD], "native"), "what carries the program")
        with turn.Client(lab.client, user="nobody") as stranger:
            check_equal(turn.code_of(stranger.allocate), 401, "answer to a user that is not in Redis")
        argv = command(["cat", f"/proc/{server.pid}/cmdline"]).stdout
        check(PASSWORD not in argv, f"the password is on the command line: {argv}")


@test("a bridge as docker0 beside the card: the entrypoint names the card, which stays native", seconds=90)
def bridge_beside(lab):
    with bridge_for_containers(lab.server):
        # What the entrypoint prevents.
        with started(lab, "--entrypoint", '["tini", "--", "turnserver"]') as server:
            check_equal((server.xdp(), mode(lab)), (["docker0", CARD], "generic"), "without the entrypoint")
        with started(lab) as server, Talk(lab) as talk:
            check(server.log_lines(rf"xdp-interface={CARD}: a default route"), "the entrypoint does not say what it named")
            check_equal((server.xdp(), mode(lab)), ([CARD], "native"), "with it")
            talk.wait_kernel(server).check_kernel(server)


@test("interfaces that the configuration or the command line names are left as they are", seconds=60)
def named(lab):
    path = lab.folder / "named.conf"
    text = (DOCKER / "turnserver.conf").read_text(encoding="utf-8")
    for line in ("listening-ip=192.0.2.1", f"xdp-interface={CARD}"):
        path.write_text(f"{text}\n{line}\n", encoding="utf-8")
        with started(lab, configuration=path) as server:
            check(not server.log_lines("a default route leaves"), f"with {line} it names another")
    with started(lab, arguments=(f"--xdp-interface={CARD}",)) as server:
        check(not server.log_lines("a default route leaves"), "with --xdp-interface it names another")
        check_equal(server.xdp(), [CARD], "what carries the program")


@test("no capabilities: it relays in userspace and says what is missing", seconds=60)
def without(lab):
    with Container(lab, "--network=host", "--cap-drop=all", "-e", f"REDIS_PASSWORD={PASSWORD}") as server, Talk(lab) as talk:
        talk.warm()
        talk.check_userspace(server)
        server.wait_log("takes CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON:")
    # podman's own profile, which does not know CAP_BPF.
    with Container(lab, *options_of("turnserver"), "-e", f"REDIS_PASSWORD={PASSWORD}") as server, Talk(lab) as talk:
        talk.warm()
        talk.check_userspace(server)
        server.wait_log("a container, a user namespace or the kernel's lockdown forbids it")


@test("a network of its own: the program is at the container's end of the veth, and the relay has an address "
      "that peers cannot reach", seconds=60)
def own_network(lab):
    options = [word for word in options_of("turnserver") if word not in ("--network", "host")]
    options.append(f"--security-opt=seccomp={lab.podman.profile()}")
    # No Redis is there, and no client is served: it only says what it does.
    with Container(lab, "--network=bridge", "-p", "3478:3478/udp", *options, ready=False) as server:
        server.wait_log("offload of UDP channels is on", 20)
        for pattern in ("xdp-interface=eth0: ", "eth0: generic mode", r"Relay address to use: 10\."):
            note(server.wait_log(pattern)[0])


@test("SIGTERM ends it, before the engine kills it", seconds=60)
def ends(lab):
    with started(lab) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        start = time.monotonic()
        said = server.end()
        note(f"podman stop took {time.monotonic() - start:.2f} s")
        check("SIGKILL" not in said, f"it was killed: {said}")
        wait_until(lambda: not server.xdp(), 2, "the program detached")


@test("turnutils_xdp has what it takes by exec --privileged, and in the container for metrics", seconds=60)
def tool(lab):
    with started(lab) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        alone = server.execute("turnutils_xdp", "channels", check=False)
        check(alone.returncode and "CAP_SYS_ADMIN" in alone.stdout, f"without privileges: {alone}")
        # Other servers of the machine are seen too.
        shown = server.execute("sh", "-c", 'turnutils_xdp channels --pid "$(cat /tmp/turnserver.pid)"',
                               options=("--privileged", "--user=0")).stdout
        check(f"{NEAR_PEER}:{talk.port}" in shown, f"channels: {shown}")
        argv = json.loads(compose("metrics", "command"))
        once = once_run(lab, "--user", compose("metrics", "user").strip('"'), *options_of("metrics"), IMAGE, *argv, "--once",
                        "--channels").stdout
        check(f'peer="{NEAR_PEER}:{talk.port}"' in once, f"metrics: {once[-3000:]}")


@test("the health check succeeds while the server answers, and only then", seconds=60)
def health(lab):
    with started(lab) as server:
        check(server.healthy(), "not healthy")
        server.signal(signal.SIGSTOP)
        try:
            wait_until(lambda: state(server.pid) == "T", 2, "it is stopped")
            check(not server.healthy(), "healthy while it is stopped")
        finally:
            server.signal(signal.SIGCONT)
        check(server.healthy(), "not healthy after it")


@test("peers that clients must not reach", seconds=90)
def denied(lab):
    with started(lab) as server:
        for family, allowed in ((4, NEAR_PEER), (6, NEAR_PEER6)):
            way = {} if family == 4 else {"server": (SERVER6, 3478), "local": (CLIENT6, 0)}
            with turn.Client(lab.client, **way) as client:
                client.allocate(family=family)
                check_equal(turn.code_of(client.permit, allowed), None, f"answer for {allowed}")
                for address in DENIED[family]:
                    check_equal(turn.code_of(client.permit, address), 403, f"answer for {address}")
        check(server.running(), "it ended")


@test("the variables and the command line that users of coturn's own image know", seconds=120)
def variables(lab):
    seen = ("-e", "REAL_EXTERNAL_IP=203.0.113.9")
    for options, arguments in ((("-e", "DETECT_EXTERNAL_IP=yes"), ()), ((), ("--external-ip=$(detect-external-ip)",))):
        with started(lab, *seen, *options, arguments=arguments), turn.Client(lab.client) as client:
            client.allocate()
            check_equal(client.relayed[0], "203.0.113.9", f"relayed address with {options}, {arguments}")
    with started(lab, "-e", f"DETECT_STUN_SERVERS={SERVER}:1 {SERVER}:3478 [{SERVER6}]:3478") as server:
        check_equal(server.execute("detect-external-ip").stdout.strip(), SERVER, "detected by IPv4")
        check_equal(server.execute("detect-external-ip", "--ipv6").stdout.strip(), SERVER6, "detected by IPv6")
    done = once_run(lab, *options_of("turnserver"), "-e", "DETECT_EXTERNAL_IP=yes",
                    "-e", f"DETECT_STUN_SERVERS={SERVER}:1", IMAGE)
    check(done.returncode == 1 and "set REAL_EXTERNAL_IP" in done.stdout, f"no STUN server answers: {done}")


@test("the configuration of examples/kubernetes, mounted as its pod mounts it", seconds=60)
def kubernetes(lab):
    path = lab.folder / "kubernetes.conf"
    text = (TOP / "examples" / "kubernetes" / "turnserver.conf").read_text(encoding="utf-8")
    path.write_text(text.replace("#static-auth-secret=", f"static-auth-secret={PASSWORD}"), encoding="utf-8")
    user = f"{int(time.time()) + 3600}:alice"
    password = base64.b64encode(hmac.new(PASSWORD.encode(), user.encode(), hashlib.sha1).digest()).decode()
    with Container(lab, *options_of("turnserver"), f"--security-opt=seccomp={lab.podman.profile()}",
                   "-v", f"{path}:/etc/coturn/turnserver.conf:ro", configuration=None) as server, \
            Talk(lab, user=user, password=password) as talk:
        check(server.log_lines("a default route leaves"), "the entrypoint named nothing")
        talk.wait_kernel(server).check_kernel(server)
        with turn.Client(lab.client) as stranger:
            check_equal(turn.code_of(stranger.allocate), 401, "answer to a user without the secret")
        note("\n".join(server.log_lines("ERROR")))


@test("turnserver-drain has it end, and says so if this release of coturn cannot drain", seconds=60)
def drains(lab):
    with started(lab) as server:
        release = server.execute("turnserver", "--version").stdout.split()[0]
        done = server.execute("turnserver-drain", check=False)
        note(f"coturn {release}")
        if tuple(map(int, release.split("."))) >= (4, 17):
            server.wait_end()
            check(server.log_lines("Drain complete"), "nothing of the end in the log")
        else:
            check(f"coturn {release} does not drain" in done.stdout, f"turnserver-drain says {done.stdout}")
            check(server.running(), "it ended")


@test("the image has what the run needs, and nothing to build with", seconds=60)
def contents(lab):
    image = lab.podman.inspect(IMAGE, "image")
    note(f"the image has {image['Size'] / 1e6:.0f} MB")
    check_equal(image["Config"]["User"], "347:347", "USER")
    check(image["Config"]["Labels"]["org.opencontainers.image.title"], "no title")
    found = lab.podman(*RUN, "--network=none", IMAGE, "sh", "-c",
                       "ls /usr/bin/turn*; ls -d /packages /src /usr/include/turn; command -v gcc clang make setcap",
                       check=False).stdout
    lines = [line for line in found.splitlines() if line.startswith("/")]
    check_equal(sorted(lines), [f"/usr/bin/{name}" for name in (
        "turnadmin", "turnserver", "turnutils_stunclient", "turnutils_xdp")], "files")
    missing = lab.podman(*RUN, "--network=none", IMAGE, "sh", "-c", "ldd /usr/bin/turn* | grep 'not found'",
                         check=False).stdout
    check("not found" not in missing, f"libraries that are missing: {missing}")


def add_user(lab):
    """As README.md beside the Dockerfile says."""
    with started(lab) as server:
        server.execute("sh", "-c", 'turnadmin -a -N "ip=127.0.0.1 dbname=0 password=$REDIS_PASSWORD" '
                                   "-r example.org -u user -p secret")


@contextlib.contextmanager
def fixture():
    with Lab("one_leg", ipv6=True) as lab, Podman() as lab.podman:
        lab.server.add_route("default", NEAR_PEER)
        lab.podman.build()
        with RedisWithPassword(lab):
            add_user(lab)
            yield lab


if __name__ == "__main__":
    run(fixture())
