# SPDX-License-Identifier: BSD-3-Clause
"""What goes on in the background of a test, from `with` to its end."""

import threading


class Background:
    """Functions that run in threads of their own until `_stop` is set. They have this many seconds to
    notice it."""

    def __init__(self, *functions, patience=5):
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=run, daemon=True) for run in functions]
        self._patience = patience

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(self._patience)
