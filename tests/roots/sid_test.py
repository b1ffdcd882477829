#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Debian unstable: what the next release will have."""

import release

if __name__ == "__main__":
    release.run("sid")
