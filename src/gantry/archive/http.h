// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "gantry/base/error.h"
#include "gantry/base/files.h"
#include "gantry/base/json.h"

namespace gantry::archive {

/// Bytes that arrive piece by piece: the body of a request straight from its connection, or one part of it. What is not read is not
/// kept anywhere, so the sender waits.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  /// Fills some of `out`, which is not empty; 0 = the end. Error(usage) for a malformed or truncated body.
  virtual std::size_t read(std::span<std::byte> out) = 0;
};

/// Everything that is left of `stream`, at most `max_bytes` of it; Error(usage) beyond.
std::string read_all(ByteStream& stream, std::size_t max_bytes);
/// Writes what is left of `stream` to a new file of mode 0600; returns its size. A failure leaves no file behind.
std::uint64_t save(ByteStream& stream, const Path& path);

/// A stream over text in memory, which must outlive it.
class TextStream : public ByteStream {
 public:
  explicit TextStream(std::string_view text) : text_(text) {}
  std::size_t read(std::span<std::byte> out) override;

 private:
  std::string_view text_;
};

/// Name and value pairs in the order of their arrival: headers (names in lower case) or the parts of a query.
class Fields {
 public:
  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  /// The first of that name; nullopt when there is none.
  std::optional<std::string> find(std::string_view name) const;
  /// All of that name, joined by a comma.
  std::string joined(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& all() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

/// Who asks, once that is known.
struct Principal {
  std::string user;
  bool by_cookie = false;  ///< the browser sent it along by itself
};

/// One request of HTTP/1.1.
struct Request {
  std::string method;             ///< "GET"
  std::vector<std::string> path;  ///< segments, percent-decoded, without the empty ones at both ends
  Fields query, headers;
  std::string address;         ///< of the peer, without port
  ByteStream* body = nullptr;  ///< never null in a handler
  std::map<std::string, std::string, std::less<>> captures;
  Principal principal;

  /// The path as sent, decoded: "/api/v1/jobs".
  std::string path_text() const;
  /// The media type of the body in lower case without parameters; empty when there is none.
  std::string media_type() const;
};

/// A range of a file that becomes part of a body; it is opened when its turn comes.
struct FileRange {
  Path path;
  std::uint64_t offset = 0, length = 0;
};

/// One response: a body is text and ranges of files one after the other, so its length is known before the first byte goes out and memory
/// does not grow with it.
struct Response {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<std::variant<std::string, FileRange>> body;
  bool close = false;           ///< end the connection afterwards
  std::shared_ptr<void> keeps;  ///< lives until everything is sent

  Response& header(std::string name, std::string value);
  std::uint64_t length() const;
};

/// Some text of a media type.
Response text_response(std::string text, std::string media_type = "text/plain; charset=utf-8", int status = 200);
/// `json` on one line, application/json.
Response json_response(const Json& json, int status = 200);
/// The error in the form of every route: {"error": {"code", "message"}} with the status of the error table.
Response error_response(const Error& error);
Response error_response(int status, std::string_view code, std::string_view message);
/// A file, or the part of it that the request's Range asks for (206, 416). Error(not_found).
Response file_response(const Request& request, const Path& path, const std::string& media_type);
/// The phrase of a status: "Not Found".
std::string_view reason_phrase(int status);
/// By the ending of a file name; application/octet-stream when it is unknown.
std::string media_type_of(const Path& path);

/// `%41` as `A` (and, in queries, `+` as a space); nullopt for a malformed escape, a NUL or what is not UTF-8.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);
/// The segments of a target's path without its query; nullopt when it is malformed or holds `.` or `..`.
std::optional<std::vector<std::string>> parse_path(std::string_view target);
/// The fields of a target's query; nullopt when it is malformed.
std::optional<Fields> parse_query(std::string_view target);

/// A media type, or a value such as `form-data`, with its parameters: names in lower case, values unquoted.
struct HeaderValue {
  std::string value;  ///< in lower case
  std::map<std::string, std::string> parameters;
  double quality = 1;  ///< of an Accept header
};
/// `multipart/related; type="application/dicom"; boundary=x`. Lenient: what is malformed is left out.
HeaderValue parse_header_value(std::string_view text);
/// The members of an Accept header, best quality first, equal ones in their order; at most 64.
std::vector<HeaderValue> parse_accept(std::string_view text);
/// The media type out of `offered` that the client likes best; nullopt when it accepts none. No Accept header accepts everything.
std::optional<std::string> negotiate(const Request& request, const std::vector<std::string>& offered);

}  // namespace gantry::archive
