// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/image/vectors.h"
#include "gantry/operation/value.h"

namespace gantry {

/// A set of vectors in a file `.gvec`: the word GVEC0001, the length of a JSON head (u64), the head, the vectors as f32, the thumbnails;
/// all little-endian. Read with at most the file's own size in memory: counts are checked against it before anything is taken from them.
/// Throws Error(unreadable) for what does not fit, is not finite or not of length 1.
template <>
struct PortType<VectorSet> {
  static constexpr std::string_view id = "vectors";
  static constexpr std::string_view endings = ".gvec";
  static VectorSet read(const Path& path, Run& run);
  static void write(const Path& path, const VectorSet& vectors, Run& run);
  static Bytes to_bytes(const VectorSet& vectors);
  static VectorSet from_bytes(std::span<const std::byte> bytes);
};

/// The largest centred square of a two-dimensional picture (as `picture_of` gives it) in grey, as means over `side` x `side` cells, from 0
/// to 255.
std::vector<float> grey_square(const Image& picture, int side);
constexpr int thumbnail_vector_side = 16;
/// The grey square of 16 x 16 cells with mean 0 and length 1: what a picture is without any learning. Throws Error(not_possible) for a
/// uniform one.
std::vector<float> thumbnail_vector(const Image& picture);

/// `shapes`: the middle slices of the image phantoms that are not uniform, as `thumbnail_vector`s with their names; the labels are "round"
/// for sphere, cylinder and shepp_logan and "other". Throws Error(usage) that lists the names.
VectorSet phantom_vectors(std::string_view name);

}  // namespace gantry
