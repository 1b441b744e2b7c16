// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/dicom/network/connection.h"

#include <fmt/format.h>
#include <netinet/tcp.h>
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <boost/asio.hpp>
#include <cstring>
#include <vector>

#include "gantry/base/error.h"

namespace gantry::dicom::network {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

[[noreturn]] void fail(std::string_view act, const error_code& failure) {
  throw Error(ErrorCode::peer, fmt::format("connection: {}: {}", act, failure.message()));
}

[[noreturn]] void too_late(std::string_view what, Duration limit) {
  throw Error(ErrorCode::peer, fmt::format("connection: {}; the peer was silent for {:.3g} s", what, limit.count() / 1000.0));
}

}  // namespace

struct Connection::State {
  State() : socket(context) {}

  /// Sets the socket's options once it is connected.
  void prepare() {
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    socket.non_blocking(true, ignored);
    const auto remote = socket.remote_endpoint(ignored);
    address = remote.address().to_string(ignored);
    const auto plain = remote.address().is_v6() && remote.address().to_v6().is_v4_mapped()
                           ? asio::ip::address(asio::ip::make_address_v4(asio::ip::v4_mapped, remote.address().to_v6()))
                           : remote.address();
    local = plain.is_loopback();
    quick_acknowledge();
  }

  void quick_acknowledge() {
    const int on = 1;
    ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
  }

  /// True when the socket became ready within the limit.
  bool wait(tcp::socket::wait_type kind, Duration limit) {
    bool ready = false;
    context.restart();
    socket.async_wait(kind, [&](const error_code& failure) { ready = !failure; });
    context.run_for(limit);
    if (ready) return true;
    error_code ignored;
    socket.cancel(ignored);
    context.restart();
    context.run();
    return ready;
  }

  /// Bytes read, 0 at the end of the stream.
  std::size_t read_some(std::span<std::byte> out, Duration limit) {
    for (;;) {
      error_code failure;
      const std::size_t count = socket.read_some(asio::buffer(out.data(), out.size()), failure);
      if (interrupted) throw Error(ErrorCode::peer, "connection: was ended");
      if (!failure) {
        quick_acknowledge();
        return count;
      }
      if (failure == asio::error::eof) return 0;
      if (failure != asio::error::would_block && failure != asio::error::interrupted) fail("cannot read", failure);
      if (!wait(tcp::socket::wait_read, limit)) too_late("nothing came", limit);
    }
  }

  asio::io_context context{1};
  tcp::socket socket;
  std::string address;
  bool local = false;
  std::atomic<bool> interrupted{false};
  std::vector<std::byte> buffer = std::vector<std::byte>(65536);
  std::size_t begin = 0, end = 0;  ///< of what was read ahead
};

Connection::Connection(std::unique_ptr<State> state) : state_(std::move(state)) {}
Connection::~Connection() = default;

std::unique_ptr<Connection> Connection::open(const std::string& host, std::uint16_t port, Duration limit) {
  auto state = std::make_unique<State>();
  error_code failure;
  tcp::resolver resolver(state->context);
  const auto places = resolver.resolve(host, std::to_string(port), tcp::resolver::numeric_service, failure);
  if (failure) fail(fmt::format("{}: cannot be found", host), failure);
  bool over = false;
  asio::async_connect(state->socket, places, [&](const error_code& result, const tcp::endpoint&) {
    over = true;
    failure = result;
  });
  state->context.run_for(limit);
  if (!over) {
    error_code ignored;
    state->socket.close(ignored);
    state->context.restart();
    state->context.run();
    too_late(fmt::format("{} port {}: must answer", host, port), limit);
  }
  if (failure) fail(fmt::format("{} port {}: cannot be reached", host, port), failure);
  state->prepare();
  return std::unique_ptr<Connection>(new Connection(std::move(state)));
}

bool Connection::read(std::span<std::byte> out, Duration limit) {
  State& s = *state_;
  std::size_t done = 0;
  while (done < out.size()) {
    if (s.begin < s.end) {
      const std::size_t take = std::min(out.size() - done, s.end - s.begin);
      std::memcpy(out.data() + done, s.buffer.data() + s.begin, take);
      s.begin += take;
      done += take;
      continue;
    }
    // Large rests go straight to where they belong.
    const bool direct = out.size() - done >= s.buffer.size();
    const std::size_t count = s.read_some(direct ? out.subspan(done) : std::span<std::byte>(s.buffer), limit);
    if (count == 0) {
      if (done == 0) return false;
      throw Error(ErrorCode::peer, "connection: closed by the peer in the middle of a message");
    }
    if (direct) {
      done += count;
    } else {
      s.begin = 0;
      s.end = count;
    }
  }
  return true;
}

