// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gantry/base/files.h"

namespace gantry::dicom::network {

/// Types of protocol data units (PS3.8 section 9.3).
enum class PduType : std::uint8_t {
  associate_request = 1,
  associate_accept = 2,
  associate_reject = 3,
  data = 4,
  release_request = 5,
  release_reply = 6,
  abort = 7,
};

/// What a presentation context was answered with (PS3.8 table 9-18).
enum class ContextResult : std::uint8_t { accepted = 0, user_rejected = 1, no_reason = 2, abstract_syntax = 3, transfer_syntaxes = 4 };

/// A presentation context, proposed or answered. An answer has at most one transfer syntax and no abstract syntax.
struct PresentationContext {
  std::uint8_t id = 1;  ///< odd
  std::string abstract_syntax;
  std::vector<std::string> transfer_syntaxes;
  ContextResult result = ContextResult::accepted;
};

/// SCP/SCU role selection of one SOP class (PS3.7 D.3.3.4).
struct RoleSelection {
  std::string sop_class_uid;
  bool scu = true, scp = false;
};

/// Content of A-ASSOCIATE-RQ and A-ASSOCIATE-AC.
struct Associate {
  std::string called_ae_title, calling_ae_title;
  std::string application_context = "1.2.840.10008.3.1.1.1";
  std::vector<PresentationContext> contexts;
  std::uint32_t max_pdu = 0;  ///< largest P-DATA-TF that its sender takes; 0 = any
  std::string implementation_class_uid, implementation_version_name;
  std::vector<RoleSelection> roles;
};

/// Content of A-ASSOCIATE-RJ and A-ABORT: see PS3.8 tables 9-21 and 9-26.
struct Refusal {
  std::uint8_t result = 1, source = 1, reason = 1;
  /// In words.
  std::string text() const;
};

/// Largest A-ASSOCIATE unit that is read: room for 128 contexts of many transfer syntaxes each.
constexpr std::uint32_t most_associate_bytes = 262144;

/// A whole unit, header included. Error(parameter) for what does not fit the protocol (AE titles, more than 128 contexts).
Bytes encode_associate(PduType type, const Associate& associate);
/// The content behind the 6-byte header. Error(peer) naming the place for anything malformed: lengths, context ids that are even or twice
/// there, more than 128 contexts or 64 transfer syntaxes each, UIDs that are none.
Associate parse_associate(PduType type, std::span<const std::byte> content);

Bytes encode_reject(const Refusal& refusal);
/// A-RELEASE-RQ and -RP.
Bytes encode_release(PduType type);
Bytes encode_abort(std::uint8_t source, std::uint8_t reason);
/// Of A-ASSOCIATE-RJ (`result`, `source`, `reason`) and A-ABORT (`source`, `reason`). Error(peer) unless `content` has 4 bytes.
Refusal parse_refusal(std::span<const std::byte> content);

/// One presentation data value: a fragment of a command or a data set.
struct Fragment {
  std::uint8_t context = 0;
  bool command = false, last = false;
  std::span<const std::byte> bytes;
};
/// The fragments of a P-DATA-TF unit; they refer to `content`. Error(peer) for malformed lengths.
std::vector<Fragment> parse_data(std::span<const std::byte> content);
/// The 12 bytes before the bytes of a single fragment.
Bytes encode_data_header(std::uint8_t context, bool command, bool last, std::uint32_t size);

}  // namespace gantry::dicom::network
