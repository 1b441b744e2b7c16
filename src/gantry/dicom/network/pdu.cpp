// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/dicom/network/pdu.h"

#include <fmt/format.h>

#include <bitset>

#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/dicom/network/part10.h"

namespace gantry::dicom::network {

namespace {

constexpr std::size_t most_contexts = 128;
constexpr std::size_t most_transfer_syntaxes = 64;
constexpr std::size_t most_roles = 256;

[[noreturn]] void malformed(std::string what) { throw Error(ErrorCode::peer, "PDU: " + what); }

/// Big-endian numbers and bounded slices of hostile bytes.
class Cursor {
 public:
  Cursor(std::span<const std::byte> bytes, std::string_view what) : bytes_(bytes), what_(what) {}
  bool empty() const { return bytes_.empty(); }
  std::uint32_t number(int size) {
    const auto raw = take(static_cast<std::size_t>(size));
    std::uint32_t value = 0;
    for (const std::byte b : raw) value = value << 8 | std::to_integer<std::uint32_t>(b);
    return value;
  }
  std::span<const std::byte> take(std::size_t size) {
    if (size > bytes_.size()) malformed(fmt::format("{}: states {} bytes, {} are left", what_, size, bytes_.size()));
    const auto out = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return out;
  }
  std::string text(std::size_t size) {
    const auto raw = take(size);
    return std::string(trim({reinterpret_cast<const char*>(raw.data()), raw.size()}));
  }
  std::string uid(std::size_t size) {
    std::string value = text(size);
    if (!is_uid(value)) malformed(fmt::format("{}: must hold a UID", what_));
    return value;
  }
  /// Type and content of the next item.
  std::pair<std::uint32_t, std::span<const std::byte>> item() {
    const std::uint32_t type = number(1);
    take(1);
    const std::uint32_t length = number(2);
    return {type, take(length)};
  }
  std::span<const std::byte> rest() { return take(bytes_.size()); }

 private:
  std::span<const std::byte> bytes_;
  std::string_view what_;
};

class Builder {
 public:
  Builder& number(std::uint32_t value, int size) {
    for (int n = size; n-- > 0;) bytes_.push_back(static_cast<std::byte>(value >> 8 * n & 0xFFU));
    return *this;
  }
  Builder& text(std::string_view text) {
    for (const char c : text) bytes_.push_back(static_cast<std::byte>(c));
    return *this;
  }
  Builder& bytes(const Bytes& more) {
    bytes_.insert(bytes_.end(), more.begin(), more.end());
    return *this;
  }
  Builder& item(std::uint32_t type, const Builder& content) {
    return number(type, 1).number(0, 1).number(static_cast<std::uint32_t>(content.bytes_.size()), 2).bytes(content.bytes_);
  }
  Builder& item(std::uint32_t type, std::string_view content) { return item(type, Builder().text(content)); }
  const Bytes& all() const { return bytes_; }
  Bytes unit(PduType type) const {
    return Builder()
        .number(static_cast<std::uint32_t>(type), 1)
        .number(0, 1)
        .number(static_cast<std::uint32_t>(bytes_.size()), 4)
        .bytes(bytes_)
        .bytes_;
  }

