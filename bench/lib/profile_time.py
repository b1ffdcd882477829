# SPDX-License-Identifier: BSD-3-Clause
"""Where the time goes at the same traffic: by perf where there is one, and by the kernel's own accounts."""

import collections
import contextlib
import json
import shutil
import subprocess
import threading
import time
from pathlib import Path

from rows import Case, prepared

RATE = 50000
HERTZ = 997
# Innermost first wins; names as in the kernel, without what the compiler adds to them.
CAUSES = (("read", ("__sys_recv", "___sys_recv")), ("write", ("__sys_send", "___sys_send")),
          ("wait", ("__x64_sys_epoll", "do_epoll", "__ia32_sys_epoll")))
SOFTIRQ = ("__do_softirq", "handle_softirqs", "net_rx_action")


def task_seconds(pid):
    """CPU seconds of all threads of a process (schedstat: ns on a CPU)."""
    total = 0
    for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):
            total += int(path.read_text(encoding="ascii").split()[0])
    return total / 1e9


def program_seconds(lab):
    """What the kernel counts for the XDP program of s0 (kernel.bpf_stats_enabled)."""
    link = json.loads(lab.server.run("ip", "-j", "link", "show", "dev", "s0").stdout)[0]
    number = link.get("xdp", {}).get("prog", {}).get("id")
    if not number:
        return 0.0
    done = subprocess.run(["bpftool", "-j", "prog", "show", "id", str(number)], check=True, text=True,
                          stdout=subprocess.PIPE)
    return json.loads(done.stdout).get("run_time_ns", 0) / 1e9


@contextlib.contextmanager
def program_accounts():
    """The kernel's clock around every BPF program, which costs some nanoseconds; as it was afterwards."""
    path = Path("/proc/sys/kernel/bpf_stats_enabled")
    before = path.read_text(encoding="ascii")
    path.write_text("1", encoding="ascii")
    try:
        yield
    finally:
        path.write_text(before, encoding="ascii")


def cause_of(command, symbols):
    """What a sample was spent on, or None if not on relaying: the tester's own work, or none."""
    program = any(symbol.startswith("bpf_prog_") and symbol.endswith("_turn") for symbol in symbols)
    if program:
        return "xdp"
    for symbol in symbols:
        if symbol.startswith(SOFTIRQ):
            return "softirq"
        for name, starts in CAUSES:
            if command == "turnserver" and symbol.startswith(starts):
                return name
    return "other" if command == "turnserver" else None


def samples_read(path):
    """Samples by cause."""
    done = subprocess.run(["perf", "script", "-i", path, "-F", "comm,ip,sym"], check=True, text=True, errors="replace",
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    causes = collections.Counter()
    for sample in done.stdout.split("\n\n"):
        lines = sample.strip("\n").splitlines()
        if not lines:
            continue
        symbols = [line.split(None, 1)[1] for line in lines[1:] if len(line.split(None, 1)) == 2]
        causes[cause_of(lines[0].strip(), symbols)] += 1
    return causes


def record(work, seconds):
    """Samples of the whole machine in the middle of the traffic; None without a perf that works."""
    if not shutil.which("perf"):
        return None
    path = work / "perf.data"
    time.sleep(0.8)
    done = subprocess.run(["perf", "record", "-q", "-a", "-g", "-e", "cpu-clock", "-F", str(HERTZ), "-o", path, "--",
                           "sleep", str(seconds)], check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return samples_read(path) if done.returncode == 0 else None


def accounts(lab, row, seconds):
    """Percent of one CPU that the server's threads and the XDP program take."""
    with program_accounts():
        before = time.monotonic(), task_seconds(row.server.pid), program_seconds(lab)
        row.throughput(rate=RATE, seconds=seconds)
        seconds = time.monotonic() - before[0]
        return {"relay_percent": 100 * (task_seconds(row.server.pid) - before[1]) / seconds,
                "program_percent": 100 * (program_seconds(lab) - before[2]) / seconds}


def profile(lab, work, kind, seconds):
    """Figures of one row at RATE datagrams per second."""
    with prepared(lab, work, kind, Case()) as row:
        found = accounts(lab, row, seconds)
        traffic = threading.Thread(target=lambda: row.throughput(rate=RATE, seconds=seconds + 1))
        traffic.start()
        causes = record(work, seconds)
        traffic.join()
    if causes:
        total = sum(count for cause, count in causes.items() if cause)
        for cause in ("read", "write", "wait", "other", "softirq", "xdp"):
            found[f"share_{cause}"] = 100 * causes[cause] / total
        found["cpu_percent"] = 100 * total / HERTZ / seconds
        found["samples"] = total
    return found
