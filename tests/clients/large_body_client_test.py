#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""One large object goes to the server by STOW-RS and comes back by WADO-RS; its memory must not grow with the object.
Usage: large_body_client_test.py GANTRY [MEBIBYTES]; 256 of them unless the variable GANTRY_LARGE_BODY_MIB says another number."""
import base64
import hashlib
import http.client
import os
import struct
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from served import PASSWORD, served

ALLOWED = 64 << 20


def element(group, number, vr, value):
    value += b"\0" * (len(value) % 2)
    return struct.pack("<HH2sH", group, number, vr, len(value)) + value


def object_of(pixel_bytes):
    """A DICOM file up to its pixels, which are zeros."""
    meta = element(2, 2, b"UI", b"1.2.840.10008.5.1.4.1.1.7") + element(2, 3, b"UI", b"1.2.9.1.1") + element(2, 0x10, b"UI", b"1.2.840.10008.1.2.1")
    head = b"\0" * 128 + b"DICM" + element(2, 0, b"UL", struct.pack("<I", len(meta))) + meta
    head += element(8, 0x16, b"UI", b"1.2.840.10008.5.1.4.1.1.7") + element(8, 0x18, b"UI", b"1.2.9.1.1") + element(0x10, 0x20, b"LO", b"P1")
    head += element(0x20, 0xD, b"UI", b"1.2.9") + element(0x20, 0xE, b"UI", b"1.2.9.1") + element(0x28, 8, b"IS", str(pixel_bytes >> 20).encode())
    for number, value in ((2, 1), (0x10, 1024), (0x11, 1024), (0x100, 8), (0x101, 8), (0x102, 7), (0x103, 0)):
        head += element(0x28, number, b"US", struct.pack("<H", value))
    return head + struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OB", 0, pixel_bytes)


def main():
    mebibytes = int(sys.argv[2]) if len(sys.argv) > 2 else int(os.environ.get("GANTRY_LARGE_BODY_MIB", "256"))
    pixel_bytes = mebibytes << 20
    login = {"Authorization": "Basic " + base64.b64encode(f"admin:{PASSWORD}".encode()).decode()}
    head, tail, piece = b"--b\r\nContent-Type: application/dicom\r\n\r\n" + object_of(pixel_bytes), b"\r\n--b--\r\n", b"\0" * (1 << 20)
    with served(sys.argv[1]) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=600)
        connection.request("GET", "/dicom-web/studies", headers=login)
        assert connection.getresponse().read() == b"[]"
        before = server.resident_bytes("VmHWM")

        def body():
            yield head
            for _ in range(mebibytes):
                yield piece
            yield tail

        begin = time.time()
        connection.request("POST", "/dicom-web/studies", body(), {**login, "Content-Type": 'multipart/related; type="application/dicom"; boundary=b',
                                                                  "Content-Length": str(len(head) + pixel_bytes + len(tail))})
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status == 200, (answer.status, text)
        stored = server.resident_bytes("VmHWM")
        print(f"stored {mebibytes} MiB in {time.time() - begin:.1f} s; memory grew by {(stored - before) / 2**20:.1f} MiB")

        begin = time.time()
        connection.request("GET", "/dicom-web/studies/1.2.9/series/1.2.9.1/instances/1.2.9.1.1", headers={**login, "Accept": "application/dicom"})
        answer, size, digest = connection.getresponse(), 0, hashlib.sha256()
        while block := answer.read(1 << 20):
            size += len(block)
            digest.update(block)
        expected = hashlib.sha256(object_of(pixel_bytes))
        for _ in range(mebibytes):
            expected.update(piece)
        assert size == len(object_of(pixel_bytes)) + pixel_bytes and digest.digest() == expected.digest(), "the object came back changed"
        after = server.resident_bytes("VmHWM")
        print(f"retrieved it in {time.time() - begin:.1f} s; memory grew by {(after - stored) / 2**20:.1f} MiB")
        assert after - before <= ALLOWED, f"grew by {(after - before) / 2**20:.1f} MiB"


if __name__ == "__main__":
    main()
