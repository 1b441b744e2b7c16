// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gantry/base/files.h"

namespace gantry::dicom::network {

/// Command fields (PS3.7 annex E.1); a response has bit 15 set.
enum class CommandField : std::uint16_t {
  store = 0x0001,
  get = 0x0010,
  find = 0x0020,
  move = 0x0021,
  echo = 0x0030,
  cancel = 0x0FFF,
};
constexpr std::uint16_t response_bit = 0x8000;

/// Status codes that more than one service uses (PS3.7 annex C).
namespace status {
constexpr std::uint16_t success = 0x0000;
constexpr std::uint16_t pending = 0xFF00;
constexpr std::uint16_t cancelled = 0xFE00;
constexpr std::uint16_t warning = 0xB000;
constexpr std::uint16_t out_of_resources = 0xA700;
constexpr std::uint16_t move_destination_unknown = 0xA801;
constexpr std::uint16_t does_not_match = 0xA900;
constexpr std::uint16_t cannot_process = 0xC000;
constexpr std::uint16_t no_such_class = 0x0122;
constexpr std::uint16_t unrecognized_operation = 0x0211;
}  // namespace status

/// The element numbers of group 0000 that are used here.
namespace element {
constexpr std::uint16_t affected_sop_class = 0x0002;
constexpr std::uint16_t command_field = 0x0100;
constexpr std::uint16_t message_id = 0x0110;
constexpr std::uint16_t message_id_responded = 0x0120;
constexpr std::uint16_t move_destination = 0x0600;
constexpr std::uint16_t priority = 0x0700;
constexpr std::uint16_t data_set_type = 0x0800;
constexpr std::uint16_t status = 0x0900;
constexpr std::uint16_t error_comment = 0x0902;
constexpr std::uint16_t affected_sop_instance = 0x1000;
constexpr std::uint16_t remaining = 0x1020;
constexpr std::uint16_t completed = 0x1021;
constexpr std::uint16_t failed = 0x1022;
constexpr std::uint16_t warnings = 0x1023;
constexpr std::uint16_t move_originator = 0x1030;
constexpr std::uint16_t move_originator_message_id = 0x1031;
}  // namespace element

/// The command part of a DIMSE message (PS3.7 section 6.3): implicit little endian, always.
class CommandSet {
 public:
  CommandSet() = default;
  /// A request. `with_data`: a data set follows.
  CommandSet(CommandField field, std::uint16_t message_id, std::string_view sop_class_uid, bool with_data);
  /// The response to this request.
  CommandSet response(std::uint16_t status, bool with_data = false) const;

  /// Error(peer) for malformed bytes or more than 64 KiB.
  static CommandSet parse(std::span<const std::byte> bytes);
  Bytes encode() const;

  CommandSet& set(std::uint16_t element, std::uint16_t number);
  /// `padding` is NUL for UIDs, a blank for other text.
  CommandSet& set_text(std::uint16_t element, std::string_view text, char padding);
  CommandSet& set_uid(std::uint16_t element, std::string_view uid) { return set_text(element, uid, '\0'); }
  bool has(std::uint16_t element) const { return elements_.contains(element); }
  /// 0 when absent or of another size.
  std::uint16_t number(std::uint16_t element) const;
  /// Without padding; empty when absent.
  std::string text(std::uint16_t element) const;

  std::uint16_t field() const { return number(element::command_field); }
  bool is_response() const { return (field() & response_bit) != 0; }
  bool has_data() const { return number(element::data_set_type) != 0x0101; }
  std::uint16_t status() const { return number(element::status); }

 private:
  std::map<std::uint16_t, Bytes> elements_;
};

/// True for pending (FF00 and FF01).
constexpr bool is_pending(std::uint16_t status) { return (status & 0xFFFEU) == 0xFF00U; }
/// True for a warning (B000 to BFFF, 0001, 0107, 0116).
constexpr bool is_warning(std::uint16_t status) {
  return (status & 0xF000U) == 0xB000U || status == 0x0001 || status == 0x0107 || status == 0x0116;
}
/// A status in words, with its number.
std::string status_text(std::uint16_t status);

}  // namespace gantry::dicom::network
