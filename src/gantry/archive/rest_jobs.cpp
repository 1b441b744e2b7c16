// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/analyze.h"
#include "gantry/archive/rest.h"
#include "gantry/base/text.h"

namespace gantry::archive {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view no_job = "job: there is none of this id";

Response show(Request& request, const Services& services) {
  double seconds = 0;
  if (const auto wait = request.query.find("wait")) {
    const auto value = parse_double(*wait);
    if (!value || !(*value >= 0 && *value <= 60))
      throw Error(ErrorCode::parameter, "wait: must lie between 0 and 60 s; got " + wait->substr(0, 40));
    seconds = *value;
  }
  const auto job = services.jobs->wait(request.captures["id"], request.principal.user, seconds);
  if (!job) throw Error(ErrorCode::not_found, std::string(no_job));
  return json_response(*job);
}

Response give(Request& request, const Services& services) {
  return foreign_file(request, services.jobs->output(request.captures["id"], request.principal.user, request.captures["name"]));
}

std::string only_text(const Form& form, const char* name) {
  const auto found = form.texts.find(name);
  return found == form.texts.end() ? "" : found->second.back();
}

Response analyze(Request& request, const Services& services) {
  const auto draft = services.jobs->draft();
  const Form form = read_form(request, draft->inputs());
  for (const auto& [name, texts] : form.texts) {
    if (name != "study" && name != "profile" && name != "modality" && name != "language")
      throw Error(ErrorCode::parameter, fmt::format("{}: is not known here", name));
  }
  for (const auto& [name, files] : form.files) {
    if (name != "study") throw Error(ErrorCode::parameter, fmt::format("{}: is not known here", name));
  }
  analysis::AnalyzeOptions options;
  const AnalysisOrder order = order_of(form);
  options.profile = order.profile;
  options.language = order.language;
  options.modality = only_text(form, "modality");
  const std::string reference = only_text(form, "study");
  if (form.files.empty() == reference.empty())
    throw Error(ErrorCode::usage, "study: must be one or more uploads, or one reference archive:STUDY[/SERIES]");
  if (!reference.empty() && (!reference.starts_with("archive:") || !services.archive))
    throw Error(ErrorCode::not_permitted, "study: must be an upload or archive:STUDY[/SERIES]");
  if (!reference.empty()) link_archived(*services.archive, reference.substr(8), draft->inputs());
  const std::string id = services.jobs->submit(
      *draft, request.principal.user, {{"kind", "analysis"}}, [options](const Path& inputs, const Path& outputs, Run& run) {
        analysis::AnalyzeOptions order = options;
        for (const auto& entry : fs::directory_iterator(inputs)) order.inputs.push_back(entry.path());
        std::sort(order.inputs.begin(), order.inputs.end());
        if (order.inputs.size() > 1) order.inputs = {inputs};
        order.output = outputs / "result";
        analysis::analyze(order, run);
        std::vector<JobOutput> written;
        for (const auto& entry : fs::recursive_directory_iterator(order.output)) {
          if (entry.is_regular_file())
            written.push_back({entry.path().lexically_relative(order.output).generic_string(), "file", entry.path()});
        }
        std::sort(written.begin(), written.end(), [](const JobOutput& a, const JobOutput& b) { return a.name < b.name; });
        return written;
      });
  services.audit->record(request.principal.user, "analyze", "ok", reference.empty() ? "upload" : audit_tag(reference.substr(8)),
                         request.address);
  Response response = json_response(*services.jobs->find(id, request.principal.user), 202);
  return response.header("Location", "/api/v1/jobs/" + id);
}

}  // namespace

AnalysisOrder order_of(const Form& form) {
  AnalysisOrder order;
  order.profile = only_text(form, "profile");
  if (const std::string language = only_text(form, "language"); !language.empty()) order.language = language;
  check_order(order);
  return order;
}

void add_analysis_route(Router& router, const Services& services) {
  const Json options{{"profile", {{"type", "string"}, {"description", "Profile to use instead of the one that fits"}}},
                     {"modality", {{"type", "string"}, {"description", "What a volume without a header is: CT, MR or PT"}}},
                     {"language", {{"enum", {"en", "zh"}}, {"description", "Language of the report"}}}};
  Json uploads = options, reference = options;
  uploads["study"] = {{"type", "array"},
                      {"items", {{"type", "string"}, {"format", "binary"}}},
                      {"description", "DICOM files, a zip of them, or a NIfTI, NRRD or MetaImage volume"}};
  reference["study"] = {{"type", "string"}, {"pattern", "^archive:"}, {"description", "archive:STUDY[/SERIES]"}};
  router.add({"POST",
              "/api/v1/analyze",
              "Analyses a study: findings, masks, report, DICOM SEG and SR as the outputs of a job",
              [services](Request& request) { return analyze(request, services); },
              false,
              {{"requestBody",
                {{"required", true},
                 {"content",
                  {{"multipart/form-data", {{"schema", {{"type", "object"}, {"properties", uploads}, {"required", {"study"}}}}}},
                   {"application/json", {{"schema", {{"type", "object"}, {"properties", reference}, {"required", {"study"}}}}}}}}}},
               {"responses", {{"202", json_answer("The job", schema_reference("Job"))}}}}});
}

void add_job_routes(Router& router, const Services& services) {
  router.add({"GET",
              "/api/v1/jobs",
              "Lists the user's jobs, newest first",
              [services](Request& request) {
                return json_response({{"jobs", services.jobs->list(request.principal.user)}});
              },
              false,
              {{"responses",
                {{"200", json_answer("The jobs without their outputs",
                                     {{"type", "object"},
                                      {"properties", {{"jobs", {{"type", "array"}, {"items", schema_reference("Job")}}}}},
                                      {"required", {"jobs"}}})}}}}});
  router.add({"GET",
              "/api/v1/jobs/{id}",
              "Says how far a job is; with wait, once it has ended or the time is over",
              [services](Request& request) { return show(request, services); },
              false,
              {{"parameters",
                {{{"name", "wait"},
                  {"in", "query"},
                  {"schema", {{"type", "number"}, {"minimum", 0}, {"maximum", 60}}},
                  {"description", "Seconds"}}}},
               {"responses", {{"200", json_answer("The job", schema_reference("Job"))}}}}});
  router.add({"DELETE",
              "/api/v1/jobs/{id}",
              "Cancels a job that has not ended, removes one that has",
              [services](Request& request) {
                const std::string id = request.captures["id"];
                if (!services.jobs->remove(id, request.principal.user)) throw Error(ErrorCode::not_found, std::string(no_job));
                services.audit->record(request.principal.user, "remove_job", "ok", id, request.address);
                return Response{.status = 204};
              },
              false,
              {{"responses", {{"204", {{"description", "Cancelled or removed"}}}}}}});
  router.add({"GET",
              "/api/v1/jobs/{id}/outputs/{name...}",
              "Gives a result of a job, or a range of it",
              [services](Request& request) { return give(request, services); },
              false,
              {{"responses",
                {{"200", {{"description", "The file"}, {"content", {{"*/*", {{"schema", {{"type", "string"}, {"format", "binary"}}}}}}}}},
                 {"206", {{"description", "The range"}}}}}}});
}

}  // namespace gantry::archive
