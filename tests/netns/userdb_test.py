#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Users of each kind of database, set up by turndb's scripts, have their channels
in the kernel; others are turned away."""

from pathlib import Path

import turn
from lab import Lab
from redis_server import Redis
from server import REALM, Server, tool
from sql_servers import MariaDB, PostgreSQL
from talk import Talk
from tap import check, check_equal, run, test

_SCRIPTS = Path(__file__).resolve().parents[2] / "turndb"


def add_user(lab, script, database, user, password, check=True, **environment):
    words = [f"{name}={value}" for name, value in environment.items()]
    return lab.server.run("env", f"TURNADMIN={tool('turnadmin')}", *words, _SCRIPTS / script, database,
                          REALM, user, password, check=check)


def refused(lab, user, password):
    """The code that an allocation of this user is answered with."""
    with turn.Client(lab.client, user=user, password=password) as client:
        return turn.code_of(client.allocate)


def check_users(lab, server, user, password):
    with Talk(lab, user=user, password=password) as talk:
        talk.wait_kernel(server).check_kernel(server, 5)
    check_equal(refused(lab, user, "wrong"), 401, "a wrong password")
    check_equal(refused(lab, "nobody", password), 401, "an unknown user")


@test("SQLite: a user that setup-sqlite.sh added is offloaded, others are refused")
def sqlite(lab):
    path = lab.folder / "another.db"
    said = add_user(lab, "setup-sqlite.sh", path, "alice", "first").stdout
    check("alice" in said, said)
    # The server may run as another user.
    path.chmod(0o666)
    with Server(lab, ("userdb", path)) as server:
        check_users(lab, server, "alice", "first")
        add_user(lab, "setup-sqlite.sh", path, "alice", "second")
        add_user(lab, "setup-sqlite.sh", path, "bob", "third")
        check_users(lab, server, "alice", "second")
        check_users(lab, server, "bob", "third")


@test("Redis: a user that setup-redis.sh added is offloaded, others are refused")
def redis_database(lab):
    with Redis(lab) as redis:
        said = add_user(lab, "setup-redis.sh", redis.location, "alice", "first").stdout
        check("alice" in said, said)
        keys = redis.ask("KEYS", "*")
        check_equal(keys, [f"turn/realm/{REALM}/user/alice/key"], "keys")
        with Server(lab, ("redis-userdb", f'"{redis.location}"')) as server:
            check_users(lab, server, "alice", "first")
            # Who is in SQLite only is not a user here.
            check_equal(refused(lab, "user", "secret"), 401, "a user of another database")
            add_user(lab, "setup-redis.sh", redis.location, "alice", "second")
            check_users(lab, server, "alice", "second")


def check_sql(lab, kind, script, option):
    """A database that the script makes the tables of, and serves by."""
    with kind(lab) as database:
        def add(user, password):
            said = add_user(lab, script, database.location, user, password, **database.environment).stdout
            check(user in said, said)

        add("alice", "first")
        check_equal(database.ask("SELECT realm, name FROM turnusers_lt")[0].split(database.separator), [REALM, "alice"],
                    "who is in it")
        with Server(lab, (option, f'"{database.location}"')) as server:
            check_users(lab, server, "alice", "first")
            # Who is in SQLite only is not a user here.
            check_equal(refused(lab, "user", "secret"), 401, "a user of another database")
            # The tables are kept, with those who are in them.
            add("alice", "second")
            add("bob", "third")
            check_users(lab, server, "alice", "second")
            check_users(lab, server, "bob", "third")
            check_equal(database.ask("SELECT COUNT(*) FROM turnusers_lt"), ["2"], "users")
        done = add_user(lab, script, database.location.replace("password=", "password=x"), "alice", "third", False,
                        **database.environment)
        check(done.returncode == 1 and "cannot make the tables" in done.stdout, f"a wrong password: {done.stdout}")


@test("PostgreSQL: a user that setup-postgresql.sh added is offloaded, others are refused", seconds=150)
def postgresql(lab):
    check_sql(lab, PostgreSQL, "setup-postgresql.sh", "psql-userdb")


@test("MariaDB: a user that setup-mysql.sh added is offloaded, others are refused", seconds=150)
def mariadb(lab):
    check_sql(lab, MariaDB, "setup-mysql.sh", "mysql-userdb")


@test("the scripts say what is wrong, and fail")
def mistakes(lab):
    for script, database, user, words in (
            ("setup-sqlite.sh", "/nowhere/db", "alice", "no directory"),
            ("setup-sqlite.sh", lab.folder / "x.db", "o'brien", "single quote"),
            ("setup-redis.sh", "ip=127.0.0.1 port=6380", "alice", ""),
            ("setup-redis.sh", "ip=127.0.0.1 port=6380", "a b", "spaces"),
            ("setup-postgresql.sh", "host=127.0.0.1", "o'brien", "single quote"),
            ("setup-mysql.sh", "host=127.0.0.1", "a\\b", "backslashes")):
        done = add_user(lab, script, database, user, "secret", check=False)
        check(done.returncode == 1, f"{script} {database}: status {done.returncode}: {done.stdout}")
        check(done.stdout.startswith(f"{script}: ") and words in done.stdout, done.stdout)


if __name__ == "__main__":
    run(Lab("direct"))
