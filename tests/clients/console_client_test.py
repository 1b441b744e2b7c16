#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""The console in Chromium, as web/console/test/console.mjs uses it. Usage: console_client_test.py GANTRY [FOLDER]"""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from served import PASSWORD, ROOT, SKIPPED, served, skip, with_packages

CONSOLE = ROOT / "web/console"


def hostile(path):
    """An object whose texts are markup."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

    set_ = Dataset()
    set_.SOPClassUID, set_.SOPInstanceUID = SecondaryCaptureImageStorage, "2.25.10001"
    set_.StudyInstanceUID, set_.SeriesInstanceUID = "2.25.10002", "2.25.10003"
    set_.PatientName, set_.PatientID = "<script>owned()</script>^<b>Jo</b>", '"><img src=x onerror=owned=1>'
    set_.StudyDescription, set_.SeriesDescription = "{{constructor}} <b>bold</b> \u202ertl", "'; DROP TABLE study; --"
    set_.SpecificCharacterSet, set_.Modality, set_.StudyDate = "ISO_IR 192", "OT", "20260102"
    set_.SamplesPerPixel, set_.PhotometricInterpretation, set_.Rows, set_.Columns = 1, "MONOCHROME2", 16, 16
    set_.BitsAllocated, set_.BitsStored, set_.HighBit, set_.PixelRepresentation = 8, 8, 7, 0
    set_.PixelData = bytes(range(256))
    set_.file_meta = FileMetaDataset()
    set_.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    set_.save_as(path, enforce_file_format=True)


def main():
    node = shutil.which("node") or shutil.which("nodejs")
    if not node:
        skip("node")
    if not (CONSOLE / "node_modules/playwright-core").is_dir():
        # The build says so and goes on without the console when npm's registry is out of reach.
        print("SKIPPED: the console was not built; its npm packages are missing (web/console/.npm.log)")
        sys.exit(SKIPPED)
    if not any(Path(place).exists() for place in [os.environ.get("GANTRY_CHROMIUM") or "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]):
        skip("Chromium")
    with_packages("pydicom")
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as own:
        folder = Path(sys.argv[2] if len(sys.argv) > 2 else own)
        hostile(folder / "hostile.dcm")
        (folder / "broken.dcm").write_bytes(b"This is no DICOM object. " * 40)
        subprocess.run([program, "simulation", "digital-patient", str(folder / "patient"), "--seed", "1", "--modality", "ct", "--size", "small", "--quiet"], check=True)
        shutil.rmtree(folder / "upload", ignore_errors=True)
        (folder / "patient/dicom").rename(folder / "upload")
        (folder / "gantry.toml").write_text('[[arrival]]\nmodality = "OT"\nanalyze = false\n\n[[arrival]]\nmodality = "CT"\ndescription = "*chest*"\nprofile = "chest_ct"\n')
        with served(program, "--config", str(folder / "gantry.toml")) as server:
            store = [program, "dicom", "store", f"GANTRY@127.0.0.1:{server.dicom_port}", str(folder / "hostile.dcm"), "--quiet"]
            subprocess.run(store, check=True, stdout=subprocess.DEVNULL)
            subprocess.run([node, "test/console.mjs", server.url, PASSWORD, str(folder)], cwd=CONSOLE, check=True, timeout=1700)


main()
