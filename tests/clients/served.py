# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""A Gantry server for the tests of clients: starts `gantry serve` on free ports over an empty folder and stops it by SIGTERM."""
import contextlib
import importlib.util
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "client test password"
SKIPPED = 77


def skip(missing):
    """Ends the test for want of a tool; with GANTRY_REQUIRE_TEST_TOOLS=1, which `./dev test` sets because it installs them all, as a failure."""
    print(f"SKIPPED: {missing} is missing (./dev setup test)")
    sys.exit(1 if os.environ.get("GANTRY_REQUIRE_TEST_TOOLS") == "1" else SKIPPED)


def with_packages(*modules):
    """Goes on in the interpreter of the tests ($GANTRY_PYTHON, else .venv), whose packages are of known versions; without them the test is skipped."""
    python = os.environ.get("GANTRY_PYTHON", str(ROOT / ".venv/bin/python3"))
    if not os.environ.get("GANTRY_CLIENT_RESTARTED") and Path(python).exists():
        os.environ["GANTRY_CLIENT_RESTARTED"] = "1"
        os.execv(python, [python, "-W", "ignore", *sys.argv])
    if all(importlib.util.find_spec(m) for m in modules):
        return
    skip(f"Python with {', '.join(modules)}")


class Served:
    def __init__(self, process, http_port, dicom_port):
        self.process, self.http_port, self.dicom_port = process, http_port, dicom_port
        self.url = f"http://127.0.0.1:{http_port}"

    def resident_bytes(self, field="VmRSS"):
        """Memory of the server; VmHWM = the most that it ever had."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{field}:\s+(\d+) kB", status).group(1)) * 1024


@contextlib.contextmanager
def started(program, folder, *options, largest_file_kib=None):
    """The running server over `folder`/data, whose files cannot grow beyond `largest_file_kib`, as on a disk that is full; at the end it must stop by itself, with status 0 and without a word on standard error, unless it
    was killed."""
    (Path(folder) / "password").write_text(PASSWORD + "\n")
    command = [program, "serve", "--data", folder + "/data", "--http-port", "0", "--dicom-port", "0", "--admin-password-file", folder + "/password", *options]
    if largest_file_kib:
        command = ["bash", "-c", f'ulimit -f {largest_file_kib} && exec "$@"', "bash", *command]
    with open(folder + "/errors", "w+") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            line = process.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:(\d+)/, DICOM \w+ on 127\.0\.0\.1:(\d+)", line)
            assert found, f"not ready: {line!r} {Path(folder, 'errors').read_text()}"
            yield Served(process, int(found.group(1)), int(found.group(2)))
            process.send_signal(signal.SIGTERM)
            status = process.wait(timeout=300)
            said = Path(folder, "errors").read_text()
            assert status in (0, -signal.SIGKILL) and said == "", f"status {status}: {said}"
        finally:
            process.kill()
            process.wait()


@contextlib.contextmanager
def served(program, *options):
    """The same over an empty folder."""
    with tempfile.TemporaryDirectory() as folder, started(program, folder, *options) as server:
        yield server
