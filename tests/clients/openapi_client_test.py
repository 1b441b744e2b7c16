#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""schemathesis reads the OpenAPI document and asks every route whatever the document allows and what it does not: no answer may be a
server error. Usage: openapi_client_test.py GANTRY [SECONDS]"""
import base64
import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from served import PASSWORD, served, with_packages

with_packages("schemathesis")


def main():
    fuzzing = sys.argv[2] if len(sys.argv) > 2 else "10"
    login = "Basic " + base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
    with served(sys.argv[1]) as server:
        command = [str(Path(sys.executable).parent / "schemathesis"), "run", server.url + "/api/v1/openapi.json", "--header", f"Authorization: {login}",
                   "--checks", "not_a_server_error", "--max-examples", "4",
                   # One worker: ast.parse of Python 3.11.2 (Debian 12) fails when two threads are in it (CPython gh-106905).
                   "--workers", "1",
                   "--seed", "1", "--no-color", "--warnings", "off", "--generation-database", "none", "--suppress-health-check", "all",
                   # Wrong passwords close the login for a minute; multipart/related is not among what schemathesis can write.
                   "--exclude-operation-id", "post_login", "--exclude-operation-id", "post_dicom_web_studies",
                   "--exclude-operation-id", "post_dicom_web_studies_by_study"]
        # Systematic requests to all routes, but of the runs of operations, which have one handler, to four; then random requests to all for a
        # given time.
        runs = ["--exclude-path-regex", r"/operations/(?!filter\.gaussian|radiomics\.extract|statistics\.roc|video\.read)[^{]*/runs"]
        for phase, seconds, without in (("coverage", "600", runs), ("fuzzing", fuzzing, [])):
            run = subprocess.run([*command, *without, "--phases", phase, "--max-time", seconds], capture_output=True, text=True, env={**os.environ, "PYTHONWARNINGS": "ignore"}, cwd="/tmp")
            print(run.stdout[-6000:], run.stderr[-2000:])
            assert run.returncode == 0, "schemathesis found a server error, or could not run"
            if phase == "coverage":
                tried, selected = (re.search(pattern, run.stdout) for pattern in (r"Tested: (\d+)", r"Selected: (\d+)/"))
                assert tried and selected and int(tried.group(1)) == int(selected.group(1)) >= 45, "schemathesis did not try every route"
        assert server.process.poll() is None, "the server ended"


main()
