// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <span>
#include <string_view>

#include "gantry/analysis/profile.h"
#include "gantry/analysis/result.h"

namespace gantry::analysis {

/// A method of a profile: measures one series. Throws Error when it cannot say anything; what it can say in part it returns with reasons.
using Method = SeriesResult (*)(const SeriesInput& input, const Profile& profile, Run& run);

/// One row of the table of methods, the only place where a method gets its id.
struct MethodRow {
  std::string_view id;
  Method method;
};

/// All methods: `chest_ct`, `any_ct`, `head_mr`, `pet`, `chest_film`, `other`. A new one is a function of type Method and a row in
/// methods.cpp.
std::span<const MethodRow> methods();
/// The method with this id; nullptr when there is none.
Method find_method(std::string_view id);

/// Any CT: body, air, bone, fat, soft tissue and, where in view, lung.
SeriesResult analyze_any_ct(const SeriesInput& input, const Profile& profile, Run& run);
/// Chest CT: lungs, airways, density, nodules, calcium, bone, body composition.
SeriesResult analyze_chest_ct(const SeriesInput& input, const Profile& profile, Run& run);

}  // namespace gantry::analysis