void Connection::write(std::span<const std::span<const std::byte>> pieces, Duration limit) {
  State& s = *state_;
  std::vector<asio::const_buffer> buffers;
  buffers.reserve(pieces.size());
  for (const auto& piece : pieces) buffers.emplace_back(piece.data(), piece.size());
  std::size_t first = 0;
  while (first < buffers.size()) {
    if (buffers[first].size() == 0) {
      ++first;
      continue;
    }
    error_code failure;
    const std::vector<asio::const_buffer> rest(buffers.begin() + static_cast<std::ptrdiff_t>(first), buffers.end());
    std::size_t count = s.socket.write_some(rest, failure);
    if (s.interrupted) throw Error(ErrorCode::peer, "connection: was ended");
    if (failure == asio::error::would_block || failure == asio::error::interrupted) {
      if (!s.wait(tcp::socket::wait_write, limit)) too_late("nothing could be sent", limit);
      continue;
    }
    if (failure) fail("cannot write", failure);
    for (; count > 0 && count >= buffers[first].size(); ++first) count -= buffers[first].size();
    if (count > 0) buffers[first] += count;
  }
}

void Connection::write(std::span<const std::byte> bytes, Duration limit) { write(std::span(&bytes, 1), limit); }

bool Connection::readable() const {
  if (state_->begin < state_->end) return true;
  ::pollfd ask{state_->socket.native_handle(), POLLIN, 0};
  return ::poll(&ask, 1, 0) > 0;
}

bool Connection::wait_readable(Duration limit) {
  if (state_->begin < state_->end) return true;
  return state_->wait(tcp::socket::wait_read, limit);
}

void Connection::drain(Duration limit) {
  State& s = *state_;
  error_code ignored;
  s.socket.shutdown(tcp::socket::shutdown_send, ignored);
  const auto deadline = std::chrono::steady_clock::now() + limit;
  try {
    for (;;) {
      const auto left = std::chrono::duration_cast<Duration>(deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0 || s.read_some(s.buffer, left) == 0) return;
    }
  } catch (const Error&) {
    // Closed the hard way, which is as good.
  }
}

void Connection::interrupt() {
  state_->interrupted = true;
  ::shutdown(state_->socket.native_handle(), SHUT_RDWR);
}

const std::string& Connection::peer_address() const { return state_->address; }
bool Connection::peer_is_local() const { return state_->local; }

struct Listener::State {
  asio::io_context context{1};
  tcp::acceptor acceptor{context};
  std::uint16_t port = 0;
  std::atomic<bool> stopped{false};
};

Listener::Listener(const std::string& address, std::uint16_t port) : state_(std::make_unique<State>()) {
  error_code failure;
  const auto place = asio::ip::make_address(address, failure);
  if (failure) throw Error(ErrorCode::parameter, fmt::format("address: must be an IP address; got {}", address));
  const tcp::endpoint endpoint(place, port);
  auto& acceptor = state_->acceptor;
  acceptor.open(endpoint.protocol(), failure);
  if (!failure) acceptor.set_option(asio::socket_base::reuse_address(true), failure);
  if (!failure) acceptor.bind(endpoint, failure);
  if (!failure) acceptor.listen(128, failure);
  if (failure) throw Error(ErrorCode::peer, fmt::format("{} port {}: cannot listen: {}", address, port, failure.message()));
  state_->port = acceptor.local_endpoint().port();
}

Listener::~Listener() = default;

std::uint16_t Listener::port() const { return state_->port; }

std::unique_ptr<Connection> Listener::accept() {
  State& s = *state_;
  while (!s.stopped) {
    auto state = std::make_unique<Connection::State>();
    bool taken = false;
    s.context.restart();
    s.acceptor.async_accept(state->socket, [&](const error_code& failure) { taken = !failure; });
    s.context.run();
    if (s.stopped) break;
    if (!taken) {
      // Out of descriptors, most likely: others will end.
      ::poll(nullptr, 0, 50);
      continue;
    }
    state->prepare();
    return std::unique_ptr<Connection>(new Connection(std::move(state)));
  }
  return nullptr;
}

void Listener::interrupt() {
  state_->stopped = true;
  asio::post(state_->context, [this] {
    error_code ignored;
    state_->acceptor.close(ignored);
  });
}

}  // namespace gantry::dicom::network
