#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""`make deb`, and its package in the place of Debian's coturn, on Debian 12 and 13: machines
whose systemd runs the package's coturn with a user in SQLite and one in PostgreSQL. The
commands are those of the README.
"""

import contextlib
import functools
import re
import shutil

from debian import HOME, TARBALL, debian_root, host_tarball
from machine import Machine
from root import TOP, Root
import capabilities
from kernel import Offload
from lab import Lab
from server import PASSWORD, REALM, USER, attached
from talk import Talk
from tap import check, check_equal, note, run, test, wait_until

SUITES = ("bookworm", "trixie")
CONFIGURATION = "/etc/turnserver.conf"
DATABASE = "/var/lib/turn/turndb"
# What an administrator may have set.
SET_BEFORE = f"lt-cred-mech\nrealm={REALM}\nno-tls\nno-dtls\nno-cli\n"
# Local, so PostgreSQL knows the user by the process.
POSTGRESQL = "host=/var/run/postgresql dbname=coturn user=turnserver"
POSTGRESQL_USER = "elsewhere"
# Files of Debian's coturn that ours leaves to it, and those whose folder has the package's name.
NOT_OURS = re.compile(r"/etc/(default|init\.d|ufw)/?|/usr/share/(doc|doc-base|lintian)/?")


def readme():
    """The commands of the README's section, without sudo, and with apt's questions answered."""
    text = (TOP / "README.md").read_text(encoding="utf-8")
    section = re.search(r"^### Replacing Debian's coturn\n(.*?)^##", text, re.M | re.S).group(1)
    lines = [line.split("   #")[0].strip() for line in section.splitlines() if line.startswith("    ")]
    return [re.sub(r"\b(apt|apt-get) (install|build-dep) ", r"apt-get \2 -y --no-install-recommends ",
                   line.replace("sudo ", "")) for line in lines]


BUILD, INSTALL, TURN_ON = readme()[:2], readme()[2], readme()[3:]
AS_TURNSERVER = "runuser -u turnserver --"
# What no package may change, as these commands show it.
STATE = {
    "modes": f"stat -c '%n %A %U %G' {CONFIGURATION} /var/lib/turn {DATABASE}",
    "account": "getent passwd turnserver; getent group turnserver",
    "holds": "apt-mark showhold",
    "overrides": "dpkg-statoverride --list | sort",
    "enabled": "systemctl is-enabled coturn",
    "configuration": f"cat {CONFIGURATION}",
    "other files": "cd /etc && cat default/coturn init.d/coturn ufw/applications.d/turnserver",
    "SQLite": f"{AS_TURNSERVER} turnadmin -l -b {DATABASE} -r {REALM} | grep ']$'",
    "PostgreSQL": f"{AS_TURNSERVER} turnadmin -l -e '{POSTGRESQL}' -r {REALM} | grep ']$'",
}


class Service:
    """The server that a unit has started, as Talk wants it."""

    def __init__(self, machine, unit="coturn"):
        self._machine = machine
        self._unit = unit
        self.pid = wait_until(lambda: machine.main_process(unit), 15, "a server")
        self.offload = Offload(self.pid)

    def log(self):
        return self._machine.run("journalctl", "--no-pager", "-u", self._unit).stdout[-8000:]


class Debian:
    """A machine of one release, with its coturn, PostgreSQL and two users."""

    def __init__(self, stack, lab, suite):
        self.suite = suite
        self.root = stack.enter_context(Root(suite, f"deb-{suite}"))
        self.root.install("systemd", "systemd-sysv", "coturn", "postgresql")
        # The machine's kernel has its modules already.
        self.root.run("ln", "-s", "/dev/null", "/etc/systemd/system/systemd-modules-load.service")
        self.machine = stack.enter_context(Machine(self.root, lab.server))
        self.lab = lab
        self._prepare()
        self.paths = self.shell("dpkg -L coturn").stdout.split()
        self.before = {name: self.shell(script).stdout for name, script in STATE.items()}

    def shell(self, script, **more):
        try:
            return self.machine.shell(script, **more)
        except RuntimeError as error:
            log = self.machine.run("journalctl", "--no-pager", "-o", "short-precise", check=False).stdout
            raise RuntimeError(f"{error}\nThe machine's log:\n{log[-6000:]}") from error

    def _prepare(self):
        with self.root.inside(CONFIGURATION).open("a", encoding="utf-8") as conf:
            conf.write(SET_BEFORE)
        # Guides say to do this; dpkg must not ask about it.
        self.shell("echo TURNSERVER_ENABLED=1 >>/etc/default/coturn")
        self.shell("apt-mark hold sqlite3")
        self.shell("runuser -u postgres -- createuser turnserver")
        self.shell("runuser -u postgres -- createdb -O turnserver coturn")
        self.shell("runuser -u turnserver -- psql -q coturn </usr/share/coturn/schema.sql")
        for where, user in ((f"-b {DATABASE}", USER), (f"-e '{POSTGRESQL}'", POSTGRESQL_USER)):
            self.add_user(where, user)
        self.shell("systemctl restart coturn")

    def add_user(self, database, user):
        self.shell(f"{AS_TURNSERVER} turnadmin -a {database} -u {user} -p {PASSWORD} -r {REALM}")

    def unchanged(self, when, only=tuple(STATE)):
        for name in only:
            check_equal(self.shell(STATE[name]).stdout, self.before[name], f"{when}: {name}")

    def configure(self, *lines):
        """The configuration from now on: the package's with these added."""
        shipped, mine, _ = self.before["configuration"].partition(SET_BEFORE)
        self.before["configuration"] = shipped + mine + "".join(f"{line}\n" for line in lines)
        self.root.inside(CONFIGURATION).write_text(self.before["configuration"], encoding="utf-8")

    def server(self):
        """The server, once the unit has started; Debian 13's scripts may not wait for it."""
        def state():
            return self.shell("systemctl is-active coturn", check=False).stdout.strip()
        wait_until(lambda: state() not in ("activating", "deactivating"), 30, "coturn, started or failed")
        check_equal((state(), self.shell("systemctl show -P NRestarts coturn").stdout.strip()), ("active", "0"),
                    "coturn, and how often systemd had to start it again")
        return Service(self.machine)

    def is_ours(self):
        return "xdp-offload" in self.shell("turnserver -h", check=False).stdout

    def serves(self, user=USER):
        """Whatever server it is, this user's data arrive."""
        self.server()
        with Talk(self.lab, user=user) as talk:
            talk.warm()

    def offloads(self, user=USER):
        server = self.server()
        with Talk(self.lab, user=user) as talk:
            talk.wait_kernel(server).check_kernel(server)

    def install(self):
        folder = self.root.inside("/srv/build/deb")
        folder.mkdir(parents=True, exist_ok=True)
        for package in self.lab.packages[self.suite]:
            (folder / package.name).write_bytes(package.read_bytes())
        return self.shell(f"cd /srv && {INSTALL}")

    def turn_on(self):
        for line in TURN_ON:
            self.shell(line)
        self.before["configuration"] += "xdp-offload\n"

    def go_back(self):
        self.shell("apt-get install -y --no-install-recommends coturn")
        self.unchanged("Debian's coturn is back")
        check(not self.is_ours(), "the server is still ours")
        check_equal(attached(self.lab.server), [], "interfaces with a program")
        check_equal(capabilities.of_process(self.server().pid).permitted, 0, "capabilities of Debian's server")
        self.shell("apt-get purge -y coturn-xdp")
        self.unchanged("coturn-xdp is purged")


