// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/other.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "gantry/base/text.h"
#include "gantry/report/wording.h"
#include "gantry/visualization/figure.h"
#include "gantry/volume/measure.h"

namespace gantry::analysis {

namespace {

using Verdict = QualityItem::Verdict;

Code measure(std::string value, std::string meaning) { return {"99GANTRY", std::move(value), std::move(meaning)}; }

/// Collects one result: findings, rows of the table, quality items.
struct Writer {
  SeriesResult& result;
  ReportDocument::Measurements& table;

  void finding(std::string id, Words name, std::optional<double> value, std::string unit, std::string method, Words reason = {}) const {
    Finding f;
    f.id = id;
    f.name = name.en;
    f.code = measure(replace_all(id, ".", "_"), name.en);
    f.value = value;
    f.unit = unit;
    f.method = std::move(method);
    f.reason = reason.en;
    result.findings.push_back(std::move(f));
    ReportDocument::Row row;
    row.cells.push_back({std::move(name), false});
    const bool whole = value && unit == "1" && *value == std::round(*value) && std::abs(*value) < 1e15;
    row.cells.push_back({!value  ? reason
                         : whole ? wording::same(wording::fixed(*value, 0))
                                 : wording::same(wording::quantity(*value, unit)),
                         value.has_value()});
    table.rows.push_back(std::move(row));
  }
  void quality(std::string id, Words name, std::optional<double> value, std::string unit, Verdict verdict, Words reason = {}) const {
    result.quality.push_back({std::move(id), std::move(name), value, std::move(unit), verdict, std::move(reason)});
  }
};

bool is_projection(std::string_view modality) {
  return modality == "CR" || modality == "DX" || modality == "MG" || modality == "XA" || modality == "RF";
}

/// Size of a pixel and field of view.
void write_size(const Writer& write, const SeriesInput& input, const dicom::Header& header) {
  const Grid& grid = input.image.grid();
  if (input.series != nullptr && input.series->is_volume) {
    const Vec3 d = grid.spacing_mm();
    write.finding("image.voxel_volume", {"Voxel volume", "体素体积"}, grid.voxel_volume_mm3(), "mm3",
                  "positions and pixel spacing of the header");
    write.finding("image.field_of_view_width", {"Field of view, width", "视野宽度"}, d.x * static_cast<double>(grid.size(0)), "mm",
                  "columns x spacing");
    write.finding("image.field_of_view_height", {"Field of view, height", "视野高度"}, d.y * static_cast<double>(grid.size(1)), "mm",
                  "rows x spacing");
    write.finding("image.coverage", {"Coverage across slices", "层面覆盖范围"}, d.z * static_cast<double>(grid.size(2)), "mm",
                  "slices x distance");
    return;
  }
  const auto calibration = pixel_calibration(header, input.modality);
  if (!calibration) {
    const Words reason{"the header states no size of a pixel: lengths cannot be measured", "头信息未给出像素尺寸：无法测量长度"};
    write.finding("image.pixel_spacing", {"Pixel size", "像素尺寸"}, std::nullopt, "mm", "not stated", reason);
    write.quality("calibration", {"Calibration", "标定"}, std::nullopt, "", Verdict::limited, reason);
    return;
  }
  write.finding("image.pixel_spacing", {"Pixel size", "像素尺寸"}, calibration->column_mm, "mm", "header; " + calibration->plane.en);
  if (input.modality == "US") return;  // A region is only a part of the picture.
  write.finding("image.field_of_view_width", {"Field of view, width", "视野宽度"},
                calibration->column_mm * static_cast<double>(grid.size(0)), "mm", "columns x pixel size; " + calibration->plane.en);
  write.finding("image.field_of_view_height", {"Field of view, height", "视野高度"},
                calibration->row_mm * static_cast<double>(grid.size(1)), "mm", "rows x pixel size; " + calibration->plane.en);
  write.quality("calibration", {"Calibration", "标定"}, std::nullopt, "", calibration->in_patient ? Verdict::good : Verdict::limited,
                calibration->in_patient ? Words{} : Words{"pixel size holds " + calibration->plane.en, "像素尺寸" + calibration->plane.zh});
}

void write_time(const Writer& write, const SeriesInput& input, const dicom::Header& header) {
  const auto frames = static_cast<double>(input.image.frames());
  if (frames < 2) return;
  write.finding("image.frames", {"Frames", "帧数"}, frames, "1", "count");
  std::optional<double> rate = header.number("CineRate");
  if (!rate || !(*rate > 0)) rate = header.number("RecommendedDisplayFrameRate");
  if (const auto time = header.number("FrameTime"); time && *time > 0) rate = 1000 / *time;
  if (rate && *rate > 0 && *rate < 10000) {
    write.finding("image.frame_rate", {"Frame rate", "帧率"}, *rate, "/s", "FrameTime, CineRate or RecommendedDisplayFrameRate");
    write.finding("image.duration", {"Duration", "时长"}, frames / *rate, "s", "frames / frame rate");
  } else {
    write.finding("image.frame_rate", {"Frame rate", "帧率"}, std::nullopt, "/s", "not stated",
                  {"the header states no frame rate: times and speeds cannot be measured", "头信息未给出帧率：无法测量时间与速度"});
  }
}

void write_exposure(const Writer& write, const std::string& modality, const dicom::Header& header) {
  if (!is_projection(modality)) return;
  if (const auto kvp = header.number("KVP"); kvp && *kvp > 0)
    write.finding("exposure.kvp", {"Tube voltage", "管电压"}, *kvp, "kV", "header");
  if (const auto index = header.number("ExposureIndex")) {
    write.finding("exposure.index", {"Exposure index", "曝光指数"}, *index, "1", "header (IEC 62494-1)");
  } else if (modality != "XA" && modality != "RF") {
    write.finding("exposure.index", {"Exposure index", "曝光指数"}, std::nullopt, "1", "not stated",
                  {"the header states no exposure index", "头信息未给出曝光指数"});
  }
  if (const auto deviation = header.number("DeviationIndex")) {
    write.finding("exposure.deviation_index", {"Deviation index", "偏差指数"}, *deviation, "1",
                  "header: 10 log10(exposure index / target)");
    const double off = std::abs(*deviation);
    write.quality("exposure", {"Exposure against its target", "曝光与目标之差"}, *deviation, "1",
                  off <= 1   ? Verdict::good
                  : off <= 3 ? Verdict::limited
                             : Verdict::poor,
                  off <= 1         ? Words{}
                  : *deviation > 0 ? Words{"more dose than the target", "剂量高于目标"}
                                   : Words{"less dose than the target: more noise", "剂量低于目标：噪声增大"});
  }
  if (modality == "MG") {
    if (const auto v = header.number("BodyPartThickness"))
      write.finding("breast.compressed_thickness", {"Compressed thickness", "压迫厚度"}, *v, "mm", "header");
    if (const auto v = header.number("CompressionForce"))
      write.finding("breast.compression_force", {"Compression force", "压迫力"}, *v, "N", "header");
    if (const auto v = header.number("OrganDose"))
      write.finding("breast.mean_glandular_dose", {"Mean glandular dose", "平均腺体剂量"}, *v * 100, "mGy", "header (OrganDose, dGy)");
  }
  const auto detector = header.number("DistanceSourceToDetector");
  const auto patient = header.number("DistanceSourceToPatient");
  if (detector && patient && *patient > 0 && *detector >= *patient) {
    write.finding("image.magnification", {"Magnification at the patient's distance", "患者处放大率"}, *detector / *patient, "1",
                  "source to detector / source to patient");
  }
}

void write_pixels(const Writer& write, const SeriesInput& input) {
  const PixelUse use = pixel_use(input.image);
  if (use.constant) {
    write.quality("content", {"Content", "内容"}, std::nullopt, "", Verdict::poor,
                  {"every pixel has the same value: there is no image", "所有像素值相同：无图像内容"});
    return;
  }
  if (input.image.components() != 1) return;
  const double clipped = use.at_maximum_percent;
  const bool many = clipped > 5;
  write.quality("saturation", {"Pixels at the greatest value", "达到最大值的像素"}, clipped, "%", many ? Verdict::limited : Verdict::good,
                many ? Words{"a flat top: bright parts may be cut off or masked", "亮部平坦：高值可能被截断或遮盖"} : Words{});
}

void write_flags(const Writer& write, const dicom::Header& header) {
  const std::string burned = std::string(trim(header.text("BurnedInAnnotation").value_or("")));
  if (burned == "YES") {
    write.quality("burned_in_annotation", {"Text burned into the pixels", "像素中烧录的文字"}, std::nullopt, "", Verdict::limited,
                  {"the header says so: it may identify the patient and disturbs measurements", "头信息注明：可能含患者身份并干扰测量"});
  } else {
    write.quality("burned_in_annotation", {"Text burned into the pixels", "像素中烧录的文字"}, std::nullopt, "",
                  burned == "NO" ? Verdict::good : Verdict::limited,
                  burned == "NO" ? Words{} : Words{"the header does not say whether there is any", "头信息未说明是否存在"});
  }
  if (header.text("LossyImageCompression").value_or("") == "01") {
    const auto ratio = header.number("LossyImageCompressionRatio");
    write.quality("compression", {"Lossy compression", "有损压缩"}, ratio, ratio ? "1" : "",
                  ratio && *ratio > 20 ? Verdict::poor : Verdict::limited,
                  {"fine detail and noise are not those of the detector", "细节与噪声已非探测器原貌"});
  }
  if (header.text("PresentationIntentType").value_or("") == "FOR PROCESSING") {
    write.quality("presentation", {"Presentation", "呈现"}, std::nullopt, "", Verdict::limited,
                  {"raw image for processing: not meant to be read as it is", "供处理的原始图像：不宜直接阅片"});
  }
}

/// One frame of colour or grey as a picture. Grey: window of the header, else the 0.5 to 99.5 percentile.
Image picture(const SeriesInput& input, const dicom::Header& header, Plane plane, bool annotated, const Run& run) {
  const Image frame = input.image.frames() > 1 ? input.image.frame(input.image.frames() / 2) : input.image;
  FigureSpec spec;
  spec.plane = plane;
  spec.crop_to_body = false;
  spec.annotations = annotated;
  spec.window = body_window(frame);
  const auto centre = header.number("WindowCenter");
  const auto width = header.number("WindowWidth");
  if (centre && width && *width > 0 && std::isfinite(*centre)) spec.window = {*centre, *width, "", ColorMap::grey};
  if (!(spec.window.width > 0)) spec.window.width = 1;
  if (trim(header.text("PhotometricInterpretation").value_or("")) == "MONOCHROME1") spec.window.map = ColorMap::inverse;
  return figure(frame, nullptr, spec, run);
}

/// A colour frame, whole pixels left out until it is at most 1000 wide and high.
Image color_picture(const Image& image) {
  const Image frame = image.frames() > 1 ? image.frame(image.frames() / 2) : image;
  const VoxelView<std::uint8_t> view = frame.as<std::uint8_t>();
  const Size3 size = view.grid().size();
  const std::int64_t k = size[2] / 2;
  const std::int64_t step = std::max<std::int64_t>(1, (std::max(size[0], size[1]) + 999) / 1000);
  const std::int64_t width = (size[0] + step - 1) / step;
  const std::int64_t height = (size[1] + step - 1) / step;
  Voxels<std::uint8_t> rgb(Grid({width, height, 1}), 0, 3);
  for (std::int64_t j = 0; j < height; ++j) {
    for (std::int64_t i = 0; i < width; ++i) {
      const std::int64_t from = view.grid().index(i * step, j * step, k) * view.components();
      for (int c = 0; c < 3; ++c) rgb[(j * width + i) * 3 + c] = view[from + std::min(c, view.components() - 1)];
    }
  }
  return Image(std::move(rgb));
}

void write_pictures(SeriesResult& result, const SeriesInput& input, const dicom::Header& header, const Run& run) {
  const Words& kind = modality_name(input.modality);
  const auto add = [&](Image rgb, Words what) {
    result.images.push_back({std::move(rgb), what, {"Picture: " + what.en, "图像：" + what.zh}, ""});
  };
  if (input.image.components() >= 3) {
    add(color_picture(input.image), {"The image as stored (" + kind.en + ")", "原始图像（" + kind.zh + "）"});
    return;
  }
  if (is_complex(input.image.type())) return;
  const Grid& grid = input.image.grid();
  // Reformats of a few slices are strips that show nothing.
  const Vec3 d = grid.spacing_mm();
  const std::array<double, 3> extent{d.x * static_cast<double>(grid.size(0)), d.y * static_cast<double>(grid.size(1)),
                                     d.z * static_cast<double>(grid.size(2))};
  const bool thick =
      grid.size(2) >= 8 && *std::min_element(extent.begin(), extent.end()) >= 0.25 * *std::max_element(extent.begin(), extent.end());
  const bool volume = thick && grid.size(0) > 1 && grid.size(1) > 1 && input.series != nullptr && input.series->is_volume;
  if (volume) {
    for (const auto& [plane, name] : {std::pair{Plane::axial, Words{"middle axial slice", "中间轴位"}},
                                      std::pair{Plane::coronal, Words{"middle coronal slice", "中间冠状位"}},
                                      std::pair{Plane::sagittal, Words{"middle sagittal slice", "中间矢状位"}}}) {
      add(picture(input, header, plane, true, run), {kind.en + ", " + name.en, kind.zh + "，" + name.zh});
    }
    return;
  }
  Plane flat = Plane::axial;
  for (const Plane plane : {Plane::axial, Plane::coronal, Plane::sagittal}) {
    if (plane_axes(grid, plane).through == 2) flat = plane;
  }
  const bool stored = header.number("WindowCenter").has_value() && header.number("WindowWidth").value_or(0) > 0;
  add(picture(input, header, flat, false, run),
      stored
          ? Words{"The image in its stored window (" + kind.en + ")", "按存储窗显示的图像（" + kind.zh + "）"}
          : Words{"The image from its 0.5 to its 99.5 percentile (" + kind.en + ")", "按 0.5～99.5 百分位显示的图像（" + kind.zh + "）"});
}

}  // namespace

const Words& modality_name(std::string_view code) {
  static const std::vector<std::pair<std::string_view, Words>> names{
      {"US", {"ultrasound", "超声"}},
      {"CR", {"computed radiography", "计算机 X 线摄影"}},
      {"DX", {"digital radiography", "数字 X 线摄影"}},
      {"MG", {"mammography", "乳腺 X 线摄影"}},
      {"NM", {"nuclear medicine", "核医学"}},
      {"XA", {"angiography", "血管造影"}},
      {"RF", {"fluoroscopy", "透视"}},
      {"MR", {"magnetic resonance", "磁共振"}},
      {"CT", {"computed tomography", "计算机断层"}},
      {"PT", {"positron emission tomography", "正电子发射断层"}},
      {"SM", {"slide microscopy", "切片显微图像"}},
      {"ES", {"endoscopy", "内镜"}},
      {"XC", {"photography", "照片"}},
      {"OP", {"ophthalmic photography", "眼科照相"}},
      {"OT", {"an image of another kind", "其他类型图像"}},
      {"SC", {"secondary capture", "二次截图"}},
      {"RTDOSE", {"radiotherapy dose", "放疗剂量"}},
      {"RTIMAGE", {"radiotherapy image", "放疗图像"}},
      {"IO", {"intra-oral radiography", "口内 X 线摄影"}},
      {"PX", {"panoramic radiography", "全景 X 线摄影"}},
      {"GM", {"microscopy", "显微图像"}},
      {"DM", {"dermoscopy", "皮肤镜"}},
      {"OPT", {"ophthalmic tomography", "眼科断层"}},
  };
  static const Words unknown{"an image of another kind", "其他类型图像"};
  for (const auto& [id, name] : names) {
    if (id == code) return name;
  }
  return unknown;
}

PixelUse pixel_use(const Image& image) {
  PixelUse use;
  if (image.empty() || image.count() == 0 || is_complex(image.type())) {
    use.constant = true;
    return use;
  }
  visit_real(image, [&](const auto& view) {
    bool first = true;
    std::int64_t finite = 0;
    for (const auto v : view.values()) {
      const auto d = static_cast<double>(v);
      if (!std::isfinite(d)) continue;
      ++finite;
      use.minimum = first ? d : std::min(use.minimum, d);
      use.maximum = first ? d : std::max(use.maximum, d);
      first = false;
    }
    use.constant = finite == 0 || use.minimum == use.maximum;
    std::int64_t low = 0;
    std::int64_t high = 0;
    for (const auto v : view.values()) {
      low += static_cast<double>(v) == use.minimum ? 1 : 0;
      high += static_cast<double>(v) == use.maximum ? 1 : 0;
    }
    if (finite > 0) {
      use.at_minimum_percent = 100.0 * static_cast<double>(low) / static_cast<double>(finite);
      use.at_maximum_percent = 100.0 * static_cast<double>(high) / static_cast<double>(finite);
    }
  });
  return use;
}

std::optional<PixelCalibration> pixel_calibration(const dicom::Header& header, std::string_view modality) {
  const auto pair_of = [&](const char* keyword) -> std::optional<std::array<double, 2>> {
    const std::vector<double> v = header.numbers(keyword);
    if (v.size() < 2 || !(v[0] > 0 && v[0] < 1000 && v[1] > 0 && v[1] < 1000)) return std::nullopt;
    return std::array{v[0], v[1]};
  };
  if (modality == "US") {
    const auto units = header.number("SequenceOfUltrasoundRegions[0].PhysicalUnitsXDirection");
    const auto units_y = header.number("SequenceOfUltrasoundRegions[0].PhysicalUnitsYDirection");
    const auto x = header.number("SequenceOfUltrasoundRegions[0].PhysicalDeltaX");
    const auto y = header.number("SequenceOfUltrasoundRegions[0].PhysicalDeltaY");
    // PS3.3 C.8.5.5.1.15: 3 = centimetres.
    if (units && units_y && *units == 3 && *units_y == 3 && x && y && *x != 0 && *y != 0) {
      return PixelCalibration{10 * std::abs(*y), 10 * std::abs(*x), {"in the first region of the picture", "适用于图像的第一个区域"}, true};
    }
  }
  const auto spacing = pair_of("PixelSpacing");
  const auto imager = pair_of("ImagerPixelSpacing");
  if (is_projection(modality)) {
    // PixelSpacing of a projection is calibrated when it says so or differs from the detector's.
    const bool calibrated = spacing && (header.text("PixelSpacingCalibrationType").has_value() || (imager && *spacing != *imager));
    if (calibrated) return PixelCalibration{(*spacing)[0], (*spacing)[1], {"at the calibrated distance", "适用于标定平面"}, true};
    const auto detector = imager ? imager : spacing;
    if (!detector) return std::nullopt;
    return PixelCalibration{(*detector)[0],
                            (*detector)[1],
                            {"at the detector: lengths in the patient are shorter", "在探测器平面：患者体内实际长度更短"},
                            false};
  }
  if (spacing) return PixelCalibration{(*spacing)[0], (*spacing)[1], {"in the patient", "在患者体内"}, true};
  if (const auto scanned = pair_of("NominalScannedPixelSpacing"))
    return PixelCalibration{(*scanned)[0], (*scanned)[1], {"of the scanned film", "在扫描胶片上"}, false};
  return std::nullopt;
}

SeriesResult analyze_other(const SeriesInput& input, const Profile&, Run& run) {
  SeriesResult result;
  ReportDocument::Measurements table;
  table.title = {"Protocol and calibration", "方案与标定"};
  table.columns = {{"Quantity", "项目"}, {"Value", "数值"}};
  table.right_aligned = {false, true};
  const Writer write{result, table};
  const dicom::Header header = input.series != nullptr ? input.series->header : dicom::Header();
  const Words& kind = modality_name(input.modality);
  write.finding("image.columns", {"Columns", "列数"}, static_cast<double>(input.image.grid().size(0)), "1", "count");
  write.finding("image.rows", {"Rows", "行数"}, static_cast<double>(input.image.grid().size(1)), "1", "count");
  if (input.image.grid().size(2) > 1)
    write.finding("image.slices", {"Slices", "层数"}, static_cast<double>(input.image.grid().size(2)), "1", "count");
  write_size(write, input, header);
  write_time(write, input, header);
  write_exposure(write, input.modality, header);
  if (input.modality == "NM" && !is_complex(input.image.type()) && input.image.components() == 1) {
    double counts = 0;
    const auto pixels = input.image.as<float>();
    for (const float v : pixels.values()) counts += std::isfinite(v) && v > 0 ? v : 0;
    write.finding("image.counts", {"Counts in the image", "图像计数"}, counts, "1", "sum of all pixels");
  }
  write_pixels(write, input);
  if (!header.empty()) write_flags(write, header);
  run.progress(0.5, "pictures");
  write_pictures(result, input, header, run);
  result.tables.push_back(std::move(table));

  std::array<std::vector<std::string>, 2> limits_en, limits_zh;  // limited, poor
  for (const QualityItem& item : result.quality) {
    if (item.verdict == Verdict::good) continue;
    const std::size_t which = item.verdict == Verdict::poor ? 1 : 0;
    limits_en[which].push_back(lower(item.name.en));
    limits_zh[which].push_back(item.name.zh);
  }
  std::vector<int> shown;
  if (!result.images.empty()) shown.push_back(1);
  result.glances.push_back({Attention::note,
                            {"Content not analysed: there is no method here for " + kind.en + "; only quality and protocol were checked.",
                             "未分析内容：尚无针对" + kind.zh + "的分析方法，仅检查了质量与方案。"},
                            shown});
  Words quality{"Quality: nothing remarkable.", "质量：未见异常。"};
  if (!limits_en[0].empty() || !limits_en[1].empty()) {
    std::vector<std::string> en, zh;
    if (!limits_en[1].empty()) {
      en.push_back("poor in " + wording::list(limits_en[1], "en"));
      zh.push_back(wording::list(limits_zh[1], "zh") + "较差");
    }
    if (!limits_en[0].empty()) {
      en.push_back("limited in " + wording::list(limits_en[0], "en"));
      zh.push_back(wording::list(limits_zh[0], "zh") + "受限");
    }
    quality = {"Quality: " + join(en, "; ") + "; the table of quality says why.", "质量：" + join(zh, "；") + "，原因见质量表。"};
  }
  result.glances.push_back({limits_en[1].empty() && limits_en[0].empty() ? Attention::usual : Attention::note, std::move(quality), {}});
  result.not_analysed.push_back({"What the image shows (" + kind.en + "): no profile with a method for it applies to this series.",
                                 "图像内容（" + kind.zh + "）：没有适用于本序列的分析方案。"});
  result.certainty.push_back({"Sizes and times are only as right as the header: they were not measured in the image.",
                              "尺寸与时间取决于头信息，并非由图像测得。"});
  result.methods.push_back({"Values of the header; counts of pixels. No model was used.", "读取头信息并统计像素；未使用模型。"});
  result.references.push_back(wording::same(
      "DICOM PS3.3, Information Object Definitions: C.7.6.3.1.1 (pixel spacing), C.8.5.5 (ultrasound regions), C.8.11.3 (DX)."));
  if (is_projection(input.modality)) {
    result.references.push_back(
        wording::same("IEC 62494-1:2008, Medical electrical equipment - Exposure index of digital X-ray imaging systems - Part 1."));
  }
  return result;
}

}  // namespace gantry::analysis
