// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <algorithm>

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

constexpr long long usual_studies = 50, most_studies = 1000;

Json json_of(const AnalysisOrder& order) { return {{"profile", order.profile}, {"language", order.language}}; }

Json arrival_settings(const ArrivalOptions& options) {
  Json rules = Json::array();
  for (const ArrivalRule& rule : options.rules) {
    Json one = json_of(rule.order);
    one["modality"] = rule.modality;
    one["description"] = rule.description;
    one["analyze"] = rule.analyze;
    rules.push_back(std::move(one));
  }
  Json settings = json_of(options.order);
  settings["on_arrival"] = options.on_arrival;
  settings["quiet_seconds"] = options.quiet_seconds;
  settings["rules"] = std::move(rules);
  return settings;
}

/// What the rules say of the studies that are there, the newest first.
Json arrival_outcomes(const Request& request, const Services& services) {
  long long limit = usual_studies;
  if (const auto text = request.query.find("limit")) {
    const auto value = parse_integer(*text);
    if (!value || *value < 1)
      throw Error(ErrorCode::parameter, fmt::format("limit: must be a whole number of at least 1; got {}", text->substr(0, 40)));
    limit = std::min(*value, most_studies);
  }
  Query query;
  query.level = Level::study;
  query.limit = static_cast<std::size_t>(limit);
  query.newest_first = true;
  Json studies = Json::array();
  for (const Attributes& study : services.archive->find(query)) {
    const auto rule = deciding_rule(*services.arrival, study);
    const auto order = order_for(*services.arrival, study);
    Json one = order ? json_of(*order) : Json{{"profile", ""}, {"language", ""}};
    one["study_uid"] = study.at(0x0020000DU);
    one["rule"] = rule ? Json(*rule) : Json();
    one["analyze"] = order.has_value();
    studies.push_back(std::move(one));
  }
  return {{"studies", studies}};
}

}  // namespace

void add_arrival_routes(Router& router, const Services& services) {
  const Json text{{"type", "string"}}, flag{{"type", "boolean"}}, language{{"enum", {"en", "zh"}}};
  const auto object = [](const Json& properties) {
    Json required = Json::array();
    for (const auto& [name, schema] : properties.items()) required.push_back(name);
    return Json{{"type", "object"}, {"properties", properties}, {"required", required}};
  };
  const auto list = [](const Json& items) { return Json{{"type", "array"}, {"items", items}}; };
  const Json rule = object({{"modality", text}, {"description", text}, {"analyze", flag}, {"profile", text}, {"language", language}});
  const Json settings = object(
      {{"on_arrival", flag}, {"quiet_seconds", {{"type", "number"}}}, {"profile", text}, {"language", language}, {"rules", list(rule)}});
  router.add({"GET",
              "/api/v1/arrival",
              "Gives the rules by which arriving studies are analysed; the first that fits decides",
              [services](Request&) { return json_response(arrival_settings(*services.arrival)); },
              false,
              {{"responses", {{"200", json_answer("The settings; an empty condition asks nothing", settings)}}}}});
  const Json outcome = object({{"study_uid", text},
                               {"rule", {{"type", {"integer", "null"}}, {"description", "Place of the rule that decides, from 0"}}},
                               {"analyze", flag},
                               {"profile", text},
                               {"language", text}});
  router.add({"GET",
              "/api/v1/arrival/studies",
              "Says what the rules mean for the newest studies that are here",
              [services](Request& request) { return json_response(arrival_outcomes(request, services)); },
              false,
              {{"parameters",
                {{{"name", "limit"},
                  {"in", "query"},
                  {"schema", {{"type", "integer"}, {"minimum", 1}, {"maximum", most_studies}, {"default", usual_studies}}}}}},
               {"responses", {{"200", json_answer("The studies", object({{"studies", list(outcome)}}))}}}}});
}

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
