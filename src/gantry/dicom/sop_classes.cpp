// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/dicom/sop_classes.h"

namespace gantry::dicom {

namespace {

struct Row {
  std::string_view uid, kind;
  SopClass::Use use;
};
using enum SopClass::Use;

constexpr Row rows[] = {
    {"1.2.840.10008.1.3.10", "DICOMDIR", no_image},
    {"1.2.840.10008.5.1.4.1.1.1", "CR image", image},
    {"1.2.840.10008.5.1.4.1.1.1.1", "DX image", image},
    {"1.2.840.10008.5.1.4.1.1.1.1.1", "DX image (for processing)", image},
    {"1.2.840.10008.5.1.4.1.1.1.2", "mammography image", image},
    {"1.2.840.10008.5.1.4.1.1.1.2.1", "mammography image (for processing)", image},
    {"1.2.840.10008.5.1.4.1.1.1.3", "intra-oral X-ray image", image},
    {"1.2.840.10008.5.1.4.1.1.1.3.1", "intra-oral X-ray image (for processing)", image},
    {"1.2.840.10008.5.1.4.1.1.2", "CT image", image},
    {"1.2.840.10008.5.1.4.1.1.2.1", "enhanced CT image", image},
    {"1.2.840.10008.5.1.4.1.1.2.2", "legacy converted CT image", image},
    {"1.2.840.10008.5.1.4.1.1.3.1", "ultrasound cine", image},
    {"1.2.840.10008.5.1.4.1.1.4", "MR image", image},
    {"1.2.840.10008.5.1.4.1.1.4.1", "enhanced MR image", image},
    {"1.2.840.10008.5.1.4.1.1.4.2", "MR spectroscopy", no_image},
    {"1.2.840.10008.5.1.4.1.1.4.3", "enhanced MR colour image", image},
    {"1.2.840.10008.5.1.4.1.1.4.4", "legacy converted MR image", image},
    {"1.2.840.10008.5.1.4.1.1.6.1", "ultrasound image", image},
    {"1.2.840.10008.5.1.4.1.1.6.2", "enhanced ultrasound volume", image},
    {"1.2.840.10008.5.1.4.1.1.7", "secondary capture", image},
    {"1.2.840.10008.5.1.4.1.1.7.1", "secondary capture (1 bit)", image},
    {"1.2.840.10008.5.1.4.1.1.7.2", "secondary capture (8 bit)", image},
    {"1.2.840.10008.5.1.4.1.1.7.3", "secondary capture (16 bit)", image},
    {"1.2.840.10008.5.1.4.1.1.7.4", "secondary capture (colour)", image},
    {"1.2.840.10008.5.1.4.1.1.11.1", "presentation state", no_image},
    {"1.2.840.10008.5.1.4.1.1.11.2", "presentation state (colour)", no_image},
    {"1.2.840.10008.5.1.4.1.1.11.3", "presentation state (pseudo-colour)", no_image},
    {"1.2.840.10008.5.1.4.1.1.11.4", "presentation state (blending)", no_image},
    {"1.2.840.10008.5.1.4.1.1.12.1", "X-ray angiography", image},
    {"1.2.840.10008.5.1.4.1.1.12.1.1", "enhanced X-ray angiography", image},
    {"1.2.840.10008.5.1.4.1.1.12.2", "X-ray fluoroscopy", image},
    {"1.2.840.10008.5.1.4.1.1.12.2.1", "enhanced X-ray fluoroscopy", image},
    {"1.2.840.10008.5.1.4.1.1.13.1.1", "3D X-ray angiography", image},
    {"1.2.840.10008.5.1.4.1.1.13.1.3", "breast tomosynthesis", image},
    {"1.2.840.10008.5.1.4.1.1.20", "NM image", image},
    {"1.2.840.10008.5.1.4.1.1.30", "parametric map", image},
    {"1.2.840.10008.5.1.4.1.1.66", "raw data", no_image},
    {"1.2.840.10008.5.1.4.1.1.66.1", "spatial registration", no_image},
    {"1.2.840.10008.5.1.4.1.1.66.2", "spatial fiducials", no_image},
    {"1.2.840.10008.5.1.4.1.1.66.3", "deformable spatial registration", no_image},
    {"1.2.840.10008.5.1.4.1.1.66.4", "segmentation", segmentation},
    {"1.2.840.10008.5.1.4.1.1.66.5", "surface segmentation", no_image},
    {"1.2.840.10008.5.1.4.1.1.66.6", "tractography", no_image},
    {"1.2.840.10008.5.1.4.1.1.66.7", "label map segmentation", segmentation},
    {"1.2.840.10008.5.1.4.1.1.67", "real world value mapping", no_image},
    {"1.2.840.10008.5.1.4.1.1.77.1.1", "endoscopy image", image},
    {"1.2.840.10008.5.1.4.1.1.77.1.1.1", "endoscopy video", image},
    {"1.2.840.10008.5.1.4.1.1.77.1.2", "microscopy image", image},
    {"1.2.840.10008.5.1.4.1.1.77.1.2.1", "microscopy video", image},
    {"1.2.840.10008.5.1.4.1.1.77.1.4", "photograph", image},
    {"1.2.840.10008.5.1.4.1.1.77.1.4.1", "photographic video", image},
    {"1.2.840.10008.5.1.4.1.1.77.1.5.1", "ophthalmic photograph (8 bit)", image},
    {"1.2.840.10008.5.1.4.1.1.77.1.5.2", "ophthalmic photograph (16 bit)", image},
    {"1.2.840.10008.5.1.4.1.1.77.1.5.4", "ophthalmic tomography", image},
    {"1.2.840.10008.5.1.4.1.1.77.1.6", "whole slide image", image},
    {"1.2.840.10008.5.1.4.1.1.88.11", "structured report", no_image},
    {"1.2.840.10008.5.1.4.1.1.88.22", "structured report", no_image},
    {"1.2.840.10008.5.1.4.1.1.88.33", "structured report", no_image},
    {"1.2.840.10008.5.1.4.1.1.88.34", "structured report", no_image},
    {"1.2.840.10008.5.1.4.1.1.88.35", "structured report", no_image},
    {"1.2.840.10008.5.1.4.1.1.88.40", "procedure log", no_image},
    {"1.2.840.10008.5.1.4.1.1.88.50", "structured report (mammography CAD)", no_image},
    {"1.2.840.10008.5.1.4.1.1.88.59", "key object selection", no_image},
    {"1.2.840.10008.5.1.4.1.1.88.65", "structured report (chest CAD)", no_image},
    {"1.2.840.10008.5.1.4.1.1.88.67", "structured report (radiation dose)", no_image},
    {"1.2.840.10008.5.1.4.1.1.88.68", "structured report (radiopharmaceutical dose)", no_image},
    {"1.2.840.10008.5.1.4.1.1.91.1", "microscopy annotations", no_image},
    {"1.2.840.10008.5.1.4.1.1.104.1", "encapsulated PDF", no_image},
    {"1.2.840.10008.5.1.4.1.1.104.2", "encapsulated CDA", no_image},
    {"1.2.840.10008.5.1.4.1.1.104.3", "encapsulated STL", no_image},
    {"1.2.840.10008.5.1.4.1.1.128", "PET image", image},
    {"1.2.840.10008.5.1.4.1.1.128.1", "legacy converted PET image", image},
    {"1.2.840.10008.5.1.4.1.1.130", "enhanced PET image", image},
    {"1.2.840.10008.5.1.4.1.1.481.1", "RT image", image},
    {"1.2.840.10008.5.1.4.1.1.481.2", "RT dose", image},
    {"1.2.840.10008.5.1.4.1.1.481.3", "RT structure set", no_image},
    {"1.2.840.10008.5.1.4.1.1.481.4", "RT beams treatment record", no_image},
    {"1.2.840.10008.5.1.4.1.1.481.5", "RT plan", no_image},
    {"1.2.840.10008.5.1.4.1.1.481.6", "RT brachy treatment record", no_image},
    {"1.2.840.10008.5.1.4.1.1.481.7", "RT treatment summary", no_image},
    {"1.2.840.10008.5.1.4.1.1.481.8", "RT ion plan", no_image},
    {"1.2.840.10008.5.1.4.1.1.481.9", "RT ion beams treatment record", no_image},
};

}  // namespace

SopClass sop_class(std::string_view uid, bool has_pixels) {
  for (const Row& row : rows) {
    if (row.uid == uid) return {std::string(row.kind), row.use};
  }
  if (uid.starts_with("1.2.840.10008.5.1.4.1.1.9.")) return {"waveform", no_image};
  if (uid.starts_with("1.2.840.10008.5.1.4.1.1.88.")) return {"structured report", no_image};
  if (uid.starts_with("1.2.840.10008.5.1.4.1.1.11.")) return {"presentation state", no_image};
  if (uid.starts_with("1.2.840.10008.5.1.4.1.1.481."))
    return {has_pixels ? "RT image" : "radiotherapy object", has_pixels ? image : no_image};
  return has_pixels ? SopClass{"image", image} : SopClass{"object without pixels", no_image};
}

}  // namespace gantry::dicom
