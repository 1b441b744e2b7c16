// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <functional>

#include "gantry/archive/http.h"

namespace gantry::archive {

/// How a server listens and what it allows.
struct HttpServerOptions {
  std::string address = "127.0.0.1";                       ///< an IPv4 or IPv6 address
  int port = 8080;                                         ///< 0 = any free one
  int max_connections = 256;                               ///< more are answered 503 at once
  std::uint64_t max_body_bytes = std::uint64_t{64} << 30;  ///< of a request; more is answered 413
  std::uint32_t max_header_bytes = 32768;                  ///< of the request line and all headers; more is answered 431
  int idle_seconds = 75;                                   ///< a connection without a request is closed
  int header_seconds = 20;                                 ///< for a whole request head
  int stall_seconds = 30;                                  ///< without any progress of a body or a response
  int grace_seconds = 10;                                  ///< for requests under way when the server stops
};

/// An HTTP/1.1 server: one thread a connection, which calls the handler, so a handler may take its time and read the body at its own pace.
/// A connection holds at most about 200 KiB whatever flows through it: bodies come through a ByteStream and files leave by sendfile.
/// Keep-alive, pipelining, `Expect: 100-continue`, chunked request bodies, HEAD. The parser is Boost.Beast's.
class HttpServer {
 public:
  /// Answers a request; what it throws becomes the error's response. Called from many threads.
  using Handler = std::function<Response(Request&)>;

  /// Listens and serves at once. Error(peer) when the address or the port cannot be had.
  HttpServer(HttpServerOptions options, Handler handler);
  /// Stops.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// The port it listens on.
  int port() const;
  /// Takes no more requests, waits for those under way as long as the options allow, then ends them.
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gantry::archive
