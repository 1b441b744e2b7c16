// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "gantry/image/code.h"

namespace gantry {

using Color = std::array<std::uint8_t, 3>;  ///< sRGB

/// One row of the table of structures: the only home of ids, names, codes and colours.
struct Structure {
  std::string_view id;        ///< snake_case: "lung_left"
  std::string_view snomed;    ///< SNOMED CT concept id
  std::string_view meaning;   ///< SNOMED CT preferred term, also the English name
  std::string_view name_zh;   ///< Chinese name
  Color color;                ///< neighbours differ in lightness, paired organs share a hue
  std::string_view category;  ///< SNOMED CT id of the property category (PS3.16 CID 7150): 91723000 (anatomical structure), 85756007
                              ///< (tissue), 49755003 (morphologically abnormal structure), 91720002 (body substance), 105590001 (substance)
  bool lesion = false;        ///< found one by one and numbered, `lung_nodule.3`; never part of the anatomy
};

/// All structures in a fixed order.
std::span<const Structure> structures();
/// The row of `id` (a trailing `.N`, as in `lung_nodule.3`, is ignored); Error(internal) when there is none.
const Structure& structure(std::string_view id);
Code code_of(const Structure& structure);

}  // namespace gantry
