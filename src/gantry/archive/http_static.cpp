// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/http_static.h"

#include "gantry/base/version.h"

namespace gantry::archive {

namespace fs = std::filesystem;

std::optional<Path> file_inside(const Path& folder, const std::string& relative) {
  std::error_code failure;
  const Path root = fs::canonical(folder, failure);
  if (failure) return std::nullopt;
  const Path file = fs::canonical(root / relative, failure);
  if (failure || !fs::is_regular_file(file, failure)) return std::nullopt;
  const auto [end, ignored] = std::mismatch(root.begin(), root.end(), file.begin(), file.end());
  return end == root.end() ? std::optional<Path>(file) : std::nullopt;
}

Response static_file(const Request& request, const Path& folder, const std::string& relative) {
  auto file = relative.empty() ? std::nullopt : file_inside(folder, relative);
  const bool page = !file;
  if (!file) file = file_inside(folder, "index.html");
  if (!file) throw Error(ErrorCode::not_found, "path: nothing is here");
  Response response = file_response(request, *file, media_type_of(*file));
  // Packaged names hold a hash of their content, pages do not.
  response.header("Cache-Control", page || file->extension() == ".html" ? "no-cache" : "max-age=3600");
  return response;
}

Response front_page() {
  Response response = text_response(fmt::format(
      "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><title>Gantry</title>"
      "<h1>Gantry {}</h1><p>The server runs. Programs find its <a href='/api/v1/openapi.json'>OpenAPI document</a> here, DICOMweb at "
      "<code>/dicom-web</code>.</p><p>{}</p></html>\n",
      version(), not_a_medical_device()));
  response.headers.clear();
  return response.header("Content-Type", "text/html; charset=utf-8");
}

namespace {

/// What pages and workers may load: from this host alone. `evaluated` = scripts may make functions out of text.
std::string content_policy(bool evaluated) {
  return fmt::format(
      "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'{} blob:; worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; "
      "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' blob: data:; object-src 'none'; base-uri 'self'; "
      "frame-ancestors 'none'; form-action 'self'",
      evaluated ? " 'unsafe-eval'" : "");
}

}  // namespace

Response& allow_evaluation(Response& response) { return response.header("Content-Security-Policy", content_policy(true)); }

void add_page_headers(Response& response) {
  const auto add = [&](const char* name, const std::string& value) {
    const bool there =
        std::any_of(response.headers.begin(), response.headers.end(), [&](const auto& header) { return header.first == name; });
    if (!there) response.header(name, value);
  };
  add("Content-Security-Policy", content_policy(false));
  add("Cross-Origin-Opener-Policy", "same-origin");
  add("Cross-Origin-Embedder-Policy", "require-corp");
  add("Cross-Origin-Resource-Policy", "same-origin");
  add("Referrer-Policy", "no-referrer");
  add("X-Content-Type-Options", "nosniff");
}

}  // namespace gantry::archive
