// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

namespace gantry::statistics {

/// Probability that a standard normal number lies above |z| or below -|z|. NaN for NaN.
double normal_two_sided(double z);
/// The z that a share `probability` of standard normal numbers lies below; `probability` in (0, 1).
double normal_quantile(double probability);
/// Probability that a chi-squared number of `degrees` of freedom lies above `value`.
double chi_squared_above(double value, double degrees);
/// Probability that a number of Student's distribution with `degrees` of freedom lies above |t| or below -|t|.
double student_two_sided(double t, double degrees);

}  // namespace gantry::statistics
