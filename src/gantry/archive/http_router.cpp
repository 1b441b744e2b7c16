// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/http_router.h"

#include "gantry/base/text.h"

namespace gantry::archive {

namespace {

bool is_capture(const std::string& segment) { return segment.size() > 2 && segment.front() == '{' && segment.back() == '}'; }
bool is_tail(const std::string& segment) { return is_capture(segment) && segment.ends_with("...}"); }

/// Whether the path fits the pattern, and by how many literal segments; -1 = it does not.
int fit(const std::vector<std::string>& pattern, const std::vector<std::string>& path) {
  int literals = 0;
  for (std::size_t n = 0; n < pattern.size(); ++n) {
    if (is_tail(pattern[n])) return literals;
    if (n >= path.size()) return -1;
    if (is_capture(pattern[n])) continue;
    if (pattern[n] != path[n]) return -1;
    ++literals;
  }
  return pattern.size() == path.size() ? literals : -1;
}

std::map<std::string, std::string, std::less<>> captures_of(const std::vector<std::string>& pattern, const std::vector<std::string>& path) {
  std::map<std::string, std::string, std::less<>> captures;
  for (std::size_t n = 0; n < pattern.size(); ++n) {
    if (is_tail(pattern[n])) {
      captures[pattern[n].substr(1, pattern[n].size() - 5)] =
          join(std::vector<std::string>(path.begin() + static_cast<long>(n), path.end()), "/");
    } else if (is_capture(pattern[n])) {
      captures[pattern[n].substr(1, pattern[n].size() - 2)] = path[n];
    }
  }
  return captures;
}

}  // namespace

void Router::add(Route route) {
  std::vector<std::string> segments;
  for (const std::string& segment : split(route.pattern, '/')) {
    if (!segment.empty()) segments.push_back(segment);
  }
  segments_.push_back(std::move(segments));
  routes_.push_back(std::move(route));
}

Response Router::handle(Request& request) const {
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  const Route* found = nullptr;
  int best = -1;
  std::vector<std::string> allowed;
  for (std::size_t n = 0; n < routes_.size(); ++n) {
    const int literals = fit(segments_[n], request.path);
    if (literals < 0) continue;
    if (std::find(allowed.begin(), allowed.end(), routes_[n].method) == allowed.end()) allowed.push_back(routes_[n].method);
    if (routes_[n].method != method || literals <= best) continue;
    best = literals;
    found = &routes_[n];
    request.captures = captures_of(segments_[n], request.path);
  }
  if (!found || !found->open) {
    if (gate_) {
      if (auto refusal = gate_(request)) return std::move(*refusal);
    }
  }
  if (found) return found->handler(request);
  if (allowed.empty()) return error_response(404, "not_found", "path: nothing is here");
  if (std::find(allowed.begin(), allowed.end(), "GET") != allowed.end()) allowed.push_back("HEAD");
  allowed.push_back("OPTIONS");
  Response response =
      method == "OPTIONS" ? Response{.status = 204} : error_response(405, "usage", "method: is not one of " + join(allowed, ", "));
  return response.header("Allow", join(allowed, ", "));
}

}  // namespace gantry::archive
