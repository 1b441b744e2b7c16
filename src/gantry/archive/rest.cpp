// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/rest.h"

#include "gantry/archive/http_multipart.h"
#include "gantry/base/text.h"

namespace gantry::archive {

namespace {

namespace fs = std::filesystem;
constexpr std::size_t most_text = 1 << 20, most_files = 10000;

/// The ending of a name that somebody sent, by which readers choose: ".nii.gz", ".dcm"; empty when it is none.
std::string ending_of(const std::string& name) {
  const std::string base = lower(name.substr(name.find_last_of("/\\") == std::string::npos ? 0 : name.find_last_of("/\\") + 1));
  const auto dot = base.ends_with(".nii.gz") ? base.size() - 7 : base.rfind('.');
  if (dot == std::string::npos || base.size() - dot > 12) return {};
  const std::string ending = base.substr(dot);
  return ending.find_first_not_of(".abcdefghijklmnopqrstuvwxyz0123456789") == std::string::npos ? ending : "";
}

Form form_of_json(const Json& json) {
  Form form;
  if (!json.is_object()) throw Error(ErrorCode::usage, "body: must be a JSON object");
  const auto add = [&form](const std::string& name, const Json& value) {
    form.texts[name].push_back(value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, Json::error_handler_t::replace));
  };
  for (const auto& [name, value] : json.items()) {
    if (name == "inputs") {
      if (!value.is_object()) throw Error(ErrorCode::usage, "inputs: must be an object");
      for (const auto& [port, references] : value.items()) {
        if (references.is_array()) {
          for (const Json& reference : references) add(port, reference);
        } else {
          add(port, references);
        }
      }
    } else {
      add(name, value);
    }
  }
  return form;
}

}  // namespace

Json json_of_request(std::string_view text, std::string_view name) {
  try {
    return parse_json(text);
  } catch (const Error& error) {
    throw Error(ErrorCode::usage, fmt::format("{}: {}", name, error.message()));
  }
}

Form read_form(Request& request, const Path& folder) {
  if (request.media_type() == "application/json") return form_of_json(json_of_request(read_all(*request.body, most_text)));
  Form form;
  Multipart parts(request);
  std::size_t text_bytes = 0, files = 0;
  while (parts.next()) {
    const std::string name = parts.disposition("name"), file_name = parts.disposition("filename");
    if (name.empty()) throw Error(ErrorCode::usage, "multipart body: a part has no name");
    if (file_name.empty()) {
      std::string text = read_all(parts.content(), most_text);
      text_bytes += text.size() + name.size();
      if (text_bytes > most_text) throw Error(ErrorCode::usage, fmt::format("body: at most {} bytes of text are read here", most_text));
      if (!is_utf8(text) || !is_utf8(name)) throw Error(ErrorCode::usage, "multipart body: text must be UTF-8");
      form.texts[name].push_back(std::move(text));
    } else {
      if (++files > most_files) throw Error(ErrorCode::usage, fmt::format("body: at most {} files are accepted", most_files));
      const Path path = folder / fmt::format("upload_{}{}", files, ending_of(file_name));
      save(parts.content(), path);
      form.files[to_valid_utf8(name)].push_back(path);
    }
  }
  return form;
}

void link_archived(const Archive& archive, const std::string& reference, const Path& folder) {
  const auto uids = split(reference, '/');
  if (uids.empty() || uids.size() > 3 || uids.front().empty())
    throw Error(ErrorCode::usage, "archive: must be archive:STUDY[/SERIES[/INSTANCE]]");
  const auto records = archive.instances(uids[0], uids.size() > 1 ? uids[1] : "", uids.size() > 2 ? uids[2] : "");
  if (records.empty()) throw Error(ErrorCode::not_found, "archive: holds no such study, series or instance");
  std::size_t number = 0;
  for (const InstanceRecord& record : records)
    fs::create_symlink(archive.file_of(record.sop_instance_uid), folder / fmt::format("{:06}.dcm", ++number));
}

Sources remote_sources(Archive* archive) {
  Sources sources(false);
  if (!archive) return sources;
  sources.add("archive", [archive](const PortInfo& type, const std::string& reference, Run& run) {
    if (&type != &port_info<Image>()) throw Error(ErrorCode::usage, fmt::format("archive: gives images, not values of type {}", type.id));
    const TemporaryFolder folder;
    link_archived(*archive, reference, folder.path());
    return Value(read_any_image(folder.path(), run));
  });
  return sources;
}

Response foreign_file(const Request& request, const Path& file) {
  Response response = file_response(request, file, media_type_of(file));
  response.header("Content-Security-Policy",
                  "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:; frame-ancestors 'self'");
  return response.header("Content-Disposition", fmt::format("inline; filename=\"{}\"", file.filename().string()));
}

Json json_body(const Json& schema) { return {{"required", true}, {"content", {{"application/json", {{"schema", schema}}}}}}; }

Json json_answer(std::string_view description, const Json& schema) {
  return {{"description", description}, {"content", {{"application/json", {{"schema", schema}}}}}};
}

Json schema_reference(std::string_view name) { return {{"$ref", fmt::format("#/components/schemas/{}", name)}}; }

}  // namespace gantry::archive
