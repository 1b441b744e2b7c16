// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

/// Signals of a T1-weighted gradient echo with inversion (MPRAGE) at 3 T, white matter 1000.
namespace gantry::simulation::signal {

constexpr float air = 12, skin = 620, fat = 1280, muscle = 520, cortical_bone = 70, marrow = 820, cerebrospinal_fluid = 225,
                gray_matter = 700, white_matter = 1000, thalamus = 850, striatum = 765, pallidum = 900, brain_stem = 960, vitreous = 230,
                lens = 480, mucosa = 560, blood = 300, tumor_core = 380, tumor_rim = 860, oedema = 740;

}  // namespace gantry::simulation::signal
