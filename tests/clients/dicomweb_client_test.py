#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""dicomweb-client stores, searches and retrieves against a Gantry server, with its own defaults. Usage: dicomweb_client_test.py GANTRY"""
import io
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from served import PASSWORD, served, with_packages

with_packages("dicomweb_client", "pydicom", "numpy")
import numpy
import pydicom
from dicomweb_client.api import DICOMwebClient
from dicomweb_client.session_utils import create_session_from_user_pass
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid


def slices(study, count):
    """A study of one CT series whose pixels tell their slice."""
    series = generate_uid()
    for number in range(1, count + 1):
        image = pydicom.Dataset()
        image.preamble, image.file_meta = b"\0" * 128, FileMetaDataset()
        image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID = CTImageStorage
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID = generate_uid()
        image.StudyInstanceUID, image.SeriesInstanceUID, image.Modality = study, series, "CT"
        image.PatientName, image.PatientID, image.StudyDate, image.StudyTime = "Müller^Jörg", "P1", "20240229", "101500"
        image.SpecificCharacterSet = "ISO_IR 192"
        image.AccessionNumber, image.StudyID, image.SeriesNumber, image.InstanceNumber = "A1", "1", 1, number
        image.Rows, image.Columns, image.SamplesPerPixel, image.PhotometricInterpretation = 16, 24, 1, "MONOCHROME2"
        image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 12, 11, 0
        image.PixelData = (numpy.arange(16 * 24, dtype="<u2") + number).tobytes()
        yield image


def main():
    with served(sys.argv[1]) as server:
        client = DICOMwebClient(server.url + "/dicom-web", session=create_session_from_user_pass("admin", PASSWORD))
        study = generate_uid()
        images = list(slices(study, 5))
        series = images[0].SeriesInstanceUID
        stored = client.store_instances(images)
        assert len(stored.ReferencedSOPSequence) == 5, stored

        found = client.search_for_studies(search_filters={"PatientName": "müller*"}, fields=["StudyDescription"], limit=10, offset=0)
        assert [row["0020000D"]["Value"][0] for row in found] == [study], found
        assert found[0]["00100010"]["Value"][0]["Alphabetic"] == "Müller^Jörg"
        assert found[0]["00201208"]["Value"] == [5]
        assert client.search_for_studies(search_filters={"PatientID": "other"}) == []
        assert len(client.search_for_series(study, search_filters={"Modality": "CT"})) == 1
        assert [row["00200013"]["Value"][0] for row in client.search_for_instances(study, series)] == [1, 2, 3, 4, 5]
        assert len(client.search_for_instances(study, limit=2, offset=1)) == 2

        for image in images:
            place = (study, series, image.SOPInstanceUID)
            assert (client.retrieve_instance(*place).pixel_array == image.pixel_array).all()
            assert client.retrieve_instance_frames(*place, [1])[0] == image.PixelData
            assert client.retrieve_instance_rendered(*place, media_types=("image/jpeg",)).startswith(b"\xff\xd8")
            assert client.retrieve_instance_rendered(*place, media_types=("image/png",)).startswith(b"\x89PNG")
        assert len(client.retrieve_series(study, series)) == 5
        assert len(client.retrieve_study(study)) == 5
        metadata = client.retrieve_series_metadata(study, series)
        assert len(metadata) == 5
        read = pydicom.Dataset.from_json(metadata[0], bulk_data_uri_handler=lambda *_: b"")
        assert (read.Rows, read.Columns, str(read.PatientName)) == (16, 24, "Müller^Jörg")
        link = server.url + metadata[0]["7FE00010"]["BulkDataURI"]
        assert client.retrieve_bulkdata(link)[0] == images[0].PixelData

        # Bit for bit: the file itself, and twice the same object is no second one.
        buffer = io.BytesIO()
        images[0].save_as(buffer, enforce_file_format=True)
        client.store_instances([images[0]])
        assert len(client.search_for_instances(study)) == 5
        print("dicomweb-client: store, search, retrieve, frames, rendered, metadata and bulk data as expected")


main()
