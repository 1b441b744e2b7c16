// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/http_multipart.h"

#include <cstring>

#include "gantry/base/text.h"

namespace gantry::archive {

namespace {

constexpr std::size_t buffer_bytes = 65536, header_bytes = 10000, most_body_parts = 100000;

[[noreturn]] void malformed(std::string_view what) { throw Error(ErrorCode::usage, fmt::format("multipart body: {}", what)); }

std::string stated_boundary(const Request& request) {
  const HeaderValue type = parse_header_value(request.headers.find("content-type").value_or(""));
  if (!type.value.starts_with("multipart/"))
    malformed("the Content-Type must be multipart; got " + (type.value.empty() ? "none" : type.value));
  const auto boundary = type.parameters.find("boundary");
  if (boundary == type.parameters.end()) malformed("the Content-Type must name its boundary");
  return boundary->second;
}

}  // namespace

Multipart::Multipart(ByteStream& body, std::string boundary) : body_(body), buffer_(buffer_bytes, '\0') {
  if (boundary.empty() || boundary.size() > 70 || boundary.find_first_of("\r\n") != std::string::npos)
    malformed("the boundary must have 1 to 70 characters");
  delimiter_ = "\r\n--" + boundary;
  // The first boundary has no line before it: one is put there.
  buffer_.replace(0, 2, "\r\n");
  end_ = 2;
}

Multipart::Multipart(const Request& request) : Multipart(*request.body, stated_boundary(request)) {}

bool Multipart::fill() {
  if (body_ended_) return false;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) return false;
  const std::size_t count = body_.read(std::as_writable_bytes(std::span(buffer_).subspan(end_)));
  end_ += count;
  body_ended_ = count == 0;
  return count != 0;
}

std::string Multipart::line() {
  std::size_t end;
  while ((end = window().find("\r\n")) == std::string_view::npos) {
    if (window().size() > header_bytes || !fill()) malformed("ends inside a header line");
  }
  std::string text(window().substr(0, end));
  begin_ += end + 2;
  return text;
}

bool Multipart::next() {
  if (finished_) return false;
  std::array<std::byte, 4096> skipped;
  if (!in_part_ && parts_ == 0) in_part_ = true;  // What precedes the first boundary is skipped like a part.
  while (in_part_ && read(skipped) != 0) continue;

  begin_ += delimiter_.size();
  while (window().size() < 2 && fill()) continue;
  if (window().starts_with("--")) {
    finished_ = true;
    while (body_.read(skipped) != 0) continue;
    return false;
  }
  if (!trim(line()).empty()) malformed("a boundary is followed by other text");
  if (++parts_ > most_body_parts) malformed(fmt::format("has more than {} parts", most_body_parts));
  headers_ = {};
  std::size_t size = 0;
  for (std::string text = line(); !text.empty(); text = line()) {
    size += text.size();
    const auto colon = text.find(':');
    if (colon == std::string::npos || size > header_bytes) malformed("a part has a malformed header");
    headers_.add(lower(trim(std::string_view(text).substr(0, colon))), std::string(trim(std::string_view(text).substr(colon + 1))));
  }
  in_part_ = true;
  return true;
}

std::size_t Multipart::read(std::span<std::byte> out) {
  if (!in_part_ || out.empty()) return 0;
  for (;;) {
    const std::string_view held = window();
    const std::size_t at = held.find(delimiter_);
    if (at == 0) {
      in_part_ = false;
      return 0;
    }
    // Behind the last complete byte a delimiter may have begun.
    const std::size_t safe = at != std::string_view::npos ? at : held.size() >= delimiter_.size() ? held.size() - delimiter_.size() + 1 : 0;
    if (safe > 0) {
      const std::size_t count = std::min(safe, out.size());
      std::memcpy(out.data(), held.data(), count);
      begin_ += count;
      return count;
    }
    if (!fill()) malformed("ends without its last boundary");
  }
}

std::string Multipart::disposition(const std::string& parameter) const {
  const HeaderValue value = parse_header_value(headers_.find("content-disposition").value_or(""));
  const auto found = value.parameters.find(parameter);
  return found == value.parameters.end() ? "" : found->second;
}

std::string part_head(const std::string& boundary, std::string_view headers, bool first) {
  return fmt::format("{}--{}\r\n{}\r\n\r\n", first ? "" : "\r\n", boundary, headers);
}

std::string last_boundary(const std::string& boundary) { return fmt::format("\r\n--{}--\r\n", boundary); }

}  // namespace gantry::archive
