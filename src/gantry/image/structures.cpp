// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/image/structures.h"

#include "gantry/base/error.h"

namespace gantry {

namespace {

// Categories of PS3.16 CID 7150.
constexpr std::string_view anatomical = "91723000";      // Anatomical structure
constexpr std::string_view tissue = "85756007";          // Tissue
constexpr std::string_view abnormal = "49755003";        // Morphologically abnormal structure
constexpr std::string_view body_substance = "91720002";  // Body substance
constexpr std::string_view substance = "105590001";      // Substance
constexpr Color lesion{0xe8, 0x59, 0x0c};

constexpr std::array table{
    Structure{"body", "38266002", "Body", "身体", {0x8a, 0x94, 0xa0}, anatomical},
    Structure{"lung_left", "44029006", "Left lung", "左肺", {0x56, 0xb4, 0xe9}, anatomical},
    Structure{"lung_right", "3341006", "Right lung", "右肺", {0x1f, 0x78, 0xb4}, anatomical},
    Structure{"airways", "89187006", "Airways", "气道", {0xb8, 0xe1, 0x86}, anatomical},
    Structure{"lung_nodule", "786838002", "Lung nodule", "肺结节", lesion, abnormal, true},
    Structure{"emphysema", "87433001", "Emphysema", "肺气肿", {0xf2, 0xc8, 0x5b}, abnormal},
    Structure{"heart", "80891009", "Heart", "心脏", {0xc4, 0x4e, 0x52}, anatomical},
    Structure{"aorta", "15825003", "Aorta", "主动脉", {0xe0, 0x7b, 0x7b}, anatomical},
    Structure{"coronary_calcification", "445512009", "Calcification of coronary artery", "冠状动脉钙化", {0xff, 0xd5, 0x4f}, abnormal},
    Structure{"heart_calcification", "18115005", "Pathologic calcification", "心脏内钙化", {0xff, 0xd5, 0x4f}, abnormal},
    Structure{"aortic_calcification", "18115005", "Pathologic calcification", "主动脉钙化", {0xff, 0xb3, 0x00}, abnormal},
    Structure{"bone", "272673000", "Bone", "骨", {0xf5, 0xe6, 0xc8}, anatomical},
    Structure{"fat", "55603005", "Adipose tissue", "脂肪", {0xe6, 0xc2, 0x4a}, tissue},
    Structure{"subcutaneous_fat", "67769002", "Subcutaneous adipose tissue", "皮下脂肪", {0xf0, 0xd9, 0x84}, tissue},
    Structure{"visceral_fat", "725273006", "Adipose tissue of abdomen", "内脏脂肪", {0xb8, 0x8a, 0x1e}, tissue},
    Structure{"muscle", "127954009", "Skeletal muscle", "骨骼肌", {0xb0, 0x5a, 0x7a}, anatomical},
    Structure{"soft_tissue", "87784001", "Soft tissue", "软组织", {0xcc, 0x79, 0xa7}, tissue},
    Structure{"air", "15158005", "Air", "空气", {0x2b, 0x8c, 0xbe}, body_substance},
    Structure{"liver", "10200004", "Liver", "肝", {0xa6, 0x5a, 0x3a}, anatomical},
    Structure{"spleen", "78961009", "Spleen", "脾", {0x7b, 0x5e, 0xa7}, anatomical},
    Structure{"kidney_left", "18639004", "Left kidney", "左肾", {0x66, 0xa6, 0x1e}, anatomical},
    Structure{"kidney_right", "9846003", "Right kidney", "右肾", {0x3b, 0x6e, 0x0f}, anatomical},
    Structure{"spine", "421060004", "Spine", "脊柱", {0xd9, 0xd9, 0xbf}, anatomical},
    Structure{"ribs", "113197003", "Ribs", "肋骨", {0xbf, 0xb3, 0x99}, anatomical},
    Structure{"brain", "12738006", "Brain", "脑", {0x00, 0x9e, 0x73}, anatomical},
    Structure{"intracranial", "128319008", "Intracranial space", "颅内腔", {0x74, 0xc4, 0xa8}, anatomical},
    Structure{"gray_matter", "389081007", "Gray matter of brain", "脑灰质", {0x8d, 0xa0, 0xcb}, anatomical},
    Structure{"white_matter", "389080008", "White matter of brain", "脑白质", {0xe5, 0xe8, 0xf4}, anatomical},
    Structure{"cerebrospinal_fluid", "65216001", "Cerebrospinal fluid", "脑脊液", {0x2c, 0x5a, 0xa0}, body_substance},
    Structure{"ventricles", "35764002", "Cerebral ventricles", "脑室", {0x00, 0x72, 0xb2}, anatomical},
    Structure{"hippocampus_left", "5366008", "Hippocampus", "左侧海马", {0xe6, 0xab, 0x02}, anatomical},
    Structure{"hippocampus_right", "5366008", "Hippocampus", "右侧海马", {0xa6, 0x76, 0x1d}, anatomical},
    Structure{"deep_nuclei", "32610002", "Basal ganglion", "深部核团", {0x5e, 0x4f, 0xa2}, anatomical},
    Structure{"skull", "89546000", "Skull", "颅骨", {0xf0, 0xe0, 0xb0}, anatomical},
    Structure{"scalp", "41695006", "Scalp", "头皮", {0xd8, 0xb3, 0x9a}, anatomical},
    Structure{"brain_tumor", "126952004", "Brain tumor", "脑肿瘤", lesion, abnormal, true},
    Structure{"liver_lesion", "300331000", "Liver lesion", "肝病灶", lesion, abnormal, true},
    Structure{"kidney_lesion", "79131000119100", "Kidney lesion", "肾病灶", lesion, abnormal, true},
    Structure{"pet_lesion", "52988006", "Lesion with increased uptake", "摄取增高灶", lesion, abnormal, true},
    Structure{"metal", "425620007", "Metal", "金属", {0xff, 0xff, 0xff}, substance},
};

}  // namespace

std::span<const Structure> structures() { return table; }

const Structure& structure(std::string_view id) {
  const std::string_view family = id.substr(0, id.find('.'));
  for (const Structure& row : table) {
    if (row.id == family) return row;
  }
  throw Error(ErrorCode::internal, fmt::format("structure: '{}' is not in the table", family));
}

Code code_of(const Structure& structure) { return {"SCT", std::string(structure.snomed), std::string(structure.meaning)}; }

}  // namespace gantry
