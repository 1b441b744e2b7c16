# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""Servers under test and what is sent to them: synthetic CT objects of 0.5 MB, gantry serve, Orthanc, the fsync floor of the disk."""
import json
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

CT = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"


def element(tag, vr, value):
    if isinstance(value, str):
        value = value.encode()
    if len(value) % 2:
        value += b"\0" if vr in ("UI", "OB") else b" "
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode())
    return head + (struct.pack("<HI", 0, len(value)) if vr in ("OB", "OW") else struct.pack("<H", len(value))) + value


def ct_object(study, number, pixels, side=512):
    """A CT slice of 512 x 512 as a DICOM file."""
    uid = f"{study}.1.{number}"
    meta = element(0x00020001, "OB", b"\0\1") + element(0x00020002, "UI", CT) + element(0x00020003, "UI", uid) + element(0x00020010, "UI", EXPLICIT) + element(0x00020012, "UI", "1.2.3")
    short = lambda n: struct.pack("<H", n)
    data = b"".join(
        element(*row)
        for row in (
            (0x00080016, "UI", CT), (0x00080018, "UI", uid), (0x00080020, "DA", "20240101"), (0x00080030, "TM", "120000"), (0x00080050, "SH", "1"), (0x00080060, "CS", "CT"),
            (0x00100010, "PN", "Bench^Patient"), (0x00100020, "LO", study[-16:]), (0x00100030, "DA", ""), (0x00100040, "CS", ""),
            (0x0020000D, "UI", study), (0x0020000E, "UI", study + ".1"), (0x00200010, "SH", "1"), (0x00200011, "IS", "1"), (0x00200013, "IS", str(number)),
            (0x00280002, "US", short(1)), (0x00280004, "CS", "MONOCHROME2"), (0x00280010, "US", short(side)), (0x00280011, "US", short(side)),
            (0x00280100, "US", short(16)), (0x00280101, "US", short(16)), (0x00280102, "US", short(15)), (0x00280103, "US", short(1)),
            (0x7FE00010, "OW", pixels),
        ))
    return b"\0" * 128 + b"DICM" + element(0x00020000, "UL", struct.pack("<I", len(meta))) + meta + data


def write_study(folder, study, count):
    folder = Path(folder)
    folder.mkdir(parents=True)
    pixels = random.Random(1).randbytes(512 * 512 * 2)
    for number in range(1, count + 1):
        (folder / f"{number:05d}.dcm").write_bytes(ct_object(study, number, pixels[number:] + pixels[:number]))
    return folder


def write_list(folder, root, count):
    """`count` studies of one small slice each."""
    folder = Path(folder)
    folder.mkdir(parents=True)
    for number in range(count):
        (folder / f"{number:05d}.dcm").write_bytes(ct_object(f"{root}.{number}", 1, bytes(512), 16))
    return folder


def fsync_floor(folder, source, count):
    """Objects a second that the disk takes when each is written to a temporary file, synchronised, renamed, and its folder synchronised."""
    folder = Path(folder)
    folder.mkdir()
    contents = [file.read_bytes() for file in sorted(Path(source).iterdir())[:count]]
    directory = os.open(folder, os.O_RDONLY)
    begin = time.perf_counter()
    for number, content in enumerate(contents):
        part = folder / f"{number}.part"
        file = os.open(part, os.O_WRONLY | os.O_CREAT)
        os.write(file, content)
        os.fsync(file)
        os.close(file)
        os.rename(part, folder / f"{number}.dcm")
        os.fsync(directory)
    rate = len(contents) / (time.perf_counter() - begin)
    os.close(directory)
    shutil.rmtree(folder)
    return rate


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Server:
    """A DICOM server in a process of its own, ended with the block."""

    def __init__(self, command, port, title, http_port, login="", web=""):
        self.port, self.title, self.http_port, self.login, self.web = port, title, http_port, login, web
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        for _ in range(300):
            if subprocess.run(["echoscu", "-aec", self.title, "127.0.0.1", str(self.port)], capture_output=True).returncode == 0:
                return self
            time.sleep(0.1)
        self.process.kill()
        raise RuntimeError(f"{self.title} does not answer")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    def call(self, tool, *rest):
        return [tool, "-aec", self.title, "127.0.0.1", str(self.port), *rest]


def gantry_server(gantry, folder):
    port, http_port = free_port(), free_port()
    password = Path(folder) / "password"
    password.write_text("bench password\n")
    command = [gantry, "serve", "--data", f"{folder}/gantry", "--http-port", str(http_port), "--dicom-port", str(port), "--admin-password-file", str(password)]
    return Server(command, port, "GANTRY", http_port, "admin:bench password", "/dicom-web")


def orthanc_server(folder):
    """Debian's Orthanc with its defaults, on ports of its own, with its DICOMweb plug-in where that is installed; None without Orthanc."""
    if not shutil.which("Orthanc"):
        return None
    port, http_port = free_port(), free_port()
    plugin = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
    settings = {"Name": "bench", "StorageDirectory": f"{folder}/orthanc", "IndexDirectory": f"{folder}/orthanc", "HttpPort": http_port, "DicomPort": port, "DicomAet": "ORTHANC",
                "RemoteAccessAllowed": False, "AuthenticationEnabled": False, "DicomAlwaysAllowGet": True, "DicomAlwaysAllowFind": True, "Plugins": [str(plugin)] if plugin.exists() else []}
    path = Path(folder) / "orthanc.json"
    path.write_text(json.dumps(settings))
    return Server(["Orthanc", str(path)], port, "ORTHANC", http_port, "", "/dicom-web" if plugin.exists() else "")
