// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/http.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "gantry/base/text.h"

namespace gantry::archive {

namespace {

namespace fs = std::filesystem;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// The members of a list: commas inside quotes do not part.
std::vector<std::string> parts_of(std::string_view text, char separator) {
  std::vector<std::string> parts(1);
  bool quoted = false;
  for (std::size_t n = 0; n < text.size(); ++n) {
    if (text[n] == '\\' && quoted && n + 1 < text.size()) {
      parts.back() += text[n++];
    } else if (text[n] == '"') {
      quoted = !quoted;
    } else if (text[n] == separator && !quoted) {
      parts.emplace_back();
      continue;
    }
    parts.back() += text[n];
  }
  return parts;
}

std::string unquoted(std::string_view text) {
  text = trim(text);
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string(text);
  std::string plain;
  for (std::size_t n = 1; n + 1 < text.size(); ++n) {
    if (text[n] == '\\' && n + 2 < text.size()) ++n;
    plain += text[n];
  }
  return plain;
}

bool matches(const HeaderValue& wanted, std::string_view offered) {
  return wanted.value == "*/*" || wanted.value == offered ||
         (wanted.value.ends_with("/*") && offered.starts_with(wanted.value.substr(0, wanted.value.size() - 1)));
}

}  // namespace

std::string read_all(ByteStream& stream, std::size_t max_bytes) {
  std::string text;
  std::array<std::byte, 16384> piece;
  while (const std::size_t count = stream.read(piece)) {
    if (text.size() + count > max_bytes) throw Error(ErrorCode::usage, fmt::format("body: at most {} bytes are read here", max_bytes));
    text.append(reinterpret_cast<const char*>(piece.data()), count);
  }
  return text;
}

std::uint64_t save(ByteStream& stream, const Path& path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const auto fail = [&](int number) {
    if (file >= 0) ::close(file);
    if (file >= 0) ::unlink(path.c_str());
    return Error(number == ENOSPC || number == EDQUOT || number == EFBIG ? ErrorCode::disk_full : ErrorCode::not_permitted,
                 fmt::format("upload: cannot be kept: {}", std::strerror(number)));
  };
  if (file < 0) throw fail(errno);
  std::uint64_t size = 0;
  std::vector<std::byte> piece(262144);
  try {
    while (const std::size_t count = stream.read(piece)) {
      for (std::size_t done = 0; done < count;) {
        const ssize_t written = ::write(file, piece.data() + done, count - done);
        if (written < 0 && errno != EINTR) throw errno;
        if (written > 0) done += static_cast<std::size_t>(written);
      }
      size += count;
    }
  } catch (int number) {
    throw fail(number);
  } catch (...) {
    fail(0);
    throw;
  }
  ::close(file);
  return size;
}

std::size_t TextStream::read(std::span<std::byte> out) {
  const std::size_t count = std::min(out.size(), text_.size());
  std::memcpy(out.data(), text_.data(), count);
  text_.remove_prefix(count);
  return count;
}

std::optional<std::string> Fields::find(std::string_view name) const {
  for (const auto& [key, value] : fields_) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::string Fields::joined(std::string_view name) const {
  std::string text;
  for (const auto& [key, value] : fields_) {
    if (key == name) text += (text.empty() ? "" : ",") + value;
  }
  return text;
}

std::string Request::path_text() const { return "/" + join(path, "/"); }

std::string Request::media_type() const { return parse_header_value(headers.find("content-type").value_or("")).value; }

Response& Response::header(std::string name, std::string value) {
  headers.emplace_back(std::move(name), std::move(value));
  return *this;
}

std::uint64_t Response::length() const {
  std::uint64_t length = 0;
  for (const auto& piece : body) {
    length += std::holds_alternative<std::string>(piece) ? std::get<std::string>(piece).size() : std::get<FileRange>(piece).length;
  }
  return length;
}

Response text_response(std::string text, std::string media_type, int status) {
  Response response;
  response.status = status;
  response.header("Content-Type", std::move(media_type));
  response.body.emplace_back(std::move(text));
  return response;
}

Response json_response(const Json& json, int status) {
  return text_response(json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n", "application/json", status);
}

Response error_response(int status, std::string_view code, std::string_view message) {
  return json_response({{"error", {{"code", code}, {"message", message}}}}, status);
}

Response error_response(const Error& error) {
  const ErrorInfo& info = error_info(error.code());
  return error_response(info.http_status, info.id, error.what());
}

Response file_response(const Request& request, const Path& path, const std::string& media_type) {
  std::error_code failure;
  const std::uint64_t size = fs::is_regular_file(path, failure) ? fs::file_size(path, failure) : 0;
  if (failure || !fs::is_regular_file(path, failure)) throw Error(ErrorCode::not_found, "file: is not there");
  Response response;
  response.header("Content-Type", media_type).header("Accept-Ranges", "bytes");
  FileRange range{path, 0, size};
  const auto wanted = request.headers.find("range");
  if (wanted && wanted->starts_with("bytes=") && wanted->find(',') == std::string::npos && wanted->find('-') != std::string::npos) {
    const std::string_view span = std::string_view(*wanted).substr(6);
    const auto dash = span.find('-');
    const auto first = parse_integer(span.substr(0, dash)), last = parse_integer(span.substr(dash + 1));
    const bool suffix = dash == 0 && last && *last > 0;
    const bool usable = suffix ? size > 0 : first && *first >= 0 && static_cast<std::uint64_t>(*first) < size && (!last || *last >= *first);
    if (!usable) {
      Response refusal = error_response(416, "refused", "range: lies outside of the file");
      return refusal.header("Content-Range", fmt::format("bytes */{}", size));
    }
    range.offset = suffix ? size - std::min<std::uint64_t>(size, static_cast<std::uint64_t>(*last)) : static_cast<std::uint64_t>(*first);
    const std::uint64_t end = suffix || !last ? size : std::min<std::uint64_t>(size, static_cast<std::uint64_t>(*last) + 1);
    range.length = end - range.offset;
    response.status = 206;
    response.header("Content-Range", fmt::format("bytes {}-{}/{}", range.offset, end - 1, size));
  }
  response.body.emplace_back(std::move(range));
  return response;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 499:
      return "Client Closed Request";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 507:
      return "Insufficient Storage";
    default:
      return "Status";
  }
}

std::string media_type_of(const Path& path) {
  static const std::map<std::string, std::string, std::less<>> types{
      {".css", "text/css; charset=utf-8"},
      {".csv", "text/csv; charset=utf-8"},
      {".dcm", "application/dicom"},
      {".gz", "application/gzip"},
      {".html", "text/html; charset=utf-8"},
      {".ico", "image/x-icon"},
      {".jpg", "image/jpeg"},
      {".js", "text/javascript; charset=utf-8"},
      {".json", "application/json"},
      {".map", "application/json"},
      {".mjs", "text/javascript; charset=utf-8"},
      {".pdf", "application/pdf"},
      {".png", "image/png"},
      {".svg", "image/svg+xml"},
      {".ttf", "font/ttf"},
      {".txt", "text/plain; charset=utf-8"},
      {".wasm", "application/wasm"},
      {".webmanifest", "application/manifest+json"},
      {".woff", "font/woff"},
      {".woff2", "font/woff2"},
  };
  const auto known = types.find(lower(path.extension().string()));
  return known == types.end() ? "application/octet-stream" : known->second;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string plain;
  for (std::size_t n = 0; n < text.size(); ++n) {
    if (text[n] == '%') {
      if (n + 2 >= text.size() || hex_digit(text[n + 1]) < 0 || hex_digit(text[n + 2]) < 0) return std::nullopt;
      plain += static_cast<char>(hex_digit(text[n + 1]) * 16 + hex_digit(text[n + 2]));
      n += 2;
    } else {
      plain += text[n] == '+' && plus_is_space ? ' ' : text[n];
    }
  }
  if (plain.find('\0') != std::string::npos || !is_utf8(plain)) return std::nullopt;
  return plain;
}

std::optional<std::vector<std::string>> parse_path(std::string_view target) {
  target = target.substr(0, target.find_first_of("?#"));
  if (target.empty() || target.front() != '/') return std::nullopt;
  std::vector<std::string> segments;
  for (const std::string& part : split(target, '/')) {
    const auto segment = percent_decode(part);
    if (!segment || *segment == "." || *segment == ".." || segment->find('/') != std::string::npos) return std::nullopt;
    if (!segment->empty()) segments.push_back(*segment);
  }
  return segments;
}

std::optional<Fields> parse_query(std::string_view target) {
  Fields fields;
  const auto mark = target.find('?');
  if (mark == std::string_view::npos) return fields;
  for (const std::string& part : split(target.substr(mark + 1), '&')) {
    if (part.empty()) continue;
    const auto equals = part.find('=');
    const auto name = percent_decode(part.substr(0, equals), true);
    const auto value = equals == std::string::npos ? std::optional<std::string>("") : percent_decode(part.substr(equals + 1), true);
    if (!name || !value) return std::nullopt;
    fields.add(*name, *value);
  }
  return fields;
}

HeaderValue parse_header_value(std::string_view text) {
  HeaderValue header;
  const auto parts = parts_of(text, ';');
  header.value = lower(trim(parts.front()));
  for (std::size_t n = 1; n < parts.size(); ++n) {
    const auto equals = parts[n].find('=');
    if (equals == std::string::npos) continue;
    header.parameters.emplace(lower(trim(std::string_view(parts[n]).substr(0, equals))),
                              unquoted(std::string_view(parts[n]).substr(equals + 1)));
  }
  if (const auto quality = header.parameters.find("q"); quality != header.parameters.end()) {
    const double value = parse_double(quality->second).value_or(1.0);
    header.quality = value >= 0 && value <= 1 ? value : 1.0;
  }
  return header;
}

std::vector<HeaderValue> parse_accept(std::string_view text) {
  std::vector<HeaderValue> wanted;
  for (const std::string& part : parts_of(text, ',')) {
    if (wanted.size() == 64) break;
    if (HeaderValue value = parse_header_value(part); !value.value.empty()) wanted.push_back(std::move(value));
  }
  std::stable_sort(wanted.begin(), wanted.end(), [](const HeaderValue& a, const HeaderValue& b) { return a.quality > b.quality; });
  return wanted;
}

std::optional<std::string> negotiate(const Request& request, const std::vector<std::string>& offered) {
  const std::string accept = request.headers.joined("accept");
  if (trim(accept).empty()) return offered.front();
  for (const HeaderValue& wanted : parse_accept(accept)) {
    if (!(wanted.quality > 0)) continue;
    for (const std::string& type : offered) {
      if (matches(wanted, type)) return type;
    }
  }
  return std::nullopt;
}

}  // namespace gantry::archive
