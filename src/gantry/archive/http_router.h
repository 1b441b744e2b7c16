// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <functional>

#include "gantry/archive/http.h"

namespace gantry::archive {

/// One route: where it lies, who may call it, what is said of it, and what answers.
struct Route {
  std::string method;   ///< "GET" also answers HEAD
  std::string pattern;  ///< "/api/v1/jobs/{id}"; a last "{name...}" takes all further segments
  std::string summary;  ///< one sentence, for the OpenAPI document
  std::function<Response(Request&)> handler;
  bool open = false;                    ///< needs no login
  Json documentation = Json::object();  ///< the further members of its OpenAPI operation: parameters, requestBody, responses
  bool documented = true;               ///< stands in the OpenAPI document
};

/// Finds the route of a request; a literal segment goes before a captured one. Closed routes ask the gate first, and so does whatever no
/// route answers, so that without a login nobody learns what exists.
class Router {
 public:
  /// Says who asks: sets Request::principal and returns nothing, or returns the refusal.
  using Gate = std::function<std::optional<Response>(Request&)>;

  void add(Route route);
  void set_gate(Gate gate) { gate_ = std::move(gate); }
  const std::vector<Route>& routes() const { return routes_; }
  /// Answers: 404 for an unknown path, 405 with Allow for another method of a known one, 204 with Allow for OPTIONS.
  Response handle(Request& request) const;

 private:
  std::vector<Route> routes_;
  std::vector<std::vector<std::string>> segments_;
  Gate gate_;
};

}  // namespace gantry::archive
