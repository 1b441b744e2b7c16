// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/dicom/iod/draft.h"

#include <zlib.h>

#include <bit>
#include <cstring>

#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/base/version.h"
#include "gantry/dicom/dictionary.h"

namespace gantry::dicom {

namespace {

using Vr = std::array<char, 2>;

static_assert(std::endian::native == std::endian::little, "pixel cells and numbers are written as they lie in memory");

/// A tag and its value representation; "xs" stands for US or SS, to be decided by PixelRepresentation.
struct Entry {
  std::uint32_t tag = 0;
  Vr vr{};
};

Entry entry_of(const DictionaryEntry& known) {
  if (known.vr == "XS") return {known.tag, {'x', 's'}};
  if (known.vr == "OX") return {known.tag, {'O', 'W'}};
  return {known.tag, {known.vr[0], known.vr[1]}};
}

bool is(Vr vr, std::string_view name) { return vr[0] == name[0] && vr[1] == name[1]; }

bool is_one_of(Vr vr, std::string_view names) {
  for (std::size_t n = 0; n + 1 < names.size(); n += 3) {
    if (is(vr, names.substr(n, 2))) return true;
  }
  return false;
}

constexpr std::string_view binary_vrs = "AT FD FL OB OD OF OL OV OW SL SS SV UL UN US UV";
constexpr std::string_view long_vrs = "OB OD OF OL OV OW SQ SV UC UN UR UT UV";
constexpr std::string_view all_vrs =
    "AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV";

template <class T>
void append_number(Bytes& out, T value) {
  std::byte bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.insert(out.end(), bytes, bytes + sizeof(T));
}

void append_text(Bytes& out, std::string_view text) {
  const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
  out.insert(out.end(), bytes, bytes + text.size());
}

template <class T>
void append_checked(Bytes& out, double value, std::string_view path) {
  if (!(value >= static_cast<double>(std::numeric_limits<T>::min()) && value <= static_cast<double>(std::numeric_limits<T>::max()) &&
        value == std::floor(value))) {
    throw Error(ErrorCode::parameter, fmt::format("{}: must be a whole number that fits its type; got {}", path, shortest(value)));
  }
  append_number(out, static_cast<T>(value));
}

/// Value field of a numeric, binary value representation.
Bytes numbers_to_bytes(Vr vr, const std::vector<double>& values, std::string_view path) {
  Bytes out;
  for (const double value : values) {
    if (is(vr, "US")) {
      append_checked<std::uint16_t>(out, value, path);
    } else if (is(vr, "SS")) {
      append_checked<std::int16_t>(out, value, path);
    } else if (is(vr, "UL") || is(vr, "OL")) {
      append_checked<std::uint32_t>(out, value, path);
    } else if (is(vr, "SL")) {
      append_checked<std::int32_t>(out, value, path);
    } else if (is(vr, "FL") || is(vr, "OF")) {
      append_number(out, static_cast<float>(value));
    } else if (is(vr, "FD") || is(vr, "OD")) {
      append_number(out, value);
    } else if (is(vr, "OW")) {
      append_checked<std::uint16_t>(out, value, path);
    } else {
      append_checked<std::uint8_t>(out, value, path);
    }
  }
  if (out.size() % 2) out.push_back(std::byte{0});
  return out;
}

/// "(0028,0010)" at the begin of `text`.
std::optional<std::uint32_t> parse_tag(std::string_view text) {
  if (text.size() < 11 || text[0] != '(' || text[5] != ',' || text[10] != ')') return std::nullopt;
  std::uint32_t tag = 0;
  for (const std::size_t n : {1, 2, 3, 4, 6, 7, 8, 9}) {
    const char c = text[n];
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (digit < 0) return std::nullopt;
    tag = tag << 4 | static_cast<std::uint32_t>(digit);
  }
  return tag;
}

/// Tag and value representation of one step of a path; a tag without a known representation gets {0, 0}.
Entry entry_of(std::string_view step, std::string_view path) {
  if (const auto tag = parse_tag(step)) {
    const std::string_view vr = step.substr(11);
    if (vr.size() == 2 && is_one_of({vr[0], vr[1]}, all_vrs)) return {*tag, {vr[0], vr[1]}};
    if (!vr.empty()) throw Error(ErrorCode::parameter, fmt::format("{}: must end with a value representation; got '{}'", path, vr));
    if (const DictionaryEntry* known = dictionary_entry(*tag)) return entry_of(*known);
    const bool creator = (*tag >> 16 & 1) && (*tag & 0xffff) >= 0x10 && (*tag & 0xffff) <= 0xff;
    return {*tag, creator ? Vr{'L', 'O'} : Vr{}};
  }
  const DictionaryEntry* known = dictionary_entry(step);
  if (!known) throw Error(ErrorCode::parameter, fmt::format("{}: must be DICOM keywords; '{}' is none", path, step));
  return entry_of(*known);
}

struct PathStep {
  std::string_view name;
  int item = -1;
};

/// "A[1].B" as {A, 1}, {B, -1}.
std::vector<PathStep> path_steps(std::string_view path) {
  std::vector<PathStep> steps;
  for (std::string_view rest = path; !rest.empty();) {
    const std::size_t dot = rest.find('.');
    std::string_view part = rest.substr(0, dot);
    rest = dot == std::string_view::npos ? std::string_view{} : rest.substr(dot + 1);
    PathStep step{part};
    if (part.ends_with(']')) {
      const std::size_t open = part.find('[');
      const auto item = open == std::string_view::npos ? std::nullopt : parse_integer(part.substr(open + 1, part.size() - open - 2));
      if (!item || !(*item >= 0 && *item < 65536)) throw Error(ErrorCode::parameter, fmt::format("{}: must name items as [0]", path));
      step = {part.substr(0, open), static_cast<int>(*item)};
    } else if (!rest.empty()) {
      step.item = 0;
    }
    steps.push_back(step);
  }
  if (steps.empty() || steps.back().item >= 0) throw Error(ErrorCode::parameter, fmt::format("'{}': must end with an attribute", path));
  return steps;
}

}  // namespace

Draft::Place Draft::place(std::string_view path) {
  const std::vector<PathStep> steps = path_steps(path);
  Draft* object = this;
  for (std::size_t n = 0;; ++n) {
    const Entry entry = entry_of(steps[n].name, path);
    if ((entry.tag >> 16 & 1) && (entry.tag & 0xffff) > 0xff) {
      const std::uint32_t creator = (entry.tag & 0xffff0000u) | (entry.tag >> 8 & 0xffu);
      if (!object->elements_.contains(creator))
        throw Error(ErrorCode::parameter,
                    fmt::format("{}: needs its private creator ({:04X},{:04X}) before", path, creator >> 16, creator & 0xffffu));
    }
    if (n + 1 == steps.size()) return {object, entry.tag, entry.vr};
    Element& sequence = object->elements_[entry.tag];
    if (!is(entry.vr, "SQ") && entry.vr != Vr{})
      throw Error(ErrorCode::parameter, fmt::format("{}: '{}' is no sequence", path, steps[n].name));
    sequence.vr = {'S', 'Q'};
    const auto item = static_cast<std::size_t>(steps[n].item);
    if (item > sequence.items.size())
      throw Error(ErrorCode::parameter, fmt::format("{}: items must be set in order; there are {}", path, sequence.items.size()));
    if (item == sequence.items.size()) sequence.items.emplace_back();
    object = &sequence.items[item];
  }
}

const Draft::Element* Draft::find(std::string_view path) const {
  const Draft* object = this;
  for (const PathStep& step : path_steps(path)) {
    const auto found = object->elements_.find(entry_of(step.name, path).tag);
    if (found == object->elements_.end()) return nullptr;
    if (step.item < 0) return &found->second;
    if (static_cast<std::size_t>(step.item) >= found->second.items.size()) return nullptr;
    object = &found->second.items[static_cast<std::size_t>(step.item)];
  }
  return nullptr;
}

void Draft::set(std::string_view path, std::string_view text) {
  auto [object, tag, vr] = place(path);
  if (is(vr, "SQ")) throw Error(ErrorCode::parameter, fmt::format("{}: is a sequence; name an attribute of one of its items", path));
  if (vr == Vr{}) vr = parse_double(trim(text)) && text.size() <= 16 ? Vr{'D', 'S'} : Vr{'L', 'O'};
  if (is(vr, "xs")) {
    const auto representation = object->elements_.find(0x00280103);
    const bool is_signed = representation == object->elements_.end()
                               ? text.find('-') != std::string_view::npos
                               : !representation->second.bytes.empty() && representation->second.bytes[0] == std::byte{1};
    vr = is_signed ? Vr{'S', 'S'} : Vr{'U', 'S'};
  }
  Element element{.vr = vr};
  if (is(vr, "AT")) {
    for (const std::string& part : split(text, '\\')) {
      if (text.empty()) break;
      const auto named = parse_tag(part);
      const std::uint32_t pointed = named ? *named : entry_of(part, path).tag;
      append_number(element.bytes, static_cast<std::uint16_t>(pointed >> 16));
      append_number(element.bytes, static_cast<std::uint16_t>(pointed & 0xffffu));
    }
  } else if (is_one_of(vr, binary_vrs)) {
    std::vector<double> values;
    for (const std::string& part : split(text, '\\')) {
      if (trim(part).empty()) continue;
      const auto value = parse_double(trim(part));
      if (!value) throw Error(ErrorCode::parameter, fmt::format("{}: must be numbers", path));
      values.push_back(*value);
    }
    element.bytes = numbers_to_bytes(vr, values, path);
  } else {
    append_text(element.bytes, text);
    if (element.bytes.size() % 2) element.bytes.push_back(is(vr, "UI") ? std::byte{0} : std::byte{' '});
    if (!is_one_of(vr, long_vrs) && element.bytes.size() > 0xfffe)
      throw Error(ErrorCode::parameter, fmt::format("{}: must have at most 65534 bytes; got {}", path, element.bytes.size()));
  }
  object->elements_[tag] = std::move(element);
}

void Draft::set(std::string_view path, const std::vector<double>& values) {
  const auto [object, tag, vr] = place(path);
  if (is_one_of(vr, binary_vrs) && !is(vr, "AT")) {
    object->elements_[tag] = Element{.vr = vr, .bytes = numbers_to_bytes(vr, values, path)};
    return;
  }
  std::vector<std::string> parts;
  for (const double value : values) {
    if (!std::isfinite(value)) throw Error(ErrorCode::parameter, fmt::format("{}: must be finite; got {}", path, shortest(value)));
    parts.push_back(is(vr, "IS") ? fmt::format("{}", std::llround(value)) : decimal_string(value));
  }
  set(path, join(parts, "\\"));
}

void Draft::set(std::string_view path, double value) { set(path, std::vector<double>{value}); }

void Draft::set_default(std::string_view path, std::string_view text) {
  if (!has(path)) set(path, text);
}

void Draft::set_default(std::string_view path, double value) {
  if (!has(path)) set(path, value);
}

void Draft::set_code(std::string_view path, const Code& code) {
  set_empty_sequence(path);
  if (code.value.empty()) return;
  Draft& item = add_item(path);
  const bool is_url = code.value.find("://") != std::string::npos;
  item.set(is_url ? "URNCodeValue" : code.value.size() > 16 ? "LongCodeValue" : "CodeValue", code.value);
  item.set("CodingSchemeDesignator", code.scheme);
  item.set("CodeMeaning", single_value(code.meaning));
}

void Draft::set_empty_sequence(std::string_view path) {
  const auto [object, tag, vr] = place(path);
  if (!is(vr, "SQ")) throw Error(ErrorCode::parameter, fmt::format("{}: must be a sequence", path));
  object->elements_[tag] = Element{.vr = vr};
}

Draft& Draft::add_item(std::string_view path) {
  const auto [object, tag, vr] = place(path);
  if (!is(vr, "SQ")) throw Error(ErrorCode::parameter, fmt::format("{}: must be a sequence", path));
  Element& sequence = object->elements_[tag];
  sequence.vr = vr;
  return sequence.items.emplace_back();
}

void Draft::add_item(std::string_view path, Draft item) { add_item(path) = std::move(item); }

bool Draft::has(std::string_view path) const { return find(path) != nullptr; }

std::string Draft::text(std::string_view keyword) const {
  const Element* element = find(keyword);
  if (!element) return {};
  return std::string(trim({reinterpret_cast<const char*>(element->bytes.data()), element->bytes.size()}));
}

void Draft::remove(std::string_view keyword) { elements_.erase(entry_of(keyword, keyword).tag); }

void Draft::set_pixels(Bytes pixels, int bits_allocated) {
  if (pixels.size() % 2) pixels.push_back(std::byte{0});
  elements_[0x7fe00010] = Element{.vr = bits_allocated > 8 ? Vr{'O', 'W'} : Vr{'O', 'B'}, .bytes = std::move(pixels)};
}

void Draft::set_encapsulated_pixels(std::vector<Bytes> frames) {
  for (Bytes& frame : frames) {
    if (frame.size() % 2) frame.push_back(std::byte{0});
  }
  elements_[0x7fe00010] = Element{.vr = {'O', 'B'}, .fragments = std::move(frames), .encapsulated = true};
}

void Draft::set_bytes(std::string_view keyword, Bytes bytes) {
  const auto [object, tag, vr] = place(keyword);
  if (bytes.size() % 2) bytes.push_back(std::byte{0});
  object->elements_[tag] = Element{.vr = vr, .bytes = std::move(bytes)};
}

namespace {

void append_tag(Bytes& out, std::uint32_t tag) {
  append_number(out, static_cast<std::uint16_t>(tag >> 16));
  append_number(out, static_cast<std::uint16_t>(tag & 0xffffu));
}

constexpr std::uint32_t item_tag = 0xfffee000, sequence_end_tag = 0xfffee0dd, undefined_length = 0xffffffff;

std::uint32_t length_of(std::size_t bytes) {
  if (bytes >= undefined_length) throw Error(ErrorCode::not_possible, "DICOM element: must be smaller than 4 GiB");
  return static_cast<std::uint32_t>(bytes);
}

void patch_length(Bytes& out, std::size_t at) {
  const std::uint32_t length = length_of(out.size() - at - 4);
  std::memcpy(out.data() + at, &length, 4);
}

}  // namespace

void Draft::append_element(Bytes& out, std::uint32_t tag, const Element& element, bool explicit_vr) {
  append_tag(out, tag);
  const bool is_long = is_one_of(element.vr, long_vrs);
  if (explicit_vr) {
    append_text(out, {element.vr.data(), 2});
    if (is_long) append_number(out, std::uint16_t{0});
  }
  if (is(element.vr, "SQ")) {
    const std::size_t at = out.size();
    append_number(out, std::uint32_t{0});
    for (const Draft& item : element.items) {
      append_tag(out, item_tag);
      const std::size_t item_at = out.size();
      append_number(out, std::uint32_t{0});
      item.append_to(out, explicit_vr);
      patch_length(out, item_at);
    }
    patch_length(out, at);
  } else if (element.encapsulated) {
    append_number(out, undefined_length);
    append_tag(out, item_tag);
    std::uint64_t end = 0;
    for (const Bytes& fragment : element.fragments) end += fragment.size() + 8;
    // Offsets that do not fit 32 bits leave the basic offset table empty (PS3.5 A.4).
    const bool with_offsets = end < undefined_length;
    append_number(out, with_offsets ? length_of(element.fragments.size() * 4) : std::uint32_t{0});
    std::uint32_t offset = 0;
    for (const Bytes& fragment : element.fragments) {
      if (!with_offsets) break;
      append_number(out, offset);
      offset += static_cast<std::uint32_t>(fragment.size() + 8);
    }
    for (const Bytes& fragment : element.fragments) {
      append_tag(out, item_tag);
      append_number(out, length_of(fragment.size()));
      out.insert(out.end(), fragment.begin(), fragment.end());
    }
    append_tag(out, sequence_end_tag);
    append_number(out, std::uint32_t{0});
  } else {
    if (explicit_vr && !is_long) {
      append_number(out, static_cast<std::uint16_t>(element.bytes.size()));
    } else {
      append_number(out, length_of(element.bytes.size()));
    }
    out.insert(out.end(), element.bytes.begin(), element.bytes.end());
  }
}

void Draft::append_to(Bytes& out, bool explicit_vr) const {
  for (const auto& [tag, element] : elements_) append_element(out, tag, element, explicit_vr);
}

namespace {

Bytes deflated(std::span<const std::byte> bytes) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY) != Z_OK)
    throw Error(ErrorCode::out_of_memory, "deflate: no memory");
  Bytes out(deflateBound(&stream, bytes.size()) + 2);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));
  stream.avail_in = length_of(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = length_of(out.size());
  const int status = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (status != Z_STREAM_END) throw Error(ErrorCode::internal, "deflate: did not finish");
  if (out.size() % 2) out.push_back(std::byte{0});
  return out;
}

}  // namespace

