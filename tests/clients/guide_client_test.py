#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""The commands of the guides that start a server run as they stand (on free ports) in an empty folder each. Usage: guide_client_test.py GANTRY
[PAGE...]"""
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from served import ROOT, skip


def free_ports(count):
    """Ports below those that the kernel gives to connections, so that nobody takes them before the server does"""
    found = []
    for port in range(20000 + os.getpid() % 10000, 32000):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                found.append(str(port))
            except OSError:
                continue
        if len(found) == count:
            return found
    raise OSError("no free ports")


def run(page, program, expected):
    http, dicom = free_ports(2)
    text = "\n".join(re.findall(r"```sh\n(.*?)```", (ROOT / "docs/guide" / page).read_text(), re.S))
    text = text.replace("gantry serve ", f"gantry serve --http-port {http} --dicom-port {dicom} ").replace(":8080", ":" + http).replace(":11112", ":" + dicom)
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PATH": f"{Path(program).parent}:{os.environ['PATH']}", "XDG_CACHE_HOME": folder + "/cache"}
        run = subprocess.run(["bash", "-exmc", "trap 'kill %1 %2 2>/dev/null || true' EXIT\n" + text], cwd=folder, env=environment, capture_output=True, text=True, timeout=800)
        assert run.returncode == 0, f"{page}: exit {run.returncode}\n{run.stdout[-2000:]}\n{run.stderr[-3000:]}"
        for words in expected:
            assert words in run.stdout, f"{page}: without {words!r}: {run.stdout[-3000:]}"


def main():
    if not shutil.which("curl"):
        skip("curl")
    pages = {
        "server.md": ['"user":"admin"', '"state":"done"', "gantry_archive_instances 90", "whole; last hash"],
        "radiologist.md": ["lung_left.volume", "1-ct-segmentation-lesions.dcm"],
        "administrator.md": ['"state":"done"', "Gantry segmentation", "gantry_archive_instances 109", "whole; last hash"],
    }
    for page in sys.argv[2:] or pages:
        run(page, sys.argv[1], pages[page])


main()
