#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Filters of the server's cgroup, which is how systemd's IPAddressDeny= and
RestrictNetworkInterfaces= work: what they drop with the offload off, they drop with it on.
"""

import contextlib

import cgroup
import family
import firewall
from firewall import Row
from tap import run


def _setup(kind, what, parent=False):
    @contextlib.contextmanager
    def made(lab, of):
        with cgroup.Cgroup() as above, cgroup.Cgroup(above) as own, \
                cgroup.attached(lab, above if parent else own, kind, what(lab, of)):
            yield own.prefix()
    return made


ROWS = (
    Row("no filter", setup=_setup(cgroup.EGRESS, lambda lab, of: cgroup.to_address(of.no_host)), kernel=(firewall.ENOUGH, firewall.ENOUGH)),
    Row("an egress filter drops what goes to the peer", arrives=(False, False),
        setup=_setup(cgroup.EGRESS, lambda lab, of: cgroup.to_address(of.peer))),
    Row("an egress filter of the cgroup above drops what goes to the peer", arrives=(False, False),
        setup=_setup(cgroup.EGRESS, lambda lab, of: cgroup.to_address(of.peer), parent=True)),
    Row("an egress filter of an interface drops what goes to the peer", arrives=(False, False),
        setup=_setup(cgroup.EGRESS, lambda lab, of: cgroup.by_interface(lab.server, "to-peer", cgroup.to_address(of.peer)))),
    Row("an ingress filter of another interface drops nothing of the peer's",
        setup=_setup(cgroup.INGRESS, lambda lab, of: cgroup.by_interface(lab.server, "to-client", cgroup.from_address(of.peer))),
        kernel=(firewall.ENOUGH, firewall.ENOUGH)),
    Row("an ingress filter of an interface drops what the peer sends", arrives=(True, False),
        setup=_setup(cgroup.INGRESS, lambda lab, of: cgroup.by_interface(lab.server, "to-peer", cgroup.from_address(of.peer)))),
    Row("an ingress filter drops what the peer sends", arrives=(True, False),
        setup=_setup(cgroup.INGRESS, lambda lab, of: cgroup.from_address(of.peer))),
)

firewall.cases(ROWS)

if __name__ == "__main__":
    run(family.fixture())
