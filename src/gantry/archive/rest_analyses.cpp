// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/http_static.h"
#include "gantry/archive/rest.h"
#include "gantry/base/text.h"

namespace gantry::archive {

namespace {

Response start(Request& request, const Services& services) {
  AnalysisOrder order;
  // Without a body everything is as the server chooses.
  const std::string length = request.headers.find("content-length").value_or("");
  const bool empty = !request.headers.find("transfer-encoding") && (length.empty() || length == "0");
  if (!empty) {
    if (request.media_type() != "application/json") throw Error(ErrorCode::usage, "body: must be application/json, or missing");
    const Form form = read_form(request, {});
    for (const auto& [name, texts] : form.texts) {
      if (name != "profile" && name != "language")
        throw Error(ErrorCode::parameter, fmt::format("{}: is not known here", to_valid_utf8(name).substr(0, 40)));
    }
    order = order_of(form);
  }
  const std::string study_uid = request.captures["uid"];
  const std::string id = services.analyses->start(study_uid, request.principal.user, order);
  services.audit->record(request.principal.user, "analyze", "ok", audit_tag(study_uid), request.address);
  const auto job = services.jobs->find(id, "admin");
  Response response = json_response(job ? *job : Json{{"id", id}}, 202);
  return response.header("Location", "/api/v1/jobs/" + id);
}

}  // namespace

void add_study_analysis_routes(Router& router, const Services& services) {
  const Json missing = json_answer("There is no such study, or no analysis of it yet", schema_reference("Error"));
  const std::string path = "/api/v1/studies/{uid}/analysis";
  router.add({"GET",
              path,
              "Gives the latest analysis of a study: its summary.json",
              [services](Request& request) {
                const Path folder = services.analyses->result_of(request.captures["uid"]);
                return file_response(request, folder / "summary.json", "application/json").header("Cache-Control", "no-cache");
              },
              false,
              {{"responses", {{"200", json_answer("The summary", {{"type", "object"}})}, {"404", missing}}}}});
  router.add({"POST",
              path,
              "Analyses a study of the archive; the DICOM results join it",
              [services](Request& request) { return start(request, services); },
              false,
              {{"requestBody",
                {{"required", false},
                 {"content",
                  {{"application/json",
                    {{"schema",
                      {{"type", "object"},
                       {"properties",
                        {{"profile", {{"type", "string"}, {"description", "Profile to use instead of the one that fits"}}},
                         {"language", {{"enum", {"en", "zh"}}, {"description", "Language of the report"}}}}},
                       {"additionalProperties", false}}}}}}}}},
               {"responses", {{"202", json_answer("The job, or the one under way", schema_reference("Job"))}, {"404", missing}}}}});
  router.add({"GET",
              path + "/files/{name...}",
              "Gives a file of the latest analysis: report.html, figures, masks, or a range of it",
              [services](Request& request) {
                const Path folder = services.analyses->result_of(request.captures["uid"]);
                const auto file = file_inside(folder, request.captures["name"]);
                if (!file) throw Error(ErrorCode::not_found, "file: the analysis has none of this name");
                return foreign_file(request, *file).header("Cache-Control", "no-cache");
              },
              false,
              {{"responses",
                {{"200", {{"description", "The file"}, {"content", {{"*/*", {{"schema", {{"type", "string"}, {"format", "binary"}}}}}}}}},
                 {"206", {{"description", "The range"}}},
                 {"404", missing}}}}});
}

}  // namespace gantry::archive
