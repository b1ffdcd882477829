# SPDX-License-Identifier: BSD-3-Clause
"""A runner for tests that speak TAP (the Test Anything Protocol).

A test is a function marked with @test("what it shows"). It fails by raising,
with check() or in any other way, and is skipped by skip(). A test that hangs
is stopped by a timer and fails.
"""

import signal
import sys
import time
import traceback
from pathlib import Path

_tests = []


class Skipped(Exception):
    """The test cannot say anything on this machine; the text says why."""


class Failed(AssertionError):
    """A check did not hold."""


def test(name, seconds=60):
    """Marks a function as a test that must end within `seconds`."""
    def register(function):
        _tests.append((name, seconds, function))
        return function
    return register


def skip(reason):
    raise Skipped(reason)


def check(condition, message):
    if not condition:
        raise Failed(message)


def check_equal(got, wanted, what):
    if got != wanted:
        raise Failed(f"{what}: got {got!r}, wanted {wanted!r}")


def note(text):
    """A line for the reader of the output, with no effect on the result."""
    for line in str(text).splitlines():
        print(f"# {line}", flush=True)


def wait_until(condition, seconds, what):
    """Waits for condition() to be true and returns its value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def _on_alarm(_signal, _frame):
    raise Failed("the test took too long")


def _on_end(number, _frame):
    # As an exception, so that every `with` on the way out cleans up.
    raise SystemExit(128 + number)


def _values(error):
    """What the plain variables were where a test failed, and on the way there: they
    say which entry of a table it was."""
    for frame, line in traceback.walk_tb(error.__traceback__):
        file = Path(frame.f_code.co_filename).name
        plain = [f"{name}={value!r}" for name, value in frame.f_locals.items()
                 if isinstance(value, (bool, int, float, str, bytes, tuple, list))]
        plain = [text for text in plain if len(text) <= 100]
        if file.endswith("_test.py") and plain:
            note(f"{file}:{line}, {frame.f_code.co_name}: {', '.join(plain)}")


def _run_one(number, name, seconds, function, args):
    """Runs a test, prints its line and returns whether it did not fail."""
    signal.alarm(seconds)
    try:
        function(*args)
    except Skipped as reason:
        signal.alarm(0)
        print(f"ok {number} - {name} # SKIP {reason}", flush=True)
    except Exception as error:
        signal.alarm(0)
        print(f"not ok {number} - {name}", flush=True)
        if isinstance(error, Failed):
            note(error)
        note("".join(traceback.format_exception(error)) if not isinstance(error, Failed)
             else traceback.format_tb(error.__traceback__)[-1])
        _values(error)
        return False
    else:
        signal.alarm(0)
        print(f"ok {number} - {name}", flush=True)
    return True


def _means(word, name):
    """Whether a word chooses a test: by its whole name, or by a part of it if no
    test has this name."""
    return word == name if any(word == one[0] for one in _tests) else word in name


def _chosen(words):
    """The tests that the words choose: all of them if there are no words. A word
    that chooses none ends the process."""
    for word in words:
        if not any(_means(word, one[0]) for one in _tests):
            print(f"no case of this test has \"{word}\" in its name; --list prints the names", file=sys.stderr)
            sys.exit(2)
    return [one for one in _tests if not words or any(_means(word, one[0]) for word in words)]


def run(fixture=None):
    """Runs the tests of the calling file and ends the process.

    `fixture` is a context manager whose value every test gets; a Skipped that
    it raises skips all of them. Words on the command line choose the tests by
    name; --list prints the names instead.
    """
    if sys.argv[1:] == ["--list"]:
        print("\n".join(one[0] for one in _tests))
        sys.exit(0)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _on_end)
    signal.signal(signal.SIGALRM, _on_alarm)
    chosen = _chosen(sys.argv[1:])
    print(f"1..{len(chosen)}", flush=True)
    failures = 0
    try:
        if fixture is None:
            for number, one in enumerate(chosen, 1):
                failures += not _run_one(number, *one, ())
        else:
            with fixture as value:
                for number, one in enumerate(chosen, 1):
                    failures += not _run_one(number, *one, (value,))
    except Skipped as reason:
        for number, one in enumerate(chosen, 1):
            print(f"ok {number} - {one[0]} # SKIP {reason}", flush=True)
    sys.exit(1 if failures else 0)
