#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The REST interface against its own description: schemathesis, https://schemathesis.readthedocs.io. Run by ctest.

tools/bootstrap --check installs schemathesis into build/deps/schemathesis; SCHEMATHESIS is its program."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

TOKEN = "a-token-for-tests-0123456789"
# Names that are there, so that more than the answer 404 is seen.
CONFIG = """
seed = 7
headers = { Authorization = "Bearer %s" }
parameters = { "path.stream" = "door" }
workers = 2
request-timeout = 10
suppress-health-check = ["all"]
warnings = false
"""
# What goes on until the viewer leaves is tested in src/serve/server_test.cpp.
ENDLESS = r"(/live|/live\.mjpeg|/events/stream|/logout)$"


def main():
    program = os.environ["SCHEMATHESIS"]
    if not Path(program).exists():
        print("skipped: no schemathesis; tools/bootstrap --check installs it")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        token, config = Path(folder, "token"), Path(folder, "schemathesis.toml")
        token.write_text(TOKEN)
        config.write_text(CONFIG % TOKEN)
        demo = subprocess.Popen([os.environ["SERVE_DEMO"], token], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        url = demo.stdout.readline().strip()
        try:
            done = subprocess.run([program, "--config-file", config, "--no-color", "run", f"{url}/api/v1/openapi.json", "--url", url,
                                   "--checks", "all", "--max-examples", "5", "--phases", "examples,coverage,fuzzing",
                                   "--exclude-path-regex", ENDLESS], cwd=folder)
        finally:
            demo.stdin.close()
            demo.wait(10)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
