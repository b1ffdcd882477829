# SPDX-License-Identifier: BSD-3-Clause
"""Servers of PostgreSQL and of MariaDB, each with a database that is empty and
a user that may do all with it. tests/run.sh unpacks them, where they are not
installed; none runs as a service."""

import os
import shutil

from netns import command
from server import BINARY
from service import UNPACKED as _ROOT, Service, find_program
from tap import skip

_DATABASE, _USER, _PASSWORD = "coturn", "turn", "turn-secret"


def _require(library):
    if library not in command(["ldd", BINARY]).stdout:
        skip(f"turnserver is built without {library}")


class _SqlServer(Service):
    """`location` is the connection as turnserver takes it, `environment` what
    its client wants, by the name of each variable, and `separator` what is
    between columns in what ask() returns."""

    library = program = ""
    folders = ()
    location = ""

    def __init__(self, lab):
        super().__init__(lab)
        _require(self.library)
        self.programs = find_program(self.program, *self.folders)
        libraries = ":".join(str(found) for folder in ("usr/lib", "lib") for found in _ROOT.glob(f"{folder}/*-linux-gnu*"))
        self.environment = {"PATH": f"{self.programs}:{_ROOT}/usr/bin:{os.environ['PATH']}", "LD_LIBRARY_PATH": libraries}
        self.data = lab.folder / self.name
        self.data.mkdir()
        shutil.chown(self.data, "nobody")

    def run(self, *argv, check=True):
        return self.lab.server.run(*self._words(), *argv, seconds=60, check=check)

    def _words(self):
        return ["env", *(f"{name}={value}" for name, value in self.environment.items())]


class PostgreSQL(_SqlServer):
    """Passwords are asked for, as on a server that others can reach."""

    name, library, program = "postgresql", "libpq.so", "postgres"
    folders = ("usr/lib/postgresql/*/bin",)
    separator = "|"
    location = f"host=127.0.0.1 dbname={_DATABASE} user={_USER} password={_PASSWORD} connect_timeout=10"

    def prepare(self):
        secret = self.lab.folder / "postgresql-password"
        secret.write_text(_PASSWORD, encoding="ascii")
        self.run(*self._nobody(), "initdb", "-D", self.data / "data", "-U", _USER, f"--pwfile={secret}",
                 "--auth=scram-sha-256", "--no-sync", "--locale=C")
        return [*self._words(), *self._nobody(), "postgres", "-D", self.data / "data", "-c",
                "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"]

    @staticmethod
    def _nobody():
        # It refuses to run as root.
        return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]

    def answers(self):
        return self.run("pg_isready", "-h", "127.0.0.1", check=False).returncode == 0

    def ready(self):
        self.run("psql", "-X", "-d", self.location.replace(f"dbname={_DATABASE}", "dbname=postgres"), "-c",
                 f"CREATE DATABASE {_DATABASE}")

    def ask(self, statement):
        """What it answers, by lines."""
        return self.run("psql", "-X", "-A", "-t", "-d", self.location, "-c", statement).stdout.split("\n")[:-1]


class MariaDB(_SqlServer):
    """A user of the database's own, with a password; root has none, and is nobody's."""

    name, library, program = "mariadb", "libmariadb.so", "mariadbd"
    folders = ("usr/sbin", "usr/libexec")
    separator = "\t"
    location = f"host=127.0.0.1 port=3306 dbname={_DATABASE} user={_USER} password={_PASSWORD} connect_timeout=10"

    def prepare(self):
        base = self.programs.parent
        self.run("mariadb-install-db", "--no-defaults", f"--basedir={base}", f"--datadir={self.data}/data",
                 "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve", "--user=nobody")
        return [*self._words(), "mariadbd", "--no-defaults", "--user=nobody", f"--basedir={base}",
                f"--datadir={self.data}/data", f"--lc-messages-dir={base}/share/mysql",
                f"--socket={self.data}/socket", f"--pid-file={self.data}/pid",
                "--bind-address=127.0.0.1", "--port=3306", "--skip-name-resolve"]

    def _client(self, statement, *more, check=True):
        return self.run("mariadb", "--no-defaults", "--host=127.0.0.1", "--port=3306", "--batch",
                        "--skip-column-names", *more, "-e", statement, check=check)

    def answers(self):
        return self._client("SELECT 1", "--user=root", check=False).returncode == 0

    def ready(self):
        self._client(f"CREATE DATABASE {_DATABASE}; CREATE USER {_USER}@'127.0.0.1' IDENTIFIED BY '{_PASSWORD}'; "
                     f"GRANT ALL ON {_DATABASE}.* TO {_USER}@'127.0.0.1'", "--user=root")

    def ask(self, statement):
        """What it answers, by lines."""
        return self._client(statement, f"--user={_USER}", f"--password={_PASSWORD}",
                            f"--database={_DATABASE}").stdout.split("\n")[:-1]