 private:
  Bytes bytes_;
};

std::string title_field(std::string_view title, std::string_view which) {
  bool sound = !trim(title).empty() && title.size() <= 16;
  for (const char c : title) sound = sound && c >= 0x20 && c <= 0x7E && c != '\\';
  if (!sound) {
    throw Error(ErrorCode::parameter,
                fmt::format("{} AE title: must be 1 to 16 printable characters without backslash; got {} characters", which, title.size()));
  }
  std::string field(title);
  field.resize(16, ' ');
  return field;
}

PresentationContext parse_context(bool request, std::span<const std::byte> content) {
  Cursor cursor(content, "presentation context");
  PresentationContext context;
  context.id = static_cast<std::uint8_t>(cursor.number(1));
  if (context.id % 2 == 0) malformed("presentation context: its id must be odd");
  cursor.take(1);
  const std::uint32_t result = cursor.number(1);
  cursor.take(1);
  if (!request) context.result = result <= 4 ? static_cast<ContextResult>(result) : ContextResult::no_reason;
  while (!cursor.empty()) {
    const auto [type, value] = cursor.item();
    Cursor inner(value, "syntax");
    if (type == 0x30) {
      if (!context.abstract_syntax.empty()) malformed("presentation context: must hold one abstract syntax");
      context.abstract_syntax = inner.uid(value.size());
    } else if (type == 0x40) {
      if (context.transfer_syntaxes.size() == most_transfer_syntaxes) {
        malformed(fmt::format("presentation context: at most {} transfer syntaxes are taken", most_transfer_syntaxes));
      }
      // An answer that refuses the context need not mean what it says here.
      if (request || context.result == ContextResult::accepted) context.transfer_syntaxes.push_back(inner.uid(value.size()));
    }
  }
  if (request && (context.abstract_syntax.empty() || context.transfer_syntaxes.empty())) {
    malformed("presentation context: must hold an abstract and a transfer syntax");
  }
  if (!request && context.result == ContextResult::accepted && context.transfer_syntaxes.size() != 1) {
    malformed("presentation context: an accepted one must hold one transfer syntax");
  }
  return context;
}

void parse_user_information(std::span<const std::byte> content, Associate& associate) {
  Cursor cursor(content, "user information");
  while (!cursor.empty()) {
    const auto [type, value] = cursor.item();
    Cursor inner(value, "user information item");
    if (type == 0x51) {
      associate.max_pdu = inner.number(4);
    } else if (type == 0x52) {
      associate.implementation_class_uid = inner.text(std::min<std::size_t>(value.size(), 64));
    } else if (type == 0x55) {
      associate.implementation_version_name = to_valid_utf8(inner.text(std::min<std::size_t>(value.size(), 16)));
    } else if (type == 0x54) {
      if (associate.roles.size() == most_roles) malformed(fmt::format("user information: at most {} roles are taken", most_roles));
      RoleSelection role;
      role.sop_class_uid = inner.uid(inner.number(2));
      role.scu = inner.number(1) != 0;
      role.scp = inner.number(1) != 0;
      associate.roles.push_back(std::move(role));
    }
  }
}

}  // namespace

std::string Refusal::text() const {
  if (source == 1) {
    if (reason == 2) return "the application context name is not supported";
    if (reason == 3) return "the calling AE title is not known";
    if (reason == 7) return "the called AE title is not known";
    return "no reason given";
  }
  if (source == 2) return reason == 2 ? "the protocol version is not supported" : "no reason given";
  if (reason == 1) return "temporary congestion";
  if (reason == 2) return "its limit of associations is reached";
  return "no reason given";
}

Bytes encode_associate(PduType type, const Associate& associate) {
  const bool request = type == PduType::associate_request;
  if (associate.contexts.empty() || associate.contexts.size() > most_contexts) {
    throw Error(ErrorCode::parameter,
                fmt::format("presentation contexts: must be 1 to {}; got {}", most_contexts, associate.contexts.size()));
  }
  Builder body;
  body.number(1, 2).number(0, 2);
  body.text(title_field(associate.called_ae_title, "called")).text(title_field(associate.calling_ae_title, "calling"));
  body.text(std::string(32, '\0'));
  body.item(0x10, associate.application_context);
  for (const PresentationContext& context : associate.contexts) {
    Builder inner;
    inner.number(context.id, 1).number(0, 1).number(request ? 0 : static_cast<std::uint32_t>(context.result), 1).number(0, 1);
    if (request) inner.item(0x30, context.abstract_syntax);
    for (const std::string& syntax : context.transfer_syntaxes) inner.item(0x40, syntax);
    body.item(request ? 0x20 : 0x21, inner);
  }
  Builder user;
  user.item(0x51, Builder().number(associate.max_pdu, 4));
  user.item(0x52, associate.implementation_class_uid);
  for (const RoleSelection& role : associate.roles) {
    user.item(0x54, Builder()
                        .number(static_cast<std::uint32_t>(role.sop_class_uid.size()), 2)
                        .text(role.sop_class_uid)
                        .number(role.scu ? 1 : 0, 1)
                        .number(role.scp ? 1 : 0, 1));
  }
  user.item(0x55, associate.implementation_version_name);
  body.item(0x50, user);
  return body.unit(type);
}

Associate parse_associate(PduType type, std::span<const std::byte> content) {
  const bool request = type == PduType::associate_request;
  Cursor cursor(content, request ? "A-ASSOCIATE-RQ" : "A-ASSOCIATE-AC");
  Associate associate;
  associate.application_context.clear();
  if ((cursor.number(2) & 1U) == 0) malformed("A-ASSOCIATE: must be of protocol version 1");
  cursor.take(2);
  associate.called_ae_title = to_valid_utf8(cursor.text(16));
  associate.calling_ae_title = to_valid_utf8(cursor.text(16));
  cursor.take(32);
  std::bitset<256> seen;
  while (!cursor.empty()) {
    const auto [item, value] = cursor.item();
    if (item == 0x10) {
      associate.application_context = Cursor(value, "application context").text(value.size());
    } else if (item == (request ? 0x20U : 0x21U)) {
      PresentationContext context = parse_context(request, value);
      if (seen[context.id]) malformed(fmt::format("presentation context: id {} must be there once", context.id));
      seen[context.id] = true;  // odd ids: at most 128
      associate.contexts.push_back(std::move(context));
    } else if (item == 0x50) {
      parse_user_information(value, associate);
    }
  }
  if (associate.contexts.empty()) malformed("A-ASSOCIATE: must hold a presentation context");
  return associate;
}

Bytes encode_reject(const Refusal& refusal) {
  return Builder()
      .number(0, 1)
      .number(refusal.result, 1)
      .number(refusal.source, 1)
      .number(refusal.reason, 1)
      .unit(PduType::associate_reject);
}

Bytes encode_release(PduType type) { return Builder().number(0, 4).unit(type); }

Bytes encode_abort(std::uint8_t source, std::uint8_t reason) {
  return Builder().number(0, 2).number(source, 1).number(reason, 1).unit(PduType::abort);
}

Refusal parse_refusal(std::span<const std::byte> content) {
  if (content.size() != 4) malformed(fmt::format("A-ASSOCIATE-RJ or A-ABORT: must hold 4 bytes; got {}", content.size()));
  return {std::to_integer<std::uint8_t>(content[1]), std::to_integer<std::uint8_t>(content[2]), std::to_integer<std::uint8_t>(content[3])};
}

std::vector<Fragment> parse_data(std::span<const std::byte> content) {
  std::vector<Fragment> fragments;
  Cursor cursor(content, "P-DATA-TF");
  while (!cursor.empty()) {
    const std::uint32_t length = cursor.number(4);
    if (length < 2) malformed(fmt::format("P-DATA-TF: a fragment must hold 2 bytes at least; states {}", length));
    Cursor inner(cursor.take(length), "fragment");
    Fragment fragment;
    fragment.context = static_cast<std::uint8_t>(inner.number(1));
    const std::uint32_t control = inner.number(1);
    fragment.command = (control & 1U) != 0;
    fragment.last = (control & 2U) != 0;
    fragment.bytes = inner.rest();
    fragments.push_back(fragment);
  }
  return fragments;
}

Bytes encode_data_header(std::uint8_t context, bool command, bool last, std::uint32_t size) {
  return Builder()
      .number(static_cast<std::uint32_t>(PduType::data), 1)
      .number(0, 1)
      .number(size + 6, 4)
      .number(size + 2, 4)
      .number(context, 1)
      .number((command ? 1U : 0U) | (last ? 2U : 0U), 1)
      .all();
}

}  // namespace gantry::dicom::network