_cases = []


def case(name, seconds=300):
    """A test that runs on each release."""
    def register(function):
        _cases.append((name, seconds, function))
        return function
    return register


@case("make deb, and lintian finds no error", seconds=1000)
def build(lab, suite):
    with debian_root(suite, f"deb-build-{suite}") as debian:
        debian.root.inside(TARBALL).write_bytes(host_tarball().read_bytes())
        for line in BUILD:
            debian.run("sh", "-e", "-c", line.replace("./configure", f"./configure --with-coturn={TARBALL}"),
                       seconds=900)
        debian.root.install("lintian")
        found = debian.run("sh", "-c", "lintian --allow-root --fail-on error build/deb/*.changes", check=False)
        note(found.stdout)
        check_equal(found.returncode, 0, "lintian's status")
        folder = lab.folder / suite
        folder.mkdir()
        for package in debian.root.inside(f"{HOME}/build/deb").glob("coturn-xdp_*.deb"):
            shutil.copy(package, folder)
        lab.packages[suite] = sorted(folder.glob("*.deb"))
    check_equal(len(lab.packages[suite]), 1, "binary packages")


@case("before: Debian's coturn serves its user")
def before(lab, suite):
    debian = lab.debian(suite)
    check(not debian.is_ours(), "the server is ours")
    for database, user in (("SQLite", USER), ("PostgreSQL", POSTGRESQL_USER)):
        check(f"{user}[{REALM}]" in debian.before[database], f"{database}: {debian.before[database]}")
    debian.serves()


@case("with coturn on hold, apt refuses and changes nothing")
def held(lab, suite):
    debian = lab.debian(suite)
    debian.shell("apt-mark hold coturn")
    try:
        debian.install()
        refused = False
    except RuntimeError as error:
        refused = re.search(r"held (broken )?packages", str(error), re.I)
    check(refused, "a package on hold was replaced")
    check(not debian.is_ours(), "the server is ours")
    debian.shell("apt-mark unhold coturn")
    debian.unchanged("refused")


@case("apt install: users, configuration and holds stay, and the user is served")
def install(lab, suite):
    debian = lab.debian(suite)
    said = debian.install()
    check(debian.is_ours(), said)
    debian.unchanged("installed")
    debian.serves()
    check_equal(attached(lab.server), [], "interfaces with a program, which nobody has asked for")


