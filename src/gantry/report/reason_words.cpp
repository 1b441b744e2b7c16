// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/report/reason_words.h"

#include <algorithm>
#include <optional>

#include "gantry/base/text.h"

namespace gantry::report {

namespace {

/// `{}` stands for any text; the n-th of `zh` takes what the n-th of `en` held, itself put into Chinese where the table knows it.
struct Row {
  std::string_view en, zh;
};

constexpr Row sentences[] = {
    // Choice of series.
    {"profile {}", "分析方案 {}"},
    {"a localizer: shows where other series were taken", "定位像：仅表示其他序列的采集位置"},
    {"no profile applies to this kind of series", "没有适用于此类序列的分析方案"},
    {"profile {} is not for this kind of series", "分析方案 {} 不适用于此类序列"},
    {"series {} shows the same with thinner or more slices", "序列 {} 显示相同内容，且层更薄或层数更多"},
    {"shown beside the PET", "与 PET 一并显示"},
    {"{}: holds no image", "{}：不含图像"},
    {"{}: holds labels of other images, it is no image to analyse", "{}：为其他图像的标注，不作为图像分析"},
    {"no time point of the series is complete", "没有完整的时间点"},
    {"only quality and protocol were checked", "仅检查质量与方案"},
    {"one of {} image sets of its series, which differ in {}", "该序列含 {} 组图像，区别在于{}"},
    {"several time points; volumes of one are analysed", "含多个时间点；仅分析单一时间点的容积"},
    {"no DICOM and no volume file (NIfTI, NRRD, MetaImage)", "既非 DICOM，也非容积文件（NIfTI、NRRD、MetaImage）"},
    // What was searched for.
    {"candidates of {} mm or more in the lung that is in view", "视野内的肺，候选不小于 {} mm"},
    {"connected voxels at SUV >= {}, at least {} mL", "SUV ≥ {} 且不小于 {} mL 的连通体素"},
    {"{} HU and more inside the heart, groups of at least {} mm2", "心脏内不低于 {} HU、面积不小于 {} mm² 的团块"},
    {"cut off by the field of view: a lower bound", "被视野截断：为下限"},
    {"not comparable: {}", "不可比较：{}"},
    {"noise in the lung is {} HU ({} at most)", "肺内噪声 {} HU（上限 {}）"},
    {"noise in the lung could not be measured", "未能测得肺内噪声"},
    {"only one lung is in view", "仅一侧肺在视野内"},
    {"the lungs are cut off", "肺被截断"},
    {"the convolution kernel is not stated", "未注明卷积核"},
    {"the slice thickness is not stated", "未注明层厚"},
    {"slices of {} mm ({} at most)", "层厚 {} mm（上限 {}）"},
    {"sharp kernel {}", "锐利卷积核 {}"},
    {"mean lung density {} HU suggests expiration", "肺平均密度 {} HU，提示呼气相"},
    {"may include physiological uptake: the origin of uptake is not told apart", "可能包含生理性摄取：未区分摄取来源"},
    {"the lung was not found", "未找到该肺"},
    {"slices of {} mm, and the score is defined for {} to {} mm", "层厚 {} mm，而该积分的定义要求 {} 至 {} mm"},
    {"no calibration for calcium in the header and no phantom in the scan", "头信息无钙校准，扫描中亦无体模"},
    {"lung density indices move with noise above {} HU", "噪声高于 {} HU 时肺密度指标会偏移"},
    // Image quality.
    {"Noise in the lung", "肺内噪声"},
    {"Noise in soft tissue", "软组织噪声"},
    {"Slice thickness and spacing", "层厚与层间距"},
    {"Body outside the field of view", "身体超出视野"},
    {"Lungs in view", "肺覆盖"},
    {"Brain in view", "脑部覆盖"},
    {"Metal", "金属"},
    {"Largest voxel edge", "最大体素边长"},
    {"Signal-to-noise ratio in white matter", "白质信噪比"},
    {"Ghosting", "伪影（鬼影）"},
    {"Blur of the skin's edge", "皮肤边缘模糊宽度"},
    {"Signs of motion", "运动迹象"},
    {"edges are wider than the voxels explain: motion or strong smoothing", "边缘宽度超过体素尺寸所能解释：运动或强平滑"},
    {"ghosting or wide edges, which motion causes", "存在鬼影或边缘增宽，可由运动引起"},
    {"volumes of body, fat and muscle are too small", "身体、脂肪与肌肉体积偏小"},
    {"small nodules and density indices need slices of at most 1.5 mm", "小结节与密度指标需要层厚不超过 1.5 mm"},
    {"streaks may disturb HU near it", "其附近的 HU 可能受条状伪影影响"},
    {"tissue volumes by HU mix at their borders", "按 HU 划分的组织体积在边界处混淆"},
    // Trained models.
    {"model {}: {}", "模型 {}：{}"},
    {"the patient must be {} to {} years old", "患者须为 {} 至 {} 岁"},
    {"the age is {}", "年龄为 {} 岁"},
    {"the header states no age", "头信息未注明年龄"},
    {"the view must be one of {}", "投照体位须为 {} 之一"},
    {"the body part must be one of {}", "检查部位须为 {} 之一"},
    {"the header states none", "头信息未注明"},
    {"must lie in models/", "须位于 models/ 中"},
    {"it is not there", "未找到"},
    {"it is {}", "实为 {}"},
    {"trained networks: need the learning plug-in", "训练网络需要学习插件"},
    {"{} was not found: install the package {}", "未找到 {}：请安装软件包 {}"},
    {"the picture is unlike those that the model learnt from: its large structure is farther from the mean than theirs ({}, limit {})",
     "图像与模型的训练图像不相似：其大体结构比训练图像更偏离均值（{}，上限 {}）"},
    {"the picture is unlike those that the model learnt from: its fine detail is more and other than theirs ({}, limit {})",
     "图像与模型的训练图像不相似：其细节更多且不同（{}，上限 {}）"},
    {"the picture is unlike those that the model learnt from: its fine detail is less than theirs ({}, limit {})",
     "图像与模型的训练图像不相似：其细节更少（{}，下限 {}）"},
    {"the voxels are longer than {} mm", "体素边长超过 {} mm"},
    {"the brain is cut off below by the field of view", "脑下缘超出视野"},
    {"the model knows adults only", "该模型仅适用于成人"},
    {"contrast medium was given", "使用了对比剂"},
    {"its place", "其位置"},
    {"its outline", "其轮廓"},
    {"must have the size of a hippocampus", "须与海马大小相符"},
    {"must lie {} to {} mm beside the mid-plane", "须位于正中面旁 {} 至 {} mm"},
    {"lies at {} mm", "实际位于 {} mm"},
    {"has {} mL", "实为 {} mL"},
    // Pixels.
    {"holds no pixel data", "不含像素数据"},
    {"rows or columns are missing or zero", "行数或列数缺失或为零"},
    {"{} bits allocated are not supported", "不支持每像素 {} 位"},
    {"the stated image is absurdly large", "所注图像尺寸过大，不合理"},
    {"transfer syntax {} cannot be decoded", "无法解码传输语法 {}"},
    {"the pixel data are empty", "像素数据为空"},
    {"the pixel data hold {} of {} bytes (truncated)", "像素数据仅有 {} 字节，应为 {} 字节（文件被截断）"},
    {"the pixel data have no end (truncated file)", "像素数据没有结尾（文件被截断）"},
    {"bytes follow the data set", "数据集之后还有多余字节"},
    {"the pixel data state {} bytes, {} are left (truncated file)", "像素数据注明 {} 字节，实有 {} 字节（文件被截断）"},
    {"a pixel fragment states {} bytes, {} are left (truncated file)", "像素片段注明 {} 字节，实有 {} 字节（文件被截断）"},
    {"there is no meta header", "缺少文件元信息"},
    {"the meta header states no transfer syntax", "文件元信息未注明传输语法"},
    {"is not DICOM", "不是 DICOM"},
    {"is not DICOM: {}", "不是 DICOM：{}"},
    {"the file is empty", "文件为空"},
    {"the data set is empty", "数据集为空"},
    {"not readable", "无法读取"},
    {"needs more memory than there is", "内存不足"},
    {"does not exist", "不存在"},
    {"refers to {} files, {} of them are missing", "引用 {} 个文件，其中 {} 个缺失"},
    {"the same instance as {}, left out", "与 {} 为同一实例，已略去"},
    {"the pixel data hold {} where a fragment is due", "像素数据在应为片段处为 {}"},
    {"the data set is written in {} VR unlike its transfer syntax", "数据集以 {} VR 写成，与其传输语法不符"},
    {"data set: {}", "数据集：{}"},
    {"header: may take at most {} bytes", "头信息：最多 {} 字节"},
    {"sequences: may be nested {} deep at most", "序列嵌套：最多 {} 层"},
    {"a sequence holds {} where an item is due", "序列中在应为条目处为 {}"},
    {"an item states {} bytes, {} are left", "条目注明 {} 字节，实有 {} 字节"},
    {"{} states {} bytes, {} are left", "{} 注明 {} 字节，实有 {} 字节"},
    {"{} cannot be read", "{} 无法读取"},
    // Warnings about geometry.
    {"{} images lie where another one lies already and are left out (duplicates)", "{} 幅图像与已有图像位置重复，已略去"},
    {"no time point is complete", "没有完整的时间点"},
    {"the time series is incomplete: {} images of time points that not all slices have are left out",
     "时间序列不完整：{} 幅图像所属时间点并非各层均有，已略去"},
    {"tilted by {} degrees: the slice axis is not perpendicular to the slices; the grid is sheared alike",
     "机架倾斜 {} 度：层轴与层面不垂直，网格相应错切"},
    {"slices are shifted in their plane by up to {} mm against each other; this is not corrected",
     "各层在层面内相互错位至多 {} mm，未校正"},
    {"{} slices are missing (after slice {}); nothing was filled in, the grid keeps the true positions",
     "缺少 {} 层（第 {} 层之后）；未填补，网格保留真实位置"},
    {"{} slice is missing (after slice {}); nothing was filled in, the grid keeps the true positions",
     "缺少 {} 层（第 {} 层之后）；未填补，网格保留真实位置"},
    {"slice distances vary between {} and {} mm; the grid keeps the true positions", "层间距在 {} 至 {} mm 之间变化；网格保留真实位置"},
    {"the pixel spacing is that at the detector: lengths in the patient are smaller", "像素间距为探测器平面处的值：患者体内长度更小"},
    {"the pixel spacing is that of the scanned film", "像素间距为扫描胶片处的值"},
    {"the pixel size is not stated: 1 mm is assumed", "未注明像素尺寸：按 1 mm 处理"},
    {"MONOCHROME1: low values are shown bright; values are as stored", "MONOCHROME1：低值显示为亮，数值保持原样"},
    {"a UID was missing: Study, Series or Instance UID was derived from the header's content",
     "缺少 UID：检查、序列或实例 UID 由头信息内容推出"},
    {"the input has no DICOM header: study and series UIDs are derived from its content",
     "输入没有 DICOM 头信息：检查与序列 UID 由内容推出"},
    {"the modality is inferred from the values: {}; --modality states it", "模态由数值推断为 {}；可用 --modality 指定"},
    {"only {} of {} frames are described", "头信息仅描述了 {} / {} 帧"},
    // Head MR.
    {"contrast: must be T1-weighted; there is bright fluid inside the brain", "对比：须为 T1 加权；脑内可见高信号液体"},
    {"contrast: must be T1-weighted; white matter is not brighter than grey matter", "对比：须为 T1 加权；白质信号不高于灰质"},
    {"tissues: the image is constant", "组织：图像数值恒定"},
    {"tissues: grey matter, white matter and fluid do not differ in this image", "组织：本图像中灰质、白质与液体无法区分"},
    {"brain: {}", "脑：{}"},
    {"the image is too small for a head; {} mm along an axis", "图像过小，不足以包含头部；某一轴仅 {} mm"},
    {"the image is too large for a head; {} mm along an axis", "图像过大，不像头部；某一轴达 {} mm"},
    {"the image is constant", "图像数值恒定"},
    {"no head stands out from the background", "背景中未见头部"},
    {"the largest object is smaller than a head", "最大的物体小于头部"},
    {"grey and white matter do not come apart from their surroundings as one compact body", "灰质与白质未能作为一个整体与周围分开"},
    {"too few voxels to tell tissues apart", "体素过少，无法区分组织"},
    {"needs one value for each voxel", "每个体素须只有一个数值"},
    {"needs at least 8 voxels along each axis; found {}", "每个轴须至少有 8 个体素；实有 {} 个"},
    {"only {} mL look like brain", "仅有 {} mL 像脑组织"},
    {"CT volume: must have one component and one time point", "CT 容积：须为单分量、单时间点"},
    {"the brain reaches the edge of the field of view: volumes are lower bounds", "脑到达视野边缘：体积为下限"},
    {"the skull was removed from this image before: its outline is kept, the intracranial volume is that of the outline",
     "本图像已预先去除颅骨：沿用其轮廓，颅内体积即轮廓体积"},
    {"the skull was removed before: a lower bound", "已预先去除颅骨：为下限"},
    // CT.
    {"the body exceeds the field of view in the plane of the slices: its volumes are lower bounds", "身体超出层面内视野：其体积为下限"},
    {"{} mL at 3000 HU or more: metal, HU near it are unreliable", "{} mL 达到 3000 HU 或以上：金属，其附近 HU 不可靠"},
    {"{} % of the volume is padding below -1500 HU and was excluded", "{} % 的容积为低于 -1500 HU 的填充，已排除"},
    {"one lung is in view and its side is uncertain: neither trachea nor spine tells",
     "视野内仅有一侧肺且侧别不确定：气管与脊柱均不能提示"},
    // SUV.
    {"the series has several time points; SUV of dynamic series are not measured", "序列含多个时间点；不测量动态序列的 SUV"},
    {"the series is coloured", "序列为彩色图像"},
    {"the file says nothing about dose and weight, and values from {} to {} are no standardised uptake",
     "文件未注明剂量与体重，且数值 {} 至 {} 不是标准摄取值"},
    {"the file holds neither sex nor height", "文件未注明性别与身高"},
    {"the file does not say what its values are: they are taken as SUV by body weight", "文件未说明数值的含义：按体重 SUV 处理"},
    {"values taken as SUV by body weight as they are: the file says nothing about them", "文件未说明数值含义，直接作为体重 SUV"},
    {"the series holds no images", "序列不含图像"},
    {"Modality must be PT; got {}", "Modality 须为 PT；实为 {}"},
    {"RescaleIntercept must be 0; got {}", "RescaleIntercept 须为 0；实为 {}"},
    {"the factor is not finite", "换算系数不是有限数"},
    {"{} and {} are missing", "缺少 {} 与 {}"},
    {"{} is missing", "缺少 {}"},
    {"{} must be positive; got {}", "{} 须为正数；实为 {}"},
    {"DecayCorrection (0054,1102) must be START, ADMIN or NONE; got {}", "DecayCorrection (0054,1102) 须为 START、ADMIN 或 NONE；实为 {}"},
    {"CorrectedImage (0028,0051) must hold DCAL for Units CPS", "Units 为 CPS 时，CorrectedImage (0028,0051) 须含 DCAL"},
    {"Units (0054,1001) must be BQML, CNTS, CPS, GML or CM2ML; got {}", "Units (0054,1001) 须为 BQML、CNTS、CPS、GML 或 CM2ML；实为 {}"},
    {"Units CNTS need the Philips factors (7053,1009) or (7053,1000), or DCAL in CorrectedImage (0028,0051)",
     "Units 为 CNTS 时，须有飞利浦系数 (7053,1009) 或 (7053,1000)，或 CorrectedImage (0028,0051) 含 DCAL"},
    {"SUVType (0054,1006) must be BW, LBM or IBW for Units GML; got {}",
     "Units 为 GML 时，SUVType (0054,1006) 须为 BW、LBM 或 IBW；实为 {}"},
    {"SUVType (0054,1006) must be BSA for Units CM2ML; got {}", "Units 为 CM2ML 时，SUVType (0054,1006) 须为 BSA；实为 {}"},
    {"PatientSex (0010,0040) must be M or F; got {}", "PatientSex (0010,0040) 须为 M 或 F；实为 {}"},
    {"the scan must follow the administration within 24 h; got {} h", "扫描须在给药后 24 h 内；实为 {} h"},
    {"the scan must not precede the administration, RadiopharmaceuticalStartDateTime (0018,1078); it does by {} min",
     "扫描不得早于给药时间 RadiopharmaceuticalStartDateTime (0018,1078)；实早 {} min"},
    {"Units {}, {}", "单位 {}，{}"},
    {"Philips activity scale factor (7053,1009), {}", "飞利浦活度系数 (7053,1009)，{}"},
    {"Philips SUV scale factor (7053,1000)", "飞利浦 SUV 系数 (7053,1000)"},
    {"values are SUVbw", "数值即体重 SUV"},
    {"values are SUVbsa", "数值为体表面积 SUV"},
    {"values are SUV by {}", "数值为按 {} 的 SUV"},
    {"decay corrected to the administration", "衰变校正至给药时刻"},
    {"decay corrected to the start of the series", "衰变校正至序列开始时刻"},
    {"decay corrected to DecayCorrectionDateTime", "衰变校正至 DecayCorrectionDateTime"},
    {"decay corrected to the scan start of (0009,100D)", "衰变校正至 (0009,100D) 的扫描开始时刻"},
    {"decay corrected to the time of (0071,1022)", "衰变校正至 (0071,1022) 的时刻"},
    {"not decay corrected, mean decay time of each frame", "未做衰变校正，按各帧平均衰变时刻换算"},
    {"PatientWeight (0010,1030) is 1000 or more: taken as gram", "PatientWeight (0010,1030) 不小于 1000：按克处理"},
    {"PatientSize (0010,1020) is larger than 3: taken as centimetres", "PatientSize (0010,1020) 大于 3：按厘米处理"},
    {"RadionuclideTotalDose (0018,1074) is below 10000: taken as MBq", "RadionuclideTotalDose (0018,1074) 小于 10000：按 MBq 处理"},
    {"the manufacturer is not known: times are taken as on Siemens and Philips scanners", "厂商未知：时间按西门子与飞利浦的约定解释"},
    {"the administration is taken to be before midnight, the scan after it", "视为给药在午夜之前、扫描在其后"},
    {"SUVType (0054,1006) LBM does not say which formula: James is assumed", "SUVType (0054,1006) 为 LBM，未注明公式：按 James 处理"},
    {"CorrectedImage (0028,0051) does not hold ATTN: not corrected for attenuation", "CorrectedImage (0028,0051) 不含 ATTN：未做衰减校正"},
    {"CorrectedImage (0028,0051) does not hold DECY although DecayCorrection is {}",
     "CorrectedImage (0028,0051) 不含 DECY，而 DecayCorrection 为 {}"},
};

/// Names of kinds of objects and of what sets them apart; only found whole.
constexpr Row names[] = {
    {"DICOMDIR", "DICOMDIR 目录"},
    {"MR spectroscopy", "磁共振波谱"},
    {"presentation state", "显示状态"},
    {"presentation state (colour)", "显示状态（彩色）"},
    {"presentation state (pseudo-colour)", "显示状态（伪彩）"},
    {"presentation state (blending)", "显示状态（融合）"},
    {"raw data", "原始数据"},
    {"spatial registration", "空间配准"},
    {"spatial fiducials", "空间基准点"},
    {"deformable spatial registration", "形变配准"},
    {"segmentation", "分割"},
    {"label map segmentation", "标签图分割"},
    {"surface segmentation", "表面分割"},
    {"tractography", "纤维束示踪"},
    {"real world value mapping", "真实值映射"},
    {"structured report", "结构化报告"},
    {"structured report (mammography CAD)", "结构化报告（乳腺 CAD）"},
    {"structured report (chest CAD)", "结构化报告（胸部 CAD）"},
    {"structured report (radiation dose)", "结构化报告（辐射剂量）"},
    {"structured report (radiopharmaceutical dose)", "结构化报告（放射性药物剂量）"},
    {"procedure log", "操作日志"},
    {"key object selection", "关键对象选择"},
    {"microscopy annotations", "显微标注"},
    {"encapsulated PDF", "封装的 PDF"},
    {"encapsulated CDA", "封装的 CDA"},
    {"encapsulated STL", "封装的 STL"},
    {"RT structure set", "放疗结构集"},
    {"RT beams treatment record", "放疗射束治疗记录"},
    {"RT plan", "放疗计划"},
    {"RT brachy treatment record", "近距离治疗记录"},
    {"RT treatment summary", "放疗小结"},
    {"RT ion plan", "离子放疗计划"},
    {"RT ion beams treatment record", "离子射束治疗记录"},
    {"radiotherapy object", "放疗对象"},
    {"waveform", "波形"},
    {"object without pixels", "不含像素的对象"},
    {"size", "尺寸"},
    {"colour", "颜色"},
    {"presence of a position", "有无位置信息"},
    {"orientation", "方向"},
    {"pixel spacing", "像素间距"},
    {"image type", "图像类型"},
    {"echo", "回波"},
    {"b-value", "b 值"},
    {"stack", "层组"},
    {"kind of object", "对象种类"},
    {"readability of the pixels", "像素可否读取"},
    {"none", "无"},
};

std::optional<std::string> known_in_chinese(std::string_view text, int depth);

/// What each {} of `pattern` stands for in `text`: the shortest text that fits, the rest for the last one.
std::optional<std::vector<std::string_view>> held_by(std::string_view pattern, std::string_view text) {
  std::vector<std::string_view> held;
  for (;;) {
    const std::size_t gap = pattern.find("{}");
    if (!text.starts_with(pattern.substr(0, gap))) return std::nullopt;
    if (gap == std::string_view::npos) return text == pattern ? std::optional(held) : std::nullopt;
    text.remove_prefix(gap);
    pattern.remove_prefix(gap + 2);
    const std::string_view next = pattern.substr(0, pattern.find("{}"));
    const bool last = next.size() == pattern.size();
    const std::size_t end = next.empty() ? text.size()
                            : last       ? (text.ends_with(next) ? text.size() - next.size() : std::string_view::npos)
                                         : text.find(next);
    if (end == std::string_view::npos || end == 0) return std::nullopt;
    held.push_back(text.substr(0, end));
    text.remove_prefix(end);
    if (last) return held;
  }
}

/// A name, or a list of names, in Chinese; anything else as it is.
std::string chinese_part(std::string_view text, int depth) {
  if (const auto whole = depth < 3 ? known_in_chinese(text, depth + 1) : std::nullopt) return *whole;
  std::vector<std::string> parts = split(text, ',');
  for (std::string& part : parts) {
    bool found = false;
    for (const Row& row : names) {
      if (trim(part) != row.en) continue;
      part = row.zh;
      found = true;
    }
    if (!found) return std::string(text);
  }
  return join(parts, "、");
}

std::optional<std::string> known_in_chinese(std::string_view text, int depth) {
  for (const Row& row : sentences) {
    const auto held = held_by(row.en, text);
    // What holds several sentences is none of them.
    if (!held || std::any_of(held->begin(), held->end(), [](auto part) { return part.find("; ") != std::string_view::npos; })) continue;
    std::string result(row.zh);
    std::size_t from = 0;
    for (const std::string_view part : *held) {
      const std::size_t gap = result.find("{}", from);
      const std::string words = chinese_part(part, depth);
      result.replace(gap, 2, words);
      from = gap + words.size();
    }
    return result;
  }
  return std::nullopt;
}

}  // namespace

Words reason_words(const std::string& english) {
  if (english.empty()) return {};
  if (const auto whole = known_in_chinese(english, 0)) return {english, *whole};
  std::string result;
  std::string_view rest = english;
  while (!rest.empty()) {
    const std::size_t end = rest.find("; ");
    const std::string_view part = rest.substr(0, end);
    if (!result.empty()) result += "；";
    const auto known = known_in_chinese(part, 0);
    result += known ? *known : fmt::format("（英文原文）{}", part);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 2);
  }
  return {english, result};
}

}  // namespace gantry::report
