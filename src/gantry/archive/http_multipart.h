// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/archive/http.h"

namespace gantry::archive {

/// Reads a multipart body (RFC 2046) part by part out of a stream, with 64 KiB of memory whatever the parts hold: form-data and related.
/// Lines end in CRLF (a lone LF is refused). Limits: 10,000 bytes of headers a part, 100,000 parts, a boundary of 1 to 70 characters.
class Multipart {
 public:
  /// Error(usage) for a boundary that is none.
  Multipart(ByteStream& body, std::string boundary);
  /// Out of a request's Content-Type; Error(usage) when it is not multipart or names no boundary.
  explicit Multipart(const Request& request);

  /// Goes to the next part, over what is left of the one before; false after the last. Error(usage) for a malformed or truncated body.
  bool next();
  /// The headers of the part, names in lower case.
  const Fields& headers() const { return headers_; }
  /// `name` and `filename` of its Content-Disposition; empty when absent.
  std::string disposition(const std::string& parameter) const;
  /// What is left of the part's content.
  ByteStream& content() { return content_; }

 private:
  class Content : public ByteStream {
   public:
    explicit Content(Multipart& owner) : owner_(owner) {}
    std::size_t read(std::span<std::byte> out) override { return owner_.read(out); }

   private:
    Multipart& owner_;
  };
  std::size_t read(std::span<std::byte> out);
  bool fill();
  std::string_view window() const { return std::string_view(buffer_).substr(begin_, end_ - begin_); }
  std::string line();

  ByteStream& body_;
  std::string delimiter_;  ///< CRLF, two dashes, boundary
  std::string buffer_;
  std::size_t begin_ = 0, end_ = 0;
  bool body_ended_ = false, in_part_ = false, finished_ = false;
  std::size_t parts_ = 0;
  Fields headers_;
  Content content_{*this};
};

/// The head of one part of a multipart response, and the line that ends the last: `--boundary CRLF headers CRLF CRLF`.
std::string part_head(const std::string& boundary, std::string_view headers, bool first);
std::string last_boundary(const std::string& boundary);

}  // namespace gantry::archive
