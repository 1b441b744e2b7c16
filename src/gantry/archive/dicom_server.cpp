// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/dicom_server.h"

#include <fmt/format.h>

#include <atomic>
#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>

#include "gantry/archive/dicom_session.h"
#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/dicom/network/connection.h"

namespace gantry::archive {

namespace network = dicom::network;
using network::Refusal;

struct DicomServer::State {
  State(Archive& a, DicomServerOptions o) : archive(a), options(std::move(o)) {
    if (!options.on_event) return;
    options.on_event = [tell = std::move(options.on_event)](const DicomEvent& event) {
      try {
        tell(event);
      } catch (const Error&) {
        // A log that cannot be written must not end what is being stored.
      }
    };
  }

  struct Open {
    std::shared_ptr<network::Connection> connection;
    std::thread thread;
    bool over = false;
  };

  /// Whether this caller may associate; nullopt = it may.
  std::optional<Refusal> refusal(const network::Associate& proposal, const network::Connection& connection, bool room) const {
    if (!room) return Refusal{2, 3, 2};  // transient, by the provider's presentation layer: local limit exceeded
    if (proposal.application_context != "1.2.840.10008.3.1.1.1") return Refusal{1, 1, 2};
    if (!options.any_called_title && trim(proposal.called_ae_title) != options.ae_title) return Refusal{1, 1, 7};
    if (connection.peer_is_local()) return std::nullopt;
    for (const RemoteNode& node : options.nodes) {
      if (node.ae_title == proposal.calling_ae_title) return std::nullopt;
    }
    return Refusal{1, 1, 3};
  }

  void serve(const std::shared_ptr<network::Connection>& connection, bool room) {
    DicomEvent event{"associate", "", connection->peer_address(), "", 0, 0, ""};
    std::unique_ptr<DicomSession> session;
    try {
      auto association = network::Association::accept(
          connection,
          [&](const network::Associate& proposal) -> network::Association::Decision {
            event.calling_ae_title = proposal.calling_ae_title;
            if (const auto no = refusal(proposal, *connection, room)) return *no;
            return negotiate(proposal);
          },
          options.limits);
      session = std::make_unique<DicomSession>(archive, options, std::move(association), stopping);
      session->run();
    } catch (const Error& error) {
      event.status = static_cast<std::uint16_t>(error_info(error.code()).dimse_status);
      event.reason = error.what();
    } catch (const std::exception&) {
      event.status = static_cast<std::uint16_t>(error_info(ErrorCode::internal).dimse_status);
      event.reason = "memory or another resource is exhausted";
    }
    if (session) session->report_stored();
    if (options.on_event && !event.reason.empty()) options.on_event(event);
  }

  /// Joins the threads that are done. Called with the lock held.
  void sweep() {
    for (auto one = open.begin(); one != open.end();) {
      if (!one->over) {
        ++one;
        continue;
      }
      one->thread.join();
      one = open.erase(one);
    }
  }

  void listen() {
    while (std::shared_ptr<network::Connection> connection = listener->accept()) {
      const std::lock_guard guard(mutex);
      sweep();
      const auto most = static_cast<std::size_t>(std::max(options.max_associations, 1));
      // A few more are heard in order to be told that there is no room; the rest is closed at once.
      if (stopping || open.size() >= most + 16) continue;
      const bool room = open.size() < most;
      Open& one = open.emplace_back();
      one.connection = connection;
      try {
        one.thread = std::thread([this, &one, connection, room] {
          serve(connection, room);
          const std::lock_guard done(mutex);
          one.over = true;
          one.connection.reset();
          changed.notify_all();
        });
      } catch (const std::system_error&) {
        open.pop_back();  // no thread to be had: the peer sees the connection close
      }
    }
  }

  Archive& archive;
  DicomServerOptions options;
  std::unique_ptr<network::Listener> listener;
  std::thread acceptor;
  std::atomic<bool> stopping{false};
  mutable std::mutex mutex;
  std::condition_variable changed;
  std::list<Open> open;
};

DicomServer::DicomServer(Archive& archive, DicomServerOptions options) : state_(std::make_unique<State>(archive, std::move(options))) {}

DicomServer::~DicomServer() { stop(); }

void DicomServer::start() {
  State& s = *state_;
  const std::string& title = s.options.ae_title;
  if (title.empty() || title.size() > 16 || trim(title) != title || title.find('\\') != std::string::npos) {
    throw Error(ErrorCode::parameter, "AE title: must be 1 to 16 characters without backslash and outer blanks");
  }
  s.listener = std::make_unique<network::Listener>(s.options.address, s.options.port);
  s.acceptor = std::thread([&s] { s.listen(); });
}

void DicomServer::stop(network::Duration grace) {
  State& s = *state_;
  if (!s.acceptor.joinable()) return;
  s.stopping = true;
  s.listener->interrupt();
  s.acceptor.join();
  std::unique_lock guard(s.mutex);
  const auto all_over = [&] { return std::all_of(s.open.begin(), s.open.end(), [](const State::Open& one) { return one.over; }); };
  s.changed.wait_for(guard, grace, all_over);
  for (const State::Open& one : s.open) {
    if (one.connection) one.connection->interrupt();
  }
  s.changed.wait(guard, all_over);
  s.sweep();
}

std::uint16_t DicomServer::port() const { return state_->listener ? state_->listener->port() : state_->options.port; }

int DicomServer::associations() const {
  const std::lock_guard guard(state_->mutex);
  return static_cast<int>(std::count_if(state_->open.begin(), state_->open.end(), [](const State::Open& one) { return !one.over; }));
}

}  // namespace gantry::archive
