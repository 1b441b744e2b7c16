// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace gantry {

/// SHA-256 (FIPS 180-4) over what is added; the basis of cache keys, provenance digests and derived UIDs.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  Sha256& add(std::span<const std::byte> bytes);
  Sha256& add(std::string_view text);
  /// Digest of everything added; the object is spent afterwards.
  std::array<std::uint8_t, 32> finish();
  /// The digest as 64 hexadecimal digits.
  std::string finish_hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256_hex(std::span<const std::byte> bytes);
std::string sha256_hex(std::string_view text);

/// A DICOM UID under 2.25 (PS3.5 B.2) made of the first 128 bits of the text's SHA-256: the same text gives the same UID.
std::string derived_uid(std::string_view text);

}  // namespace gantry
