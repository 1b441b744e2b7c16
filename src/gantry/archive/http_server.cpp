// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/http_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <mutex>
#include <set>
#include <thread>

#include "gantry/base/text.h"

namespace gantry::archive {

namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using Code = boost::system::error_code;
using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::seconds;

constexpr std::size_t buffer_bytes = 65536, drained_bytes = 262144;

/// A connected socket whose calls wait no longer than a deadline: what Beast calls a synchronous stream.
class Socket {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  ~Socket() { ::close(descriptor_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int descriptor() const { return descriptor_; }

  /// Until when `read_some` waits, and how long without progress.
  void wait_until(Clock::time_point deadline) { deadline_ = deadline; }

  bool wait(short event, Clock::time_point deadline) const {
    for (;;) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
      if (left <= 0) return false;
      pollfd polled{descriptor_, event, 0};
      const int ready = ::poll(&polled, 1, static_cast<int>(std::min<long long>(left, 3600000)));
      if (ready > 0) return true;
      if (ready == 0 || errno != EINTR) return false;
    }
  }

  template <class Buffers>
  std::size_t read_some(const Buffers& buffers, Code& code) {
    const auto first = boost::asio::buffer_sequence_begin(buffers);
    const boost::asio::mutable_buffer out = first == boost::asio::buffer_sequence_end(buffers) ? boost::asio::mutable_buffer() : *first;
    for (;;) {
      const ssize_t count = ::recv(descriptor_, out.data(), out.size(), MSG_DONTWAIT);
      if (count > 0) {
        code = {};
        return static_cast<std::size_t>(count);
      }
      if (count == 0) {
        code = boost::asio::error::eof;
        return 0;
      }
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) {
        code = Code(errno, boost::system::system_category());
        return 0;
      }
      if (!wait(POLLIN, deadline_)) {
        code = boost::asio::error::timed_out;
        return 0;
      }
    }
  }
  template <class Buffers>
  std::size_t read_some(const Buffers& buffers) {
    Code code;
    const std::size_t count = read_some(buffers, code);
    if (code) throw boost::system::system_error(code);
    return count;
  }

  /// Sends all of `text`; `more` says that something follows at once. False when the peer is gone or does not read.
  bool send(std::string_view text, bool more, int stall_seconds) const {
    while (!text.empty()) {
      const ssize_t count = ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0));
      if (count > 0) {
        text.remove_prefix(static_cast<std::size_t>(count));
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        if (!wait(POLLOUT, Clock::now() + Seconds(stall_seconds))) return false;
      } else if (errno != EINTR) {
        return false;
      }
    }
    return true;
  }

  bool send(const FileRange& range, int stall_seconds) const {
    const int file = ::open(range.path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    auto offset = static_cast<off_t>(range.offset);
    const auto end = static_cast<off_t>(range.offset + range.length);
    bool good = true;
    while (good && offset < end) {
      const ssize_t count = ::sendfile(descriptor_, file, &offset, static_cast<std::size_t>(std::min<off_t>(end - offset, 1 << 24)));
      if (count > 0) continue;
      if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        good = wait(POLLOUT, Clock::now() + Seconds(stall_seconds));
      } else if (count == 0 || errno != EINTR) {
        good = false;
      }
    }
    ::close(file);
    return good;
  }

 private:
  int descriptor_;
  Clock::time_point deadline_{};
};

std::string_view std_view(beast::string_view text) { return {text.data(), text.size()}; }

using Parser = http::request_parser<http::buffer_body>;

/// The body of one request as it arrives.
class Body : public ByteStream {
 public:
  Body(Socket& socket, beast::flat_buffer& buffer, Parser& parser, const HttpServerOptions& options)
      : socket_(socket), buffer_(buffer), parser_(parser), options_(options) {
    expects_ = parser.get().version() >= 11 && beast::iequals(parser.get()[http::field::expect], "100-continue");
  }

