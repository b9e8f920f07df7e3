# SPDX-License-Identifier: Apache-2.0
"""What tests with other programs share: ports for those, and waiting for them."""

import random
import socket
import time


def free_port():
    """The kernel gives none of these to connections: it stays free while a server that has it is away."""
    with socket.socket() as one:
        while True:
            try:
                one.bind(("127.0.0.1", random.randint(20_000, 30_000)))
                return one.getsockname()[1]
            except OSError:
                pass  # somebody has it


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def wait_for(condition, what, seconds=120, instead=lambda: ""):
    """`instead` tells what there is, if the condition does not come true."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if answer := condition():
            return answer
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what} {instead()}")
