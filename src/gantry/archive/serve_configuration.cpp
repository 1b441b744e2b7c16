// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include "gantry/archive/serve.h"
#include "gantry/base/text.h"
#include "gantry/dicom/network/scu.h"

namespace gantry::archive {

namespace {

/// One setting: how its value is taken. Throws Error(parameter) without the name.
using Taker = std::function<void(const toml::node&)>;

template <class T>
Taker whole(T& target, std::int64_t low, std::int64_t high, std::int64_t scale = 1) {
  return [&target, low, high, scale](const toml::node& node) {
    const auto value = node.is_integer() ? node.value<std::int64_t>() : std::nullopt;
    if (!value || !(*value >= low && *value <= high))
      throw Error(ErrorCode::parameter, fmt::format("must be a whole number between {} and {}", low, high));
    target = static_cast<T>(*value * scale);
  };
}

Taker text(std::function<void(const std::string&)> take) {
  return [take = std::move(take)](const toml::node& node) {
    if (!node.is_string()) throw Error(ErrorCode::parameter, "must be text");
    take(*node.value<std::string>());
  };
}

Taker yes_or_no(bool& target) {
  return [&target](const toml::node& node) {
    if (!node.is_boolean()) throw Error(ErrorCode::parameter, "must be true or false");
    target = *node.value<bool>();
  };
}

Taker seconds(double& target, double low, double high) {
  return [&target, low, high](const toml::node& node) {
    const auto value = node.is_number() ? node.value<double>() : std::nullopt;
    if (!value || !(*value >= low && *value <= high))
      throw Error(ErrorCode::parameter, fmt::format("must be a number between {} and {}", low, high));
    target = *value;
  };
}

Taker word(std::string& target) {
  return text([&target](const std::string& value) { target = value; });
}

/// Gives each key of a table to its taker; `prefix` leads the names in messages.
void take(const toml::table& members, const std::map<std::string, Taker>& settings, const std::string& prefix) {
  std::vector<std::string> names;
  for (const auto& [name, taker] : settings) names.push_back(name);
  for (const auto& [key, node] : members) {
    const std::string name(key.str());
    const auto setting = settings.find(name);
    if (setting == settings.end()) {
      const std::string near = nearest_word(name, names);
      throw Error(ErrorCode::parameter,
                  fmt::format("{}.{}: is not a setting{}", prefix, name, near.empty() ? "" : "; did you mean " + near + "?"));
    }
    with_context(prefix + "." + name, [&, &node = node] { setting->second(node); });
  }
}

Taker rules(std::vector<ArrivalRule>& target) {
  return [&target](const toml::node& node) {
    const toml::array* list = node.as_array();
    if (!list || !list->is_array_of_tables()) throw Error(ErrorCode::parameter, "must be tables: [[arrival]]");
    target.clear();
    for (const toml::node& one : *list) {
      ArrivalRule rule;
      take(*one.as_table(),
           {{"modality", word(rule.modality)},
            {"description", word(rule.description)},
            {"analyze", yes_or_no(rule.analyze)},
            {"profile", word(rule.order.profile)},
            {"language", word(rule.order.language)}},
           fmt::format("rule {}", target.size() + 1));
      target.push_back(std::move(rule));
    }
  };
}

Taker nodes(std::vector<RemoteNode>& target) {
  return [&target](const toml::node& node) {
    const toml::array* list = node.as_array();
    if (!list) throw Error(ErrorCode::parameter, "must be a list of texts: AE@HOST:PORT");
    target.clear();
    for (const toml::node& one : *list) {
      const auto value = one.value<std::string>();
      if (!value || value->find('@') == std::string::npos) throw Error(ErrorCode::parameter, "must be a list of texts: AE@HOST:PORT");
      const dicom::network::Peer peer = dicom::network::parse_peer(*value);
      target.push_back({peer.called_ae_title, peer.host, peer.port});
    }
  };
}

}  // namespace

void read_configuration(const Path& file, ServeOptions& options) {
  const Path folder = std::filesystem::absolute(file).parent_path();
  const auto path = [&folder](Path& target) {
    return text([&folder, &target](const std::string& value) { target = Path(value).is_absolute() ? Path(value) : folder / value; });
  };
  const std::map<std::string, Taker> settings{
      {"data", path(options.data)},
      {"http.port", whole(options.http_port, 0, 65535)},
      {"http.max_connections", whole(options.max_connections, 1, 10000)},
      {"http.max_body_gib", whole(options.max_body_bytes, 1, 1024, std::int64_t{1} << 30)},
      {"dicom.port", whole(options.dicom_port, -1, 65535)},
      {"dicom.ae_title", text([&options](const std::string& value) { options.ae_title = value; })},
      {"dicom.nodes", nodes(options.nodes)},
      {"login.admin_password_file", path(options.admin_password_file)},
      {"archive.min_free_mib", whole(options.min_free_bytes, 0, std::int64_t{1} << 32, 1 << 20)},
      {"jobs.workers", whole(options.jobs.workers, 1, 64)},
      {"jobs.threads", whole(options.jobs.threads, 0, 1024)},
      {"jobs.memory_mib", whole(options.jobs.memory_bytes, 0, 1 << 24, 1 << 20)},
      {"jobs.waiting", whole(options.jobs.max_waiting, 1, 100000)},
      {"jobs.kept", whole(options.jobs.max_kept, 1, 100000)},
      {"analysis.on_arrival", yes_or_no(options.analysis.on_arrival)},
      {"analysis.quiet_seconds", seconds(options.analysis.quiet_seconds, 0, 86400)},
      {"analysis.language", word(options.analysis.order.language)},
      {"arrival", rules(options.analysis.rules)},
  };
  std::vector<std::string> names;
  for (const auto& [name, taker] : settings) names.push_back(name);
  const std::string subject = file.filename().string();
  const std::string content = read_text(file, 1 << 20);
  toml::table table;
  try {
    table = toml::parse(content);
  } catch (const toml::parse_error& error) {
    throw Error(ErrorCode::unreadable, fmt::format("{}: line {}: {}", subject, error.source().begin.line, error.description()));
  }
  const std::function<void(const toml::table&, const std::string&)> take_all = [&](const toml::table& members, const std::string& prefix) {
    for (const auto& [key, node] : members) {
      const std::string name = prefix + std::string(key.str());
      if (const auto setting = settings.find(name); setting != settings.end()) {
        with_context(subject, [&, &node = node] { with_context(name, [&] { setting->second(node); }); });
      } else if (node.is_table() && prefix.empty()) {
        take_all(*node.as_table(), name + ".");
      } else {
        const std::string near = nearest_word(name, names);
        throw Error(ErrorCode::parameter,
                    fmt::format("{}: {}: is not a setting{}", subject, name, near.empty() ? "" : "; did you mean " + near + "?"));
      }
    }
  };
  take_all(table, "");
}

}  // namespace gantry::archive