  std::size_t read(std::span<std::byte> out) override {
    if (parser_.is_done() || failed_) return 0;
    if (expects_ && buffer_.size() == 0) socket_.send("HTTP/1.1 100 Continue\r\n\r\n", false, options_.stall_seconds);
    expects_ = false;
    // A trickle ends too: beside the wait for the next bytes there is a least rate of 1 KiB/s over all.
    const auto trickle = begun_ + Seconds(60 + static_cast<long long>(received_ >> 10));
    socket_.wait_until(std::min(Clock::now() + Seconds(options_.stall_seconds), trickle));
    auto& body = parser_.get().body();
    body.data = out.data();
    body.size = out.size();
    body.more = true;
    Code code;
    http::read(socket_, buffer_, parser_, code);
    if (code == http::error::need_buffer) code = {};
    const std::size_t count = out.size() - body.size;
    received_ += count;
    if (code) {
      failed_ = true;
      status_ = code == http::error::body_limit ? 413 : code == boost::asio::error::timed_out ? 408 : 400;
      throw Error(ErrorCode::usage, status_ == 413   ? fmt::format("body: at most {} bytes are accepted", options_.max_body_bytes)
                                    : status_ == 408 ? "body: did not arrive in time"
                                                     : "body: ended too early or is malformed");
    }
    return count;
  }

  /// Reads what the handler left, when that is little; false when the connection cannot serve another request.
  bool drain() {
    if (failed_ || (expects_ && !parser_.is_done())) return parser_.is_done();
    std::array<std::byte, 16384> piece;
    std::size_t sum = 0;
    try {
      while (sum < drained_bytes) {
        const std::size_t count = read(piece);
        if (count == 0) break;
        sum += count;
      }
    } catch (const Error&) {
      return false;
    }
    return parser_.is_done();
  }
  /// The status that a failure of the body itself asks for; 0 = it did not fail.
  int status() const { return status_; }

 private:
  Socket& socket_;
  beast::flat_buffer& buffer_;
  Parser& parser_;
  const HttpServerOptions& options_;
  Clock::time_point begun_ = Clock::now();
  std::uint64_t received_ = 0;
  bool expects_ = false, failed_ = false;
  int status_ = 0;
};

std::string date_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  static constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", days[static_cast<std::size_t>(parts.tm_wday)], parts.tm_mday,
                     months[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

/// Sends the response; false when the connection is of no more use.
bool send(const Socket& socket, const Response& response, bool head_only, bool keep, int stall_seconds) {
  std::string text =
      fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\nServer: Gantry\r\n", response.status, reason_phrase(response.status), date_now());
  for (const auto& [name, value] : response.headers) {
    text += name + ": ";
    for (const char c : value) text += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    text += "\r\n";
  }
  const bool bare = response.status == 204 || response.status == 304;
  if (!bare) text += fmt::format("Content-Length: {}\r\n", response.length());
  text += keep ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  if (head_only || bare) return socket.send(text, false, stall_seconds);
  for (std::size_t n = 0; n < response.body.size(); ++n) {
    if (const auto* piece = std::get_if<std::string>(&response.body[n])) {
      if (text.size() + piece->size() <= buffer_bytes) {
        text += *piece;
        continue;
      }
      if (!socket.send(text, true, stall_seconds) || !socket.send(*piece, n + 1 < response.body.size(), stall_seconds)) return false;
      text.clear();
    } else {
      if (!socket.send(text, true, stall_seconds) || !socket.send(std::get<FileRange>(response.body[n]), stall_seconds)) return false;
      text.clear();
    }
  }
  return socket.send(text, false, stall_seconds);
}

std::string address_of(const sockaddr_storage& peer) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (peer.ss_family == AF_INET6) {
    ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(peer).sin6_addr, text.data(), text.size());
  } else {
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(peer).sin_addr, text.data(), text.size());
  }
  return text.data();
}

