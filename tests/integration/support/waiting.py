"""Waiting for a state instead of sleeping for a time."""

import time

# How long a state may take to come about, in seconds. Far more than it ever takes: a slow machine
# must not fail a test, and only a failing test waits so long.
DEADLINE = 30.0


def wait_until(condition, what, deadline=DEADLINE):
    """Calls `condition` until it gives something true, and returns that.

    Fails with `what`, a sentence on the state that should have come about, after `deadline` seconds.
    """
    end = time.monotonic() + deadline
    pause = 0.001
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"did not come about within {deadline:g} s: {what}")
        time.sleep(pause)
        pause = min(2 * pause, 0.05)
