// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "gantry/base/files.h"
#include "gantry/codec/codec.h"
#include "gantry/dicom/data_set.h"

namespace gantry::dicom {

/// How the pixel cells of an object are stored.
struct CellFormat {
  codec::FrameFormat frame;
  bool planar = false;    ///< colour planes one behind the other
  bool floating = false;  ///< 32- or 64-bit floating point
  bool big_endian = false;
  bool word_swapped_bytes = false;  ///< 8-bit cells in big-endian 16-bit words: the reader swaps them back

  std::int64_t cells() const { return static_cast<std::int64_t>(frame.rows) * frame.columns * frame.samples_per_pixel; }
  /// Bits of one frame as stored natively.
  std::int64_t frame_bits() const;
  /// Lowest and highest value that the stored bits can express.
  double lowest() const;
  double highest() const;
};

/// Of a parsed object. Throws Error(unreadable) for values outside the standard (rows, columns, bits).
CellFormat cell_format(const Header::Data& data);

/// Brings `raw` (one native frame) into host order with samples side by side and YBR_FULL(_422) turned into RGB; 1-bit cells become
/// bytes. `first_bit` is where the frame begins in the first byte (1-bit only).
Bytes plain_cells(Bytes raw, CellFormat& format, int first_bit = 0);

/// Writes value = cell x slope + intercept as T for `count` cells; only the stored bits of each cell count. False when a value does not fit
/// into T (integers only).
template <class T>
bool convert_cells(std::span<const std::byte> cells, const CellFormat& format, double slope, double intercept, T* out, std::int64_t count);

/// The palette of a PALETTE COLOR image.
struct Palette {
  std::int64_t first = 0;
  std::vector<std::array<std::uint8_t, 3>> colors;
  bool empty() const { return colors.empty(); }
  const std::array<std::uint8_t, 3>& operator[](std::int64_t index) const {
    return colors[static_cast<std::size_t>(std::clamp<std::int64_t>(index - first, 0, static_cast<std::int64_t>(colors.size()) - 1))];
  }
};
/// Throws Error(unreadable) when tables are missing or shorter than their descriptors say.
Palette read_palette(const DataSet& root);

/// The Modality LUT Sequence, which stands for rescaling where it is present; empty otherwise.
struct ModalityTable {
  std::int64_t first = 0;
  std::vector<float> values;
};
ModalityTable read_modality_table(const DataSet& root);

}  // namespace gantry::dicom
