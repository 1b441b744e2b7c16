#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""The commands of docs/guide/server.md run as they stand (on free ports) in an empty folder. Usage: guide_client_test.py GANTRY"""
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


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def main():
    if not shutil.which("curl"):
        skip("curl")
    http, dicom = free_port(), free_port()
    text = "\n".join(re.findall(r"```sh\n(.*?)```", (ROOT / "docs/guide/server.md").read_text(), re.S))
    text = text.replace("gantry serve ", f"gantry serve --http-port {http} --dicom-port {dicom} ").replace(":8080", ":" + http).replace(":11112", ":" + dicom)
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PATH": f"{Path(sys.argv[1]).parent}:{os.environ['PATH']}", "XDG_CACHE_HOME": folder + "/cache"}
        run = subprocess.run(["bash", "-exmc", "trap 'kill %1 2>/dev/null || true' EXIT\n" + text], cwd=folder, env=environment, capture_output=True, text=True, timeout=250)
        assert run.returncode == 0, f"exit {run.returncode}\n{run.stdout[-2000:]}\n{run.stderr[-3000:]}"
        said = run.stdout
        assert '"user":"admin"' in said and '"state":"done"' in said and "gantry_archive_instances 90" in said and "whole; last hash" in said, said[-3000:]


main()
