// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "gantry/archive/analysis_rules.h"
#include "gantry/archive/dicom_server.h"
#include "gantry/archive/http_router.h"
#include "gantry/archive/jobs.h"
#include "gantry/operation/catalogue.h"

namespace gantry::archive {

/// Everything that a server can be told; each has a default.
struct ServeOptions {
  Path data;               ///< folder of the archive, the users and the jobs; empty = $XDG_DATA_HOME/gantry, else ~/.local/share/gantry
  int http_port = 8080;    ///< 0 = any free one
  int dicom_port = 11112;  ///< 0 = any free one, -1 = no DICOM network
  std::string ae_title = "GANTRY";  ///< 1 to 16 characters
  std::vector<RemoteNode> nodes;    ///< where C-MOVE may send to
  Path admin_password_file;         ///< its first line becomes admin's password; empty = kept, or random at the first start
  int max_connections = 256;        ///< of HTTP
  std::uint64_t max_body_bytes = std::uint64_t{64} << 30;   ///< of a request
  std::uint64_t min_free_bytes = std::uint64_t{256} << 20;  ///< of the disk: objects are refused when less would be left
  JobOptions jobs;
  ArrivalOptions analysis;
};

/// The options of a TOML file, laid over `options`: `data`, `http.port`, `http.max_connections`, `http.max_body_gib`, `dicom.port`,
/// `dicom.ae_title`, `dicom.nodes` (["AE@HOST:PORT"]), `login.admin_password_file`, `archive.min_free_mib`, `jobs.workers`, `jobs.threads`,
/// `jobs.memory_mib`, `jobs.waiting`, `jobs.kept`, `analysis.on_arrival`, `analysis.quiet_seconds`, `analysis.language`, and rules for what
/// arrives, the first that fits decides: [[arrival]] with `modality`, `description`, `analyze`, `profile`, `language`. Relative paths lie
/// beside the file. Error(parameter) for an unknown key or a value out of its range, Error(unreadable) for what is no TOML.
void read_configuration(const Path& file, ServeOptions& options);

/// The whole server in one process, on loopback only: archive, jobs, users, audit log, HTTP (REST at /api/v1, DICOMweb at /dicom-web) and
/// DICOM. One process at a time holds a data folder.
class Server {
 public:
  /// Starts; when this returns, it answers. `catalogue` must outlive it.
  Server(ServeOptions options, const Catalogue& catalogue);
  /// Stops gracefully: requests under way may end, jobs are cancelled.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  int http_port() const;
  int dicom_port() const;
  /// Admin's random password, when this was the first start.
  std::optional<std::string> new_password() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Runs a server until SIGTERM or SIGINT: one line on standard output when it is ready; a new password goes to standard error before.
void serve(const ServeOptions& options, const Catalogue& catalogue);

/// The OpenAPI document of a server over these operations.
Json openapi_document(const Catalogue& catalogue);

}  // namespace gantry::archive
