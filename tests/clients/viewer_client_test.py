#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""The packaged viewer in Chromium, at the addresses that docs/demo_serve.py prints for analysed patients: a CT, and an MR that is stored as JPEG-LS,
with their masks; web/viewer/test/viewer.mjs looks. Usage: viewer_client_test.py GANTRY [PICTURES]"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from served import ROOT, SKIPPED, skip


def look(program, folder, modality, pictures):
    run = lambda *words: subprocess.run([program, *words], check=True, stdout=subprocess.DEVNULL)
    run("simulation", "digital-patient", f"{folder}/patient", "--seed", "1", "--modality", modality, "--size", "small", "--quiet")
    study = f"{folder}/patient/dicom"
    if modality == "mr":
        for file in Path(study).iterdir():
            subprocess.run(["dcmcjpls", file, file], check=True)
    run("analyze", study, "-o", f"{folder}/result", "--cache", "off", "--quiet")
    segments = json.loads(Path(f"{folder}/result/summary.json").read_text())["studies"][0]["segments"]
    names = [one["name"] for one in segments if one["id"] in ("lung_left", "heart", "brain", "ventricles")]
    assert len(names) == 2, [one["id"] for one in segments]
    demo = [sys.executable, ROOT / "docs/demo_serve.py", program, folder, study]
    with subprocess.Popen(demo, stdout=subprocess.PIPE, text=True, env={**os.environ, "GANTRY_DEMO_PORT": "0"}) as server:
        try:
            said = ""
            while "Ctrl-C" not in said:
                line = server.stdout.readline()
                assert line, f"demo_serve.py ended: {said}"
                said += line
            password, address = re.search(r"password (\S+)\nViewer:  (http://127\.0\.0\.1:\d+/viewer\?\S+&initialSeriesInstanceUID=[0-9.]+)\n", said).groups()
            series, other = ("Chest without contrast", "Gantry lesion segmentation") if modality == "ct" else ("T1 MPRAGE", None)
            case = {"name": modality, "series": series, "segments": names, "other": other, "edited": "Heart" if modality == "ct" else None}
            subprocess.run([shutil.which("node"), ROOT / "web/viewer/test/viewer.mjs", address, password, json.dumps(case), *pictures], check=True)
            check_files(address.split("/viewer")[0])
            server.send_signal(signal.SIGTERM)
            assert server.wait(timeout=300) == 0, server.returncode
        finally:
            server.terminate()


def check_files(host):
    """The viewer's own files are open, what lies beside them is not; only its scripts may make functions out of text."""
    for path in ("/viewer", "/viewer/dicomweb", "/app-config.js"):
        with urllib.request.urlopen(host + path) as reply:
            assert reply.status == 200, path
            assert "'unsafe-eval'" in reply.headers["Content-Security-Policy"], path
    with urllib.request.urlopen(host + "/") as reply:
        assert "'unsafe-eval'" not in reply.headers["Content-Security-Policy"], "the console needs no such freedom"
    for path in ("/nothing.js", "/assets/../../../etc/passwd", "/assets/%2e%2e/%2e%2e/server/accounts.json", "/.stamp"):
        try:
            urllib.request.urlopen(host + path)
            raise AssertionError(f"{path}: is open")
        except urllib.error.HTTPError as error:
            assert error.code in (400, 401, 404), (path, error.code)


def main():
    program = sys.argv[1]
    if not (Path(program).parent.parent / "share/gantry/viewer/index.html").exists():
        print("SKIPPED: the viewer was not fetched (./dev setup viewer)")
        sys.exit(SKIPPED)
    if not shutil.which("node"):
        skip("node")
    if not shutil.which("dcmcjpls"):
        skip("dcmtk")
    if not (ROOT / "web/console/node_modules/playwright-core").is_dir():
        print("SKIPPED: the npm packages of the console are missing (web/console/.npm.log)")
        sys.exit(SKIPPED)
    if not any(Path(place).exists() for place in [os.environ.get("GANTRY_CHROMIUM") or "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]):
        skip("Chromium")
    for modality in ("ct", "mr"):
        with tempfile.TemporaryDirectory() as folder:
            look(program, folder, modality, sys.argv[2:3])


main()