Bytes Draft::file(std::string_view transfer_syntax_uid) const {
  const bool is_implicit = transfer_syntax_uid == "1.2.840.10008.1.2", is_deflated = transfer_syntax_uid == "1.2.840.10008.1.2.1.99";
  const bool is_native = is_implicit || is_deflated || transfer_syntax_uid == "1.2.840.10008.1.2.1";
  const auto pixels = elements_.find(0x7fe00010);
  const bool encapsulated = pixels != elements_.end() && pixels->second.encapsulated;
  if (is_native == encapsulated && (pixels != elements_.end() || !is_native))
    throw Error(ErrorCode::not_possible, fmt::format("transfer syntax: must fit the pixel data; got {} for {} ones", transfer_syntax_uid,
                                                     encapsulated ? "encapsulated" : "native"));

  Draft meta;
  meta.set_bytes("FileMetaInformationVersion", {std::byte{0}, std::byte{1}});
  meta.set("MediaStorageSOPClassUID", text("SOPClassUID"));
  meta.set("MediaStorageSOPInstanceUID", text("SOPInstanceUID"));
  meta.set("TransferSyntaxUID", transfer_syntax_uid);
  meta.set("ImplementationClassUID", "2.25.261730152433915283498732215473862150113");
  meta.set("ImplementationVersionName", single_value(fmt::format("GANTRY_{}", version()), 16));

  std::size_t estimate = 65536;
  if (pixels != elements_.end()) {
    estimate += pixels->second.bytes.size();
    for (const Bytes& fragment : pixels->second.fragments) estimate += fragment.size() + 16;
  }
  Bytes out;
  out.reserve(estimate);
  out.resize(128);
  append_text(out, "DICM");
  append_tag(out, 0x00020000);
  append_text(out, "UL");
  append_number(out, std::uint16_t{4});
  const std::size_t at = out.size();
  append_number(out, std::uint32_t{0});
  meta.append_to(out, true);
  patch_length(out, at);
  if (is_deflated) {
    Bytes body;
    append_to(body, true);
    const Bytes small = deflated(body);
    out.insert(out.end(), small.begin(), small.end());
  } else {
    append_to(out, !is_implicit);
  }
  return out;
}

std::string decimal_string(double value) {
  std::string text = shortest(value == 0 ? 0.0 : value);
  for (int digits = 15; text.size() > 16 && digits > 0; --digits) text = fmt::format("{:.{}g}", value, digits);
  return text;
}

std::string single_value(std::string_view text, std::size_t characters) {
  std::string result;
  std::size_t count = 0;
  for (const char c : to_valid_utf8(text)) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0) != 0x80 && ++count > characters) break;
    result += c == '\\' || byte < 0x20 || byte == 0x7f ? ' ' : c;
  }
  return std::string(trim(result));
}

}  // namespace gantry::dicom
