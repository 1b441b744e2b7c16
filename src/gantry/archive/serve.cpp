// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/serve.h"

#include <signal.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <set>

#include "gantry/archive/dicom_server.h"
#include "gantry/archive/dicomweb.h"
#include "gantry/archive/http_server.h"
#include "gantry/archive/http_static.h"
#include "gantry/archive/openapi.h"
#include "gantry/archive/rest.h"
#include "gantry/base/text.h"
#include "gantry/base/version.h"

namespace gantry::archive {

namespace {

namespace fs = std::filesystem;

Path default_data() {
  if (const char* data = std::getenv("XDG_DATA_HOME"); data && *data) return Path(data) / "gantry";
  const char* home = std::getenv("HOME");
  return Path(home && *home ? home : "/var/lib") / ".local/share/gantry";
}

std::optional<std::string> password_of(const Path& file) {
  if (file.empty()) return std::nullopt;
  const std::string text = read_text(file, 65536);
  const std::string line = text.substr(0, text.find('\n'));
  return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

/// All routes; `services` may lack everything but the catalogue when only their document is wanted.
void add_routes(Router& router, const Services& services, std::function<Response()> metrics) {
  add_account_routes(router, services);
  add_operation_routes(router, services);
  add_analysis_route(router, services);
  add_study_analysis_routes(router, services);
  add_annotation_routes(router, services);
  add_arrival_routes(router, services);
  add_model_routes(router);
  add_job_routes(router, services);
  add_dicomweb_routes(router, services);
  router.add(
      {"GET",
       "/metrics",
       "Counts requests, jobs and what the archive holds, for Prometheus",
       [metrics = std::move(metrics)](Request&) { return metrics(); },
       false,
       {{"responses", {{"200", {{"description", "The figures"}, {"content", {{"text/plain", {{"schema", {{"type", "string"}}}}}}}}}}}}});
  router.add({"GET",
              "/api/v1/openapi.json",
              "Gives this document",
              [document = std::make_shared<std::string>(), &router, once = std::make_shared<std::once_flag>()](Request&) {
                std::call_once(*once, [&] { *document = to_text(openapi_document(router)); });
                return text_response(*document, "application/json");
              },
              true,
              {{"responses", {{"200", json_answer("The document", {{"type", "object"}})}}}}});
}

/// The packaged OHIF viewer, where it is installed: its pages at the addresses of its modes, its files at the root, because its scripts
/// look for them there. Each name gets a route of its own, so that all other addresses stay closed.
void add_viewer(Router& router) {
  const Path viewer = find_resource("viewer/index.html").parent_path();
  if (viewer.empty()) return;
  const std::vector<std::string> modes{"viewer", "segmentation", "tmtv", "microscopy", "dynamic-volume", "usAnnotation", "basic"};
  const auto page = [viewer](Request& request) {
    Response response = static_file(request, viewer, "index.html");
    return allow_evaluation(response);
  };
  for (const std::string& mode : modes) {
    router.add({"GET", "/" + mode, "The viewer", page, true, Json::object(), false});
    router.add({"GET", "/" + mode + "/{name...}", "The viewer", page, true, Json::object(), false});
  }
  const std::set<std::string> taken{"api", "console", "dicom-web", "metrics", "index.html"};
  for (const auto& entry : fs::directory_iterator(viewer)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with('.') || taken.contains(name) || std::find(modes.begin(), modes.end(), name) != modes.end()) continue;
    const auto file = [viewer](Request& request) {
      const auto found = file_inside(viewer, join(request.path, "/"));
      if (!found) throw Error(ErrorCode::not_found, "path: nothing is here");
      Response response = file_response(request, *found, media_type_of(*found));
      return allow_evaluation(response.header("Cache-Control", "max-age=3600"));
    };
    router.add({"GET", "/" + name + (entry.is_directory() ? "/{name...}" : ""), "The viewer", file, true, Json::object(), false});
  }
}

void add_pages(Router& router) {
  const Path console = find_resource("console/index.html").parent_path();
  const auto page = [console](Request& request) {
    if (console.empty()) return front_page();
    const auto name = request.captures.find("name");
    return static_file(request, console, name == request.captures.end() ? "" : name->second);
  };
  router.add({"GET", "/", "The console", page, true, Json::object(), false});
  if (!console.empty()) router.add({"GET", "/console/{name...}", "The console", page, true, Json::object(), false});
}

}  // namespace

struct Server::State {
  ServeOptions options;
  std::unique_ptr<Archive> archive;
  std::unique_ptr<Accounts> accounts;
  std::unique_ptr<Audit> audit;
  std::unique_ptr<Jobs> jobs;
  std::unique_ptr<Analyses> analyses;
  Router router;
  std::unique_ptr<HttpServer> http;
  std::unique_ptr<DicomServer> dicom;
  std::array<std::atomic<std::uint64_t>, 6> answered{};  ///< responses by the first digit of their status

