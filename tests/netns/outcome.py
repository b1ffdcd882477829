# SPDX-License-Identifier: BSD-3-Clause
"""What becomes of a server that cannot offload: it relays in userspace and says
why in one line, or refuses to start if told to."""

from server import Server
from talk import Talk
from tap import check, check_equal, note


def said(server, *words):
    """Lines of ours in the log that have all of the words."""
    return [line for line in server.log_lines(r"\bxdp: ")
            if all(word.lower() in line.lower() for word in words)]


def check_said(server, *words):
    """One such line."""
    lines = said(server, *words)
    check_equal(len(lines), 1, f"lines with {words}; all of ours: {said(server)}")
    note(lines[0].strip())


def check_refused(lab, *options, words=(), **more):
    """xdp-required: the server ends, not with status 0, and says why."""
    with Server(lab, *options, ("xdp-required", None), ready=False, **more) as server:
        status = server.wait_end()
        check(status not in (0, None) and status > 0, f"exit status {status}")
        check_said(server, *words)
        check_equal(server.xdp(), [], "interfaces with XDP")


def check_relays_without(lab, *options, words=(), **more):
    with Server(lab, *options, **more) as server, Talk(lab) as talk:
        talk.warm()
        talk.check_userspace(server)
        check_said(server, *words)
