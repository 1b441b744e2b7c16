#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""A server whose files cannot grow any more, as on a disk that is full: the sender is told by STOW-RS, REST and C-STORE, the server lives on, what it
acknowledged is there, and once there is room the same object is taken. Usage: full_disk_client_test.py GANTRY"""
import base64
import http.client
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from large_body_client_test import object_of
from served import PASSWORD, started

LOGIN = {"Authorization": "Basic " + base64.b64encode(f"admin:{PASSWORD}".encode()).decode()}


def file_of(number, pixel_bytes):
    """A whole DICOM file; `number` tells the instances apart."""
    return object_of(pixel_bytes).replace(b"1.2.9.1.1", f"1.2.9.1.{number}".encode()) + b"\0" * pixel_bytes


def ask(server, method, target, body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=60)
    connection.request(method, target, body, {**LOGIN, **headers})
    answer = connection.getresponse()
    return answer.status, answer.read()


def store(server, content):
    body = b"--b\r\nContent-Type: application/dicom\r\n\r\n" + content + b"\r\n--b--\r\n"
    return ask(server, "POST", "/dicom-web/studies", body, **{"Content-Type": 'multipart/related; type="application/dicom"; boundary=b'})


def stored(server, number):
    status, content = ask(server, "GET", f"/dicom-web/studies/1.2.9/series/1.2.9.1/instances/1.2.9.1.{number}", Accept="application/dicom")
    return content if status == 200 else status


def main():
    program = sys.argv[1]
    before, large, after = file_of(1, 1 << 12), file_of(2, 3 << 20), file_of(3, 1 << 12)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "large.dcm").write_bytes(large)
        with started(program, folder, largest_file_kib=1024) as server:
            assert store(server, before)[0] == 200
            for _ in range(2):
                status, text = store(server, large)
                assert status == 507, (status, text)
                # Out of resources, and the reason in words (PS3.18 table 10.5.3-1).
                failed = json.loads(text)["00081198"]["Value"][0]
                assert failed["00081197"]["Value"] == [0xA700] and "File too large" in text.decode(), text
                form = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.dcm"\r\n\r\n' + large + b"\r\n--b--\r\n"
                status, text = ask(server, "POST", "/api/v1/operations/filter.gaussian/runs", form, **{"Content-Type": "multipart/form-data; boundary=b"})
                assert status == 507 and json.loads(text)["error"]["code"] == "disk_full" and "File too large" in text.decode(), (status, text)
                sent = subprocess.run([program, "dicom", "store", f"GANTRY@127.0.0.1:{server.dicom_port}", folder + "/large.dcm", "--quiet"],
                                      capture_output=True, text=True, timeout=60)
                assert sent.returncode != 0 and "A700" in (sent.stdout + sent.stderr).upper(), sent
            assert stored(server, 1) == before and stored(server, 2) == 404
            assert store(server, after)[0] == 200
        left = [path for path in Path(folder, "data").rglob("*") if path.is_file() and path.stat().st_size >= 1 << 20]
        assert not left, left
        with started(program, folder) as server:
            assert stored(server, 1) == before and stored(server, 3) == after and stored(server, 2) == 404
            assert store(server, large)[0] == 200 and stored(server, 2) == large


main()