  Response answer(Request& request) {
    Response response;
    try {
      response = router.handle(request);
    } catch (const Error& error) {
      response = error_response(error);
      if (error.code() == ErrorCode::internal) std::fprintf(stderr, "http: internal: %s\n", error.what());
      ++answered[static_cast<std::size_t>(response.status / 100)];
      throw;
    }
    ++answered[static_cast<std::size_t>(response.status / 100)];
    add_page_headers(response);
    return response;
  }
  Response metrics() const {
    std::string text = "# TYPE gantry_http_responses_total counter\n";
    for (std::size_t n = 2; n < answered.size(); ++n)
      text += fmt::format("gantry_http_responses_total{{class=\"{}xx\"}} {}\n", n, answered[n].load());
    std::map<std::string, int> states{{"queued", 0}, {"running", 0}, {"done", 0}, {"failed", 0}, {"cancelled", 0}};
    for (const Json& job : jobs->list("admin")) ++states[job.at("state").get<std::string>()];
    text += "# TYPE gantry_jobs gauge\n";
    for (const auto& [state, count] : states) text += fmt::format("gantry_jobs{{state=\"{}\"}} {}\n", state, count);
    const Statistics held = archive->statistics();
    text += fmt::format(
        "# TYPE gantry_archive_instances gauge\ngantry_archive_instances {}\n# TYPE gantry_archive_bytes gauge\ngantry_archive_bytes {}\n",
        held.instances, held.bytes);
    return text_response(text, "text/plain; version=0.0.4; charset=utf-8");
  }
};

Server::Server(ServeOptions options, const Catalogue& catalogue) : state_(std::make_unique<State>()) {
  State& state = *state_;
  if (options.data.empty()) options.data = default_data();
  options.data = fs::absolute(options.data);  // Jobs link to stored objects from folders of their own.
  const auto password = password_of(options.admin_password_file);
  state.archive = std::make_unique<Archive>(ArchiveOptions{.data = options.data, .min_free_bytes = options.min_free_bytes});
  const Path own = options.data / "server";
  fs::create_directories(own);
  ::chmod(own.c_str(), 0700);
  state.accounts = std::make_unique<Accounts>(own / "accounts.json", password);
  state.audit = std::make_unique<Audit>(own / "audit.log");
  state.jobs = std::make_unique<Jobs>(own / "jobs", options.jobs);
  check_order(options.analysis.order);
  for (const ArrivalRule& rule : options.analysis.rules) with_context("arrival", [&] { check_order(rule.order); });
  state.analyses = std::make_unique<Analyses>(own / "analyses", options.analysis, *state.archive, *state.jobs, *state.audit);
  state.options = std::move(options);
  const Services services{&catalogue,          state.accounts.get(), state.audit.get(),      state.jobs.get(),
                          state.archive.get(), state.analyses.get(), &state.options.analysis};
  add_routes(state.router, services, [&state] { return state.metrics(); });
  add_pages(state.router);
  add_viewer(state.router);
  state.router.set_gate([&state](Request& request) { return authenticate(request, *state.accounts); });
  HttpServerOptions http;
  http.port = state.options.http_port;
  http.max_connections = state.options.max_connections;
  http.max_body_bytes = state.options.max_body_bytes;
  state.http = std::make_unique<HttpServer>(http, [&state](Request& request) { return state.answer(request); });
  if (state.options.dicom_port >= 0) {
    DicomServerOptions dicom;
    dicom.port = static_cast<std::uint16_t>(state.options.dicom_port);
    dicom.ae_title = state.options.ae_title;
    dicom.nodes = state.options.nodes;
    dicom.on_event = [&audit = *state.audit](const DicomEvent& event) {
      const std::string outcome = event.reason.empty() ? "ok" : fmt::format("0x{:04X}", event.status);
      const std::string target = event.action == "store" && event.count == 0 ? audit_tag(event.subject)
                                 : event.action == "store"                   ? fmt::format("{} objects", event.count)
                                                                             : fmt::format("{} {}", event.subject, event.count);
      audit.record("AE " + event.calling_ae_title, "dicom_" + event.action, outcome, target, event.address);
    };
    state.dicom = std::make_unique<DicomServer>(*state.archive, std::move(dicom));
    state.dicom->start();
  }
  state.audit->record("", "start", "ok");
}

Server::~Server() {
  state_->analyses->stop();  // Before the jobs, so that what they leave is done after the next start.
  state_->jobs->stop();      // So that no request waits for a job.
  state_->dicom.reset();
  state_->http.reset();
  state_->jobs.reset();
  state_->analyses.reset();
  try {
    state_->audit->record("", "stop", "ok");
  } catch (const Error& error) {
    std::fprintf(stderr, "gantry: %s\n", error.what());
  }
}

int Server::http_port() const { return state_->http->port(); }
int Server::dicom_port() const { return state_->dicom ? state_->dicom->port() : -1; }
std::optional<std::string> Server::new_password() const { return state_->accounts->new_password(); }

void serve(const ServeOptions& options, const Catalogue& catalogue) {
  // Threads inherit the mask, so that the signals wait for `sigwait` here.
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error of its writer
  const Server server(options, catalogue);
  if (const auto password = server.new_password()) {
    std::fprintf(stderr, "First start: user admin, password %s (shown this once)\n", password->c_str());
    std::fflush(stderr);
  }
  std::string line = fmt::format("gantry {} is ready: http://127.0.0.1:{}/", version(), server.http_port());
  if (server.dicom_port() >= 0) line += fmt::format(", DICOM {} on 127.0.0.1:{}", options.ae_title, server.dicom_port());
  std::fputs((line + "\n").c_str(), stdout);
  std::fflush(stdout);
  int signal = 0;
  ::sigwait(&signals, &signal);
}

Json openapi_document(const Catalogue& catalogue) {
  Router router;
  add_routes(router, Services{&catalogue}, nullptr);
  return openapi_document(router);
}

}  // namespace gantry::archive
