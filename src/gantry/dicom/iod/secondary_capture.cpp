// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <cstring>

#include "gantry/base/error.h"
#include "gantry/base/hash.h"
#include "gantry/dicom/iod/context.h"
#include "gantry/dicom/iod/draft.h"
#include "gantry/dicom/iod/write.h"

namespace gantry::dicom {

namespace {

constexpr DerivedKind picture_kind{"picture", "1.2.840.10008.5.1.4.1.1.7", "OT", 3, "Gantry key images"};

}  // namespace

std::string write_secondary_capture(const Path& path, const Series& source, const Image& rgb, const std::string& description,
                                    int instance_number, Run& run) {
  run.check();
  if (rgb.empty() || rgb.type() != PixelType::u8 || rgb.components() != 3 || rgb.grid().size(2) != 1 || rgb.frames() != 1)
    throw Error(ErrorCode::parameter, "picture: must be one plane of 8-bit RGB");
  if (!(rgb.grid().size(0) <= 65535 && rgb.grid().size(1) <= 65535))
    throw Error(ErrorCode::not_possible, "picture: a DICOM image has at most 65535 rows and columns");
  const std::string uid = object_uid(source, "picture", fmt::format("{}/{}/{}", instance_number, description, sha256_hex(rgb.bytes())));
  Draft object;
  set_derived_context(object, source, picture_kind, uid, instance_number);
  set_laterality(object);
  object.set("ConversionType", "WSD");
  object.set("ImageType", "DERIVED\\SECONDARY");
  object.set("ImageComments", single_value(description, 10240));
  object.set("DerivationDescription", "Picture drawn by Gantry; not a medical device");
  object.set("PatientOrientation", "");
  object.set("BurnedInAnnotation", "NO");
  object.set("LossyImageCompression", "00");
  object.set("SamplesPerPixel", 3);
  object.set("PhotometricInterpretation", "RGB");
  object.set("PlanarConfiguration", 0);
  object.set("Rows", rgb.grid().size(1));
  object.set("Columns", rgb.grid().size(0));
  object.set("BitsAllocated", 8);
  object.set("BitsStored", 8);
  object.set("HighBit", 7);
  object.set("PixelRepresentation", 0);
  Draft& references = object.add_item("ReferencedSeriesSequence");
  references.set("SeriesInstanceUID", source.series_uid);
  for (const Instance* instance : distinct_instances(source)) {
    add_reference(references, "ReferencedInstanceSequence", instance->sop_class_uid, instance->sop_instance_uid);
    add_reference(object, "SourceImageSequence", instance->sop_class_uid, instance->sop_instance_uid);
  }
  object.set_pixels(Bytes(rgb.bytes().begin(), rgb.bytes().end()), 8);
  write_atomic(path, object.file());
  return uid;
}

}  // namespace gantry::dicom
