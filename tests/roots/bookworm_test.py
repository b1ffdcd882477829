#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Debian 12."""

import release

if __name__ == "__main__":
    release.run("bookworm")
