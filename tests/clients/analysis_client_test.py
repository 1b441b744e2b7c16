#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""A study that arrives by DICOM is analysed, also when the server is killed meanwhile: after the next start the results are there, once, and
nothing follows them. Usage: analysis_client_test.py GANTRY"""
import base64
import json
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from served import PASSWORD, started


def ask(server, path):
    request = urllib.request.Request(server.url + path, headers={"Authorization": "Basic " + base64.b64encode(f"admin:{PASSWORD}".encode()).decode()})
    try:
        with urllib.request.urlopen(request) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def jobs(server):
    return json.loads(ask(server, "/api/v1/jobs")[1])["jobs"]


def until(what, seconds=600):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.1)


def main():
    gantry = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder, "gantry.toml")
        settings.write_text('[analysis]\non_arrival = true\nquiet_seconds = 3\n[[arrival]]\nmodality = "CT"\n')
        subprocess.run([gantry, "simulation", "digital-patient", folder + "/patient", "--seed", "3", "--modality", "ct", "--size", "small", "--quiet"], check=True)
        with started(gantry, folder, "--config", str(settings)) as server:
            subprocess.run([gantry, "dicom", "store", f"GANTRY@127.0.0.1:{server.dicom_port}", folder + "/patient/dicom", "--quiet"], check=True)
            until(lambda: any(job["state"] == "running" and job["progress"] > 0.05 for job in jobs(server)))
            assert len(jobs(server)) == 1, jobs(server)
            server.process.kill()
        with started(gantry, folder, "--config", str(settings)) as server:
            until(lambda: any(job["state"] == "done" for job in jobs(server)))
            time.sleep(4)  # more than a study must be quiet: were the results an arrival, a third job would be there
            states = [(job["trigger"], job["state"]) for job in jobs(server)]
            assert states == [("arrival", "done"), ("arrival", "failed")], states
            study = jobs(server)[0]["study_uid"]
            status, summary = ask(server, f"/api/v1/studies/{study}/analysis")
            assert status == 200 and json.loads(summary)["studies"][0]["findings"], summary[:300]
            instances = json.loads(ask(server, f"/dicom-web/studies/{study}/instances")[1])
            classes = [one["00080016"]["Value"][0].rpartition("1.1.")[2] for one in instances]
            assert classes.count("2") == 80 and classes.count("66.4") >= 1 and classes.count("88.34") == 1 and classes.count("7") >= 3, classes
            assert len({one["00080018"]["Value"][0] for one in instances}) == len(instances)


main()