/// The listening socket for the options' address and port.
int listen_on(const HttpServerOptions& options, int& port) {
  sockaddr_storage storage{};
  socklen_t length = 0;
  auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
  if (::inet_pton(AF_INET, options.address.c_str(), &v4.sin_addr) == 1) {
    storage.ss_family = AF_INET;
    v4.sin_port = htons(static_cast<std::uint16_t>(options.port));
    length = sizeof v4;
  } else if (::inet_pton(AF_INET6, options.address.c_str(), &v6.sin6_addr) == 1) {
    storage.ss_family = AF_INET6;
    v6.sin6_port = htons(static_cast<std::uint16_t>(options.port));
    length = sizeof v6;
  } else {
    throw Error(ErrorCode::parameter, "http address: must be an IP address; got " + options.address);
  }
  const int listener = ::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int yes = 1;
  if (listener >= 0) ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (listener < 0 || ::bind(listener, reinterpret_cast<const sockaddr*>(&storage), length) != 0 || ::listen(listener, 512) != 0) {
    const int number = errno;
    if (listener >= 0) ::close(listener);
    throw Error(ErrorCode::peer, fmt::format("http port: {} cannot be had: {}", options.port, std::strerror(number)));
  }
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&storage), &length);
  port = ntohs(storage.ss_family == AF_INET6 ? v6.sin6_port : v4.sin_port);
  return listener;
}

}  // namespace

struct HttpServer::State {
  HttpServerOptions options;
  Handler handler;
  int listener = -1, wake = -1, port = 0;
  std::atomic<bool> stopping{false};
  std::thread acceptor;
  std::mutex mutex;
  std::condition_variable changed;
  std::set<int> idle, busy;  ///< descriptors by whether a request is under way

  void accept_all();
  void serve(int descriptor, const std::string& address);
  bool serve_one(Socket& socket, beast::flat_buffer& buffer, const std::string& address);
  Response answer(Request& request, Body& body);
  /// Notes that a connection has or has not a request under way; false when the server stops.
  bool mark(int descriptor, bool is_busy) {
    const std::lock_guard lock(mutex);
    (is_busy ? idle : busy).erase(descriptor);
    (is_busy ? busy : idle).insert(descriptor);
    return !stopping;
  }
};

void HttpServer::State::accept_all() {
  while (!stopping) {
    std::array<pollfd, 2> polled{pollfd{listener, POLLIN, 0}, pollfd{wake, POLLIN, 0}};
    if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) return;
    if (stopping) return;
    sockaddr_storage peer{};
    socklen_t length = sizeof peer;
    const int descriptor = ::accept4(listener, reinterpret_cast<sockaddr*>(&peer), &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (descriptor < 0) {
      // Out of descriptors: wait until one comes free instead of spinning.
      if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) std::this_thread::sleep_for(std::chrono::milliseconds(50));
      continue;
    }
    const int yes = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    bool full = false;
    {
      const std::lock_guard lock(mutex);
      full = idle.size() + busy.size() >= static_cast<std::size_t>(options.max_connections);
      if (!full) idle.insert(descriptor);
    }
    if (full) {
      const Socket socket(descriptor);
      send(socket, error_response(503, "refused", "server: has too many connections; try again later").header("Retry-After", "1"), false,
           false, 1);
      continue;
    }
    try {
      std::thread([this, descriptor, address = address_of(peer)] { serve(descriptor, address); }).detach();
    } catch (const std::system_error&) {
      const std::lock_guard lock(mutex);
      idle.erase(descriptor);
      ::close(descriptor);
    }
  }
}

void HttpServer::State::serve(int descriptor, const std::string& address) {
  auto socket = std::make_unique<Socket>(descriptor);
  try {
    beast::flat_buffer buffer(buffer_bytes);
    while (!stopping && serve_one(*socket, buffer, address)) continue;
    // What the peer still sends is read for a moment, so that closing does not destroy the response on its way.
    ::shutdown(descriptor, SHUT_WR);
    std::array<char, 16384> rest;
    const auto until = Clock::now() + Seconds(2);
    while (!stopping && socket->wait(POLLIN, until) && ::recv(descriptor, rest.data(), rest.size(), MSG_DONTWAIT) > 0) continue;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "http: connection ended: %s\n", failure.what());
  }
  const std::lock_guard lock(mutex);
  idle.erase(descriptor);
  busy.erase(descriptor);
  socket.reset();
  changed.notify_all();  // The last touch: `stop` may end the server as soon as the lock is free.
}

