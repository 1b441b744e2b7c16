// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/base/files.h"
#include "gantry/base/run.h"
#include "gantry/image/kspace.h"

/// ISMRMRD 1.x in HDF5: the raw data of MR scanners (Inati SJ et al. ISMRM Raw data format. Magn Reson Med 2017;77:411-421).
namespace gantry::io::ismrmrd {

/// Puts the readouts of a Cartesian scan in their places. Noise, calibration, navigator and phase-correction readouts are left out,
/// repeated ones are averaged, reversed ones turned round. Only the first encoding space is taken; what was left out is warned of. Throws
/// Error(unreadable) for damage, Error(not_possible) for other trajectories, Error(refused) for sizes that the readouts do not fill.
KSpace read(std::span<const std::byte> bytes, Run& run);
/// The same k-space as an ISMRMRD file of one readout a line: frames are repetitions. Any reader of ISMRMRD takes it.
Bytes to_bytes(const KSpace& kspace);

}  // namespace gantry::io::ismrmrd
