// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>

#include "gantry/archive/archive.h"
#include "gantry/base/test_support.h"
#include "gantry/dicom/network/part10.h"
#include "gantry/dicom/test_objects.h"

namespace gantry::archive::test {

/// A small object for tests.
struct Object {
  std::string patient_id = "P1", patient_name = "Doe^Jane", study_uid = "1.2.3", series_uid = "1.2.3.1", uid = "1.2.3.1.1";
  std::string study_date = "20240229", study_time = "101530", accession = "A1", modality = "CT", number = "1", character_set;
  std::string sop_class = "1.2.840.10008.5.1.4.1.1.2";
  std::size_t pixel_bytes = 32;
};

/// The data set of the object, explicit little endian.
inline std::string data_set_of(const Object& o) {
  dicom::test::Writer w;
  if (!o.character_set.empty()) w.text(0x00080005U, "CS", o.character_set);
  w.text(0x00080016U, "UI", o.sop_class).text(0x00080018U, "UI", o.uid).text(0x00080020U, "DA", o.study_date);
  w.text(0x00080030U, "TM", o.study_time).text(0x00080050U, "SH", o.accession).text(0x00080060U, "CS", o.modality);
  w.text(0x00100010U, "PN", o.patient_name).text(0x00100020U, "LO", o.patient_id);
  w.text(0x0020000DU, "UI", o.study_uid).text(0x0020000EU, "UI", o.series_uid).text(0x00200011U, "IS", "1");
  w.text(0x00200013U, "IS", o.number).us(0x00280010U, 4).us(0x00280011U, static_cast<std::uint32_t>(o.pixel_bytes / 8));
  w.prefix(0x7FE00010U, "OW", static_cast<std::uint32_t>(o.pixel_bytes)).raw(std::string(o.pixel_bytes, 'x'));
  return w.bytes();
}

/// The object as a DICOM file.
inline Bytes file_of(const Object& o, std::string_view transfer_syntax = "1.2.840.10008.1.2.1") {
  Bytes file = dicom::write_file_meta(o.sop_class, o.uid, transfer_syntax);
  const std::string set = data_set_of(o);
  const auto* first = reinterpret_cast<const std::byte*>(set.data());
  file.insert(file.end(), first, first + set.size());
  return file;
}

}  // namespace gantry::archive::test
