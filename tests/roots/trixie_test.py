#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Debian 13."""

import release

if __name__ == "__main__":
    release.run("trixie")