@case("each path of Debian's package is there")
def paths(lab, suite):
    debian = lab.debian(suite)
    ours = debian.shell("dpkg -L coturn-xdp").stdout.split()
    wanted = [path for path in debian.paths if not NOT_OURS.match(path) and path != "/."]
    check(len(wanted) > 30, f"paths: {wanted}")
    check_equal([path for path in wanted if path not in ours], [], "paths that are missing")


@case("turned on as the README says, the kernel relays")
def turn_on(lab, suite):
    debian = lab.debian(suite)
    debian.turn_on()
    debian.offloads()
    debian.unchanged("turned on")


@case("reinstalled, as an upgrade does it: the kernel relays again")
def upgrade(lab, suite):
    debian = lab.debian(suite)
    was = debian.server().pid
    debian.shell("cd /srv && apt-get install -y --reinstall ./build/deb/coturn-xdp_*.deb")
    check(debian.server().pid != was, "the old server still runs")
    debian.offloads()
    debian.unchanged("reinstalled")


@case("apt install coturn, then purge of ours: all as it was")
def back(lab, suite):
    debian = lab.debian(suite)
    debian.go_back()
    debian.serves()


@case("a user in PostgreSQL: installed, turned on, and back")
def postgresql(lab, suite):
    debian = lab.debian(suite)
    debian.configure(f'psql-userdb="{POSTGRESQL}"')
    debian.shell("systemctl restart coturn")
    debian.serves(POSTGRESQL_USER)
    debian.install()
    debian.unchanged("installed")
    debian.serves(POSTGRESQL_USER)
    debian.turn_on()
    debian.offloads(POSTGRESQL_USER)
    debian.go_back()
    debian.serves(POSTGRESQL_USER)


@case("Debian's coturn is purged while ours runs: users, configuration and unit stay")
def purge_theirs(lab, suite):
    debian = lab.debian(suite)
    debian.configure()
    debian.install()
    debian.turn_on()
    said = debian.shell("apt-get purge -y coturn", check=False).stdout
    check("userdel: user turnserver is currently used" in said, said)
    debian.shell("dpkg --configure -a")
    debian.unchanged("purged", [name for name in STATE if name != "other files"])
    debian.offloads()


@case("examples/systemd/turnserver.service in place of the package's unit: the kernel relays")
def other_unit(lab, suite):
    debian = lab.debian(suite)
    unit = (TOP / "examples/systemd/turnserver.service").read_text(encoding="utf-8")
    debian.root.inside("/etc/systemd/system/turnserver.service").write_text(
        unit.replace("/usr/local/bin/", "/usr/bin/"), encoding="utf-8")
    debian.shell("systemctl daemon-reload && systemctl stop coturn && systemctl start turnserver")
    server = Service(debian.machine, "turnserver")
    with Talk(lab) as talk:
        talk.wait_kernel(server).check_kernel(server)
    check(capabilities.user_of(server.pid)[0], "it runs as root")
    debian.shell("systemctl stop turnserver && rm /etc/systemd/system/turnserver.service && systemctl daemon-reload")
    debian.shell("systemctl start coturn")


@case("without Debian's coturn: installed, turned on, purged")
def alone(lab, suite):
    debian = lab.debian(suite)
    debian.shell("systemctl stop coturn && apt-get purge -y coturn-xdp coturn")
    debian.shell(f"! ls -d {CONFIGURATION} /var/lib/turn && ! getent passwd turnserver && ! id turnserver")
    debian.install()
    debian.configure()
    debian.unchanged("installed alone", only=("modes", "overrides", "enabled", "configuration"))
    debian.add_user(f"-b {DATABASE}", USER)
    debian.turn_on()
    debian.offloads()
    said = debian.shell("apt-get purge -y coturn-xdp").stdout
    check(f"kept, as it has users: {DATABASE}" in said, said)
    debian.shell(f"test -e {DATABASE} && ! ls -d {CONFIGURATION} /etc/systemd/system/coturn.service.d")


class Suites(Lab):
    """A lab for the machines, one at a time: they have the same addresses."""

    def __init__(self):
        super().__init__("direct")
        self.packages = {}
        self._machines = {}
        self._stack = contextlib.ExitStack()

    def debian(self, suite):
        if suite not in self._machines:
            self._stack.close()
            self._machines = {suite: Debian(self._stack, self, suite)}
        return self._machines[suite]

    def __exit__(self, *error):
        self._stack.close()
        super().__exit__(*error)


def register():
    for suite in SUITES:
        for name, seconds, function in _cases:
            test(f"{suite}: {name}", seconds)(functools.partial(_run, function, suite))


def _run(function, suite, lab):
    function(lab, suite)


if __name__ == "__main__":
    register()
    run(Suites())
