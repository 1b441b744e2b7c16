// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/openapi.h"

#include "gantry/base/text.h"
#include "gantry/base/version.h"

namespace gantry::archive {

namespace {

/// A stable name for a route: its method and literal segments.
std::string operation_id(const Route& route) {
  std::string id = lower(route.method);
  for (const std::string& segment : split(route.pattern, '/')) {
    if (segment.empty() || segment == "api" || segment == "v1") continue;
    std::string word;
    for (const char c : segment) {
      if (std::isalnum(static_cast<unsigned char>(c))) {
        word += c;
      } else if (!word.empty() && word.back() != '_') {
        word += '_';
      }
    }
    while (word.ends_with('_')) word.pop_back();
    id += "_" + (segment.front() == '{' ? "by_" + word : word);
  }
  return id;
}

Json path_parameters(const Route& route) {
  Json parameters = Json::array();
  for (const std::string& segment : split(route.pattern, '/')) {
    if (segment.size() < 3 || segment.front() != '{') continue;
    parameters.push_back({{"name", replace_all(segment.substr(1, segment.size() - 2), "...", "")},
                          {"in", "path"},
                          {"required", true},
                          {"schema", {{"type", "string"}}}});
  }
  return parameters;
}

Json components() {
  const Json text{{"type", "string"}}, texts{{"type", "array"}, {"items", text}};
  const Json error{{"type", "object"},
                   {"properties", {{"code", text}, {"message", text}, {"status", {{"type", "integer"}}}}},
                   {"required", {"code", "message"}}};
  const Json output{
      {"type", "object"},
      {"properties", {{"name", text}, {"type", text}, {"media_type", text}, {"bytes", {{"type", "integer"}}}, {"href", text}}},
      {"required", {"name", "type", "media_type", "bytes", "href"}}};
  const Json time{{"type", {"string", "null"}}};
  return {{"securitySchemes",
           {{"session", {{"type", "apiKey"}, {"in", "cookie"}, {"name", "gantry_session"}}},
            {"token", {{"type", "http"}, {"scheme", "bearer"}}},
            {"basic", {{"type", "http"}, {"scheme", "basic"}}}}},
          {"schemas",
           {{"Error", {{"type", "object"}, {"properties", {{"error", error}}}, {"required", {"error"}}}},
            {"Operation",
             {{"type", "object"},
              {"properties",
               {{"id", text},
                {"version", {{"type", "integer"}}},
                {"summary", text},
                {"inputs", {{"type", "array"}}},
                {"outputs", {{"type", "array"}}},
                {"parameters", {{"type", "object"}}}}},
              {"required", {"id", "summary", "inputs", "outputs", "parameters"}}}},
            {"Model",
             {{"type", "object"},
              {"properties",
               {{"name", text},
                {"form", {{"enum", {"bundle", "part"}}, {"description", "part = it belongs to a method and has no manifest"}}},
                {"state", {{"enum", {"whole", "damaged"}}}},
                {"error", time},
                {"sha256", text},
                {"bytes", {{"type", "integer"}}},
                {"profiles", texts},
                {"id", text},
                {"version", text},
                {"task", text},
                {"title", text},
                {"intended_use", text},
                {"not_for", text},
                {"data", text},
                {"licence", text},
                {"limits", texts},
                {"classes", texts},
                {"scope", {{"type", "object"}}},
                {"figures", {{"type", "object"}, {"description", "Of each part of its data set"}}}}},
              {"required", {"name", "form", "state", "error", "sha256", "bytes", "profiles"}}}},
            {"Job",
             {{"type", "object"},
              {"properties",
               {{"id", text},
                {"owner", text},
                {"kind", {{"enum", {"operation", "analysis"}}}},
                {"operation", text},
                {"study_uid", text},
                {"trigger", {{"enum", {"arrival", "request"}}}},
                {"state", {{"enum", {"queued", "running", "done", "failed", "cancelled"}}}},
                {"progress", {{"type", "number"}, {"minimum", 0}, {"maximum", 1}}},
                {"step", text},
                {"created", text},
                {"started", time},
                {"ended", time},
                {"warnings", texts},
                {"error", {{"anyOf", {error, {{"type", "null"}}}}}},
                {"outputs", {{"type", "array"}, {"items", output}}}}},
              {"required", {"id", "owner", "kind", "state", "progress", "created", "error"}}}}}}};
}

}  // namespace

Json openapi_document(const Router& router) {
  Json paths = Json::object();
  for (const Route& route : router.routes()) {
    if (!route.documented) continue;
    Json operation{{"operationId", operation_id(route)}, {"summary", route.summary}};
    Json parameters = path_parameters(route);
    if (route.documentation.contains("parameters")) {
      for (const Json& more : route.documentation["parameters"]) parameters.push_back(more);
    }
    if (!parameters.empty()) operation["parameters"] = parameters;
    for (const auto& [key, value] : route.documentation.items()) {
      if (key != "parameters") operation[key] = value;
    }
    operation["responses"]["default"] = {{"description", "What went wrong"},
                                         {"content", {{"application/json", {{"schema", {{"$ref", "#/components/schemas/Error"}}}}}}}};
    if (route.open) operation["security"] = Json::array();
    paths[replace_all(route.pattern, "...}", "}")][lower(route.method)] = std::move(operation);
  }
  return {{"openapi", "3.1.0"},
          {"info",
           {{"title", "Gantry"},
            {"version", version()},
            {"description", "Operations, jobs and the archive of a Gantry server. Errors have the codes and statuses of one table. " +
                                std::string(not_a_medical_device())},
            {"license", {{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}}}}},
          {"servers", {{{"url", "/"}}}},
          {"security", {{{"session", Json::array()}}, {{"token", Json::array()}}, {{"basic", Json::array()}}}},
          {"paths", paths},
          {"components", components()}};
}

}  // namespace gantry::archive
