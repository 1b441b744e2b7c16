#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""Starts the server with an analysed study in it and says where the study opens in the viewer with its masks: demo_serve.py GANTRY FOLDER
STUDY. FOLDER holds `result/` of `gantry analyze`, STUDY what was analysed; the server's data go to FOLDER/server. Ends with Ctrl-C."""
import base64
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path


def masks_of(server, password, study):
    """What the viewer's address needs to draw the masks of the study: its first segmentation series."""
    login = "Basic " + base64.b64encode(f"admin:{password}".encode()).decode()
    question = f"{server}dicom-web/studies/{study}/series?Modality=SEG"
    with urllib.request.urlopen(urllib.request.Request(question, headers={"Authorization": login, "Accept": "application/json"})) as reply:
        series = json.loads(reply.read() or b"[]")
    series.sort(key=lambda one: one["00200011"]["Value"][0])
    return f"&initialSeriesInstanceUID={series[0]['0020000E']['Value'][0]}" if series else ""


def main():
    gantry, folder, study = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    data, password_file = folder / "server", folder / "password"
    if not password_file.exists():
        password_file.touch(mode=0o600)
        password_file.write_text(secrets.token_urlsafe(9) + "\n")
    for source in (study, folder / "result/dicom"):
        if source.exists():
            subprocess.run([gantry, "archive", "import", "--data", str(data), str(source), "--quiet"], check=True, stdout=subprocess.DEVNULL)
    ports = ["--http-port", os.environ.get("GANTRY_DEMO_PORT", "8080"), "--dicom-port", "-1"]
    server = subprocess.Popen([gantry, "serve", "--data", str(data), "--admin-password-file", str(password_file), *ports], stdout=subprocess.PIPE, text=True)
    address = re.search(r"http://127\.0\.0\.1:\d+/", server.stdout.readline())
    if not address:
        sys.exit(server.wait())
    summary = json.loads((folder / "result/summary.json").read_text())
    study = summary["studies"][0]["study_uid"]
    password = password_file.read_text().strip()
    print(f"Log in:  {address.group(0)}  as admin, password {password}")
    print(f"Viewer:  {address.group(0)}viewer?StudyInstanceUIDs={study}{masks_of(address.group(0), password, study)}")
    print("Ctrl-C ends the server.", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: server.send_signal(signal.SIGTERM))
    try:
        server.wait()
    except KeyboardInterrupt:
        server.wait()


main()
