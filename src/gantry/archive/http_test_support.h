// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "gantry/archive/http.h"
#include "gantry/base/text.h"

namespace gantry::archive {

/// What a server answered to a test.
struct Reply {
  int status = 0;  ///< 0 = the connection ended before a response
  Fields headers;  ///< names in lower case
  std::string body;
  Json json() const { return parse_json(body); }
};

/// A connection of a test to a server on this machine.
class TestClient {
 public:
  explicit TestClient(int port) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int yes = 1;
    const timeval patience{300, 0};
    ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    connected_ = ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~TestClient() { ::close(descriptor_); }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;
  bool connected() const { return connected_; }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  /// Says that nothing more will be sent.
  void finish() { ::shutdown(descriptor_, SHUT_WR); }

  /// The next response; `head` when it has no body although it states a length.
  Reply receive(bool head = false) {
    Reply reply;
    std::size_t end;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!more()) return reply;
    }
    const auto lines = split(buffer_.substr(0, end), '\n');
    reply.status = static_cast<int>(parse_integer(lines.front().substr(9, 3)).value_or(0));
    for (std::size_t n = 1; n < lines.size(); ++n) {
      const auto colon = lines[n].find(':');
      reply.headers.add(lower(lines[n].substr(0, colon)), std::string(trim(std::string_view(lines[n]).substr(colon + 1))));
    }
    buffer_.erase(0, end + 4);
    const auto length = head ? 0 : static_cast<std::size_t>(parse_integer(reply.headers.find("content-length").value_or("0")).value_or(0));
    while (buffer_.size() < length && more()) continue;
    reply.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return reply;
  }

  /// A request with its Content-Length, and the answer; `headers` are lines that end in CRLF.
  Reply ask(std::string_view method, std::string_view target, std::string_view headers = {}, std::string_view body = {}) {
    send(fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\n{}Content-Length: {}\r\n\r\n", method, target, headers, body.size()));
    send(body);
    return receive(method == "HEAD");
  }

 private:
  bool more() {
    std::array<char, 65536> piece;
    const ssize_t count = ::recv(descriptor_, piece.data(), piece.size(), 0);
    if (count <= 0) return false;
    buffer_.append(piece.data(), static_cast<std::size_t>(count));
    return true;
  }
  int descriptor_;
  bool connected_ = false;
  std::string buffer_;
};

}  // namespace gantry::archive
