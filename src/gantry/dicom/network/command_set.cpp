// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/dicom/network/command_set.h"

#include <fmt/format.h>

#include "gantry/base/error.h"
#include "gantry/base/text.h"

namespace gantry::dicom::network {

namespace {

constexpr std::size_t most_bytes = 65536;

std::uint32_t little(std::span<const std::byte> bytes) {
  std::uint32_t value = 0;
  for (std::size_t n = bytes.size(); n-- > 0;) value = value << 8 | std::to_integer<std::uint32_t>(bytes[n]);
  return value;
}

void append(Bytes& out, std::uint32_t value, int size) {
  for (int n = 0; n < size; ++n) out.push_back(static_cast<std::byte>(value >> 8 * n & 0xFFU));
}

[[noreturn]] void malformed(std::string what) { throw Error(ErrorCode::peer, "command: " + std::move(what)); }

}  // namespace

CommandSet::CommandSet(CommandField field, std::uint16_t message_id, std::string_view sop_class_uid, bool with_data) {
  if (!sop_class_uid.empty()) set_uid(element::affected_sop_class, sop_class_uid);
  set(element::command_field, static_cast<std::uint16_t>(field));
  // A cancel request names the message that it is about instead of having an id of its own.
  set(field == CommandField::cancel ? element::message_id_responded : element::message_id, message_id);
  if (field != CommandField::cancel && field != CommandField::echo) set(element::priority, 0);
  set(element::data_set_type, with_data ? 0x0001 : 0x0101);
}

CommandSet CommandSet::response(std::uint16_t status, bool with_data) const {
  CommandSet answer;
  for (const std::uint16_t copied : {element::affected_sop_class, element::affected_sop_instance}) {
    const auto found = elements_.find(copied);
    if (found != elements_.end()) answer.elements_[copied] = found->second;
  }
  answer.set(element::command_field, static_cast<std::uint16_t>(field() | response_bit));
  answer.set(element::message_id_responded, number(element::message_id));
  answer.set(element::data_set_type, with_data ? 0x0001 : 0x0101);
  answer.set(element::status, status);
  return answer;
}

CommandSet CommandSet::parse(std::span<const std::byte> bytes) {
  if (bytes.size() > most_bytes) malformed(fmt::format("may take at most {} bytes; got {}", most_bytes, bytes.size()));
  CommandSet set;
  while (!bytes.empty()) {
    if (bytes.size() < 8) malformed("ends within an element");
    const std::uint32_t group = little(bytes.first(2)), element = little(bytes.subspan(2, 2)), length = little(bytes.subspan(4, 4));
    bytes = bytes.subspan(8);
    if (group != 0) malformed(fmt::format("must be of group 0000; got {:04X}", group));
    if (length > bytes.size()) malformed(fmt::format("(0000,{:04X}) states {} bytes, {} are left", element, length, bytes.size()));
    set.elements_[static_cast<std::uint16_t>(element)] = Bytes(bytes.begin(), bytes.begin() + length);
    bytes = bytes.subspan(length);
  }
  if (!set.has(element::command_field)) malformed("must hold a command field");
  return set;
}

Bytes CommandSet::encode() const {
  Bytes body;
  for (const auto& [element, value] : elements_) {
    if (element == 0) continue;
    append(body, 0, 2);
    append(body, element, 2);
    append(body, static_cast<std::uint32_t>(value.size()), 4);
    body.insert(body.end(), value.begin(), value.end());
  }
  Bytes out;
  append(out, 0, 4);
  append(out, 4, 4);
  append(out, static_cast<std::uint32_t>(body.size()), 4);
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

CommandSet& CommandSet::set(std::uint16_t element, std::uint16_t number) {
  Bytes value;
  append(value, number, 2);
  elements_[element] = std::move(value);
  return *this;
}

CommandSet& CommandSet::set_text(std::uint16_t element, std::string_view text, char padding) {
  Bytes value;
  for (const char c : text) value.push_back(static_cast<std::byte>(c));
  if (value.size() % 2 != 0) value.push_back(static_cast<std::byte>(padding));
  elements_[element] = std::move(value);
  return *this;
}

std::uint16_t CommandSet::number(std::uint16_t element) const {
  const auto found = elements_.find(element);
  return found == elements_.end() || found->second.size() != 2 ? 0 : static_cast<std::uint16_t>(little(found->second));
}

std::string CommandSet::text(std::uint16_t element) const {
  const auto found = elements_.find(element);
  if (found == elements_.end()) return {};
  return to_valid_utf8(trim({reinterpret_cast<const char*>(found->second.data()), found->second.size()}));
}

std::string status_text(std::uint16_t status) {
  const char* words = status == 0                                  ? "success"
                      : is_pending(status)                         ? "pending"
                      : status == status::cancelled                ? "cancelled"
                      : is_warning(status)                         ? "warning"
                      : (status & 0xFF00U) == 0xA700U              ? "refused: out of resources"
                      : status == status::move_destination_unknown ? "refused: the move destination is unknown"
                      : (status & 0xFF00U) == 0xA900U              ? "the data set does not match the SOP class"
                      : (status & 0xF000U) == 0xC000U              ? "cannot be understood or processed"
                      : status == status::no_such_class            ? "the SOP class is not supported"
                      : status == 0x0124                           ? "refused: not authorized"
                      : status == 0x0111                           ? "a SOP instance with this UID is there already"
                      : status == status::unrecognized_operation   ? "the operation is not known"
                                                                   : "failure";
  return fmt::format("{} (0x{:04X})", words, status);
}

}  // namespace gantry::dicom::network