Response HttpServer::State::answer(Request& request, Body& body) {
  try {
    return handler(request);
  } catch (const Error& error) {
    if (body.status() != 0) return error_response(body.status(), error_info(error.code()).id, error.what());
    return error_response(error);
  } catch (const std::bad_alloc&) {
    return error_response(Error(ErrorCode::out_of_memory, "server: has no memory for this request"));
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "http: unexpected: %s\n", failure.what());
    return error_response(Error(ErrorCode::internal, "server: an unexpected error; its log says which"));
  }
}

bool HttpServer::State::serve_one(Socket& socket, beast::flat_buffer& buffer, const std::string& address) {
  if (buffer.size() == 0 && !socket.wait(POLLIN, Clock::now() + Seconds(options.idle_seconds))) return false;
  if (!mark(socket.descriptor(), true)) return false;
  Parser parser;
  parser.header_limit(options.max_header_bytes);
  parser.body_limit(options.max_body_bytes);
  socket.wait_until(Clock::now() + Seconds(options.header_seconds));
  Code code;
  http::read_header(socket, buffer, parser, code);
  const auto refuse = [&](int status, std::string_view message) {
    send(socket, error_response(status, "usage", message), false, false, options.stall_seconds);
    return false;
  };
  if (code == http::error::header_limit || code == http::error::buffer_overflow) return refuse(431, "request: its head is too long");
  if (code == http::error::body_limit) return refuse(413, fmt::format("body: at most {} bytes are accepted", options.max_body_bytes));
  if (code == boost::asio::error::timed_out) return refuse(408, "request: did not arrive in time");
  if (code == http::error::end_of_stream || code == http::error::partial_message) return false;
  if (code.category() == make_error_code(http::error::bad_method).category()) return refuse(400, "request: is malformed");
  if (code) return false;

  const auto& head = parser.get();
  const std::string target(head.target());
  const auto path = parse_path(target);
  const auto query = parse_query(target);
  if (!path || !query) return refuse(400, "target: is malformed");
  Request request;
  request.method = std::string(head.method_string());
  request.path = *path;
  request.query = *query;
  request.address = address;
  for (const auto& field : head) request.headers.add(lower(std_view(field.name_string())), std::string(trim(std_view(field.value()))));
  Body body(socket, buffer, parser, options);
  request.body = &body;
  const bool head_only = request.method == "HEAD";
  const bool wants_more = parser.get().keep_alive();
  const Response response = answer(request, body);
  const bool keep = !response.close && wants_more && body.drain() && !stopping;
  if (!send(socket, response, head_only, keep, options.stall_seconds)) {
    ::shutdown(socket.descriptor(), SHUT_RDWR);
    return false;
  }
  return keep && mark(socket.descriptor(), false);
}

HttpServer::HttpServer(HttpServerOptions options, Handler handler) : state_(std::make_unique<State>()) {
  state_->options = std::move(options);
  state_->handler = std::move(handler);
  state_->listener = listen_on(state_->options, state_->port);
  state_->wake = ::eventfd(0, EFD_CLOEXEC);
  state_->acceptor = std::thread([this] { state_->accept_all(); });
}

HttpServer::~HttpServer() {
  stop();
  ::close(state_->wake);
  ::close(state_->listener);
}

int HttpServer::port() const { return state_->port; }

void HttpServer::stop() {
  State& state = *state_;
  if (state.stopping.exchange(true)) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(state.wake, &one, sizeof one);
  state.acceptor.join();
  std::unique_lock lock(state.mutex);
  for (const int descriptor : state.idle) ::shutdown(descriptor, SHUT_RDWR);
  const auto all_gone = [&] { return state.idle.empty() && state.busy.empty(); };
  if (!state.changed.wait_for(lock, Seconds(state.options.grace_seconds), all_gone)) {
    for (const int descriptor : state.busy) ::shutdown(descriptor, SHUT_RDWR);
    state.changed.wait(lock, all_gone);
  }
}

}  // namespace gantry::archive
