# SPDX-License-Identifier: BSD-3-Clause
"""coturn as the distribution packages it, unpacked beside the build; nothing is installed."""

import subprocess
import sys

from lab import ROOT
from rows import Kind

FOLDER = ROOT / "build" / "stock"


def _run(*argv, folder=None):
    done = subprocess.run(argv, cwd=folder, check=False, timeout=120, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        raise OSError(f"{' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout


def _missing_libraries(binary):
    """Packages of libraries that coturn depends on and this system does not have."""
    if "not found" not in _run("env", f"LD_LIBRARY_PATH={_libraries()}", "ldd", str(binary)):
        return []
    words = [line.split()[-1] for line in _run("apt-cache", "depends", "coturn").splitlines() if "Depends: lib" in line]
    installed = set(_run("dpkg-query", "-W", "-f", "${Package}\n").split())
    return [word for word in words if word not in installed]


def _libraries():
    return ":".join(str(path) for path in sorted(FOLDER.glob("usr/lib/*-linux-gnu*")))


def _unpack(*packages):
    _run("apt-get", "download", *packages, folder=FOLDER)
    for package in FOLDER.glob("*.deb"):
        _run("dpkg-deb", "-x", str(package), str(FOLDER))
        package.unlink()


def kinds():
    """The row of the distribution's coturn, or none where it cannot be had."""
    binary = FOLDER / "usr" / "bin" / "turnserver"
    try:
        FOLDER.mkdir(parents=True, exist_ok=True)
        if not binary.exists():
            _unpack("coturn")
        missing = _missing_libraries(binary)
        if missing:
            _unpack(*missing)
        version = _run("env", f"LD_LIBRARY_PATH={_libraries()}", str(binary),
                                                         "--version").split()[0]
    except (OSError, subprocess.SubprocessError, IndexError) as error:
        print(f"bench: no row of the distribution's coturn: {error}", file=sys.stderr)
        return []
    return [Kind("stock", f"coturn {version} as packaged", str(binary), libraries=_libraries())]
