// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/outcome_cache.h"

#include <dlfcn.h>

#include <algorithm>
#include <set>

#include "gantry/base/error.h"
#include "gantry/base/hash.h"
#include "gantry/base/text.h"
#include "gantry/base/version.h"
#include "gantry/io/io.h"
#include "gantry/learning/engine.h"

namespace gantry::analysis {

namespace {

namespace fs = std::filesystem;
using Document = ReportDocument;

constexpr std::array<const char*, 3> folders{"segmentations", "dicom", "figures"};

// One pair of functions for each part of an outcome: `packed` and `unpack` are each other's inverse.

Json packed(const std::string& text) { return text; }
Json packed(double value) { return value; }
Json packed(int value) { return value; }
Json packed(bool value) { return value; }
Json packed(const Color& color) { return {color[0], color[1], color[2]}; }
Json packed(const Vec3& v) { return {v.x, v.y, v.z}; }
Json packed(const Words& words) { return {words.en, words.zh}; }
Json packed(const Code& code) { return {code.scheme, code.value, code.meaning}; }

void unpack(const Json& json, std::string& text) { text = json.get<std::string>(); }
void unpack(const Json& json, double& value) { value = json.get<double>(); }
void unpack(const Json& json, int& value) { value = json.get<int>(); }
void unpack(const Json& json, bool& value) { value = json.get<bool>(); }
void unpack(const Json& json, Color& color) {
  for (std::size_t c = 0; c < 3; ++c) color[c] = json.at(c).get<std::uint8_t>();
}
void unpack(const Json& json, Vec3& v) { v = {json.at(0).get<double>(), json.at(1).get<double>(), json.at(2).get<double>()}; }
void unpack(const Json& json, Words& words) { words = {json.at(0).get<std::string>(), json.at(1).get<std::string>()}; }
void unpack(const Json& json, Code& code) {
  code = {json.at(0).get<std::string>(), json.at(1).get<std::string>(), json.at(2).get<std::string>()};
}

template <class E>
  requires std::is_enum_v<E>
Json packed(E value) {
  return static_cast<int>(value);
}
template <class E>
  requires std::is_enum_v<E>
void unpack(const Json& json, E& value) {
  value = static_cast<E>(json.get<int>());
}

/// Structures are packed as the list of their members.
auto members(auto& f)
  requires std::is_same_v<std::remove_const_t<std::remove_reference_t<decltype(f)>>, Finding>
{
  return std::tie(f.id, f.name, f.code, f.value, f.unit, f.interval, f.confidence, f.segment, f.method, f.model, f.reason, f.position_mm,
                  f.attention);
}
auto members(auto& s)
  requires std::is_same_v<std::remove_const_t<std::remove_reference_t<decltype(s)>>, Segment>
{
  return std::tie(s.id, s.label_value, s.volume_ml, s.incomplete, s.method, s.includes);
}
auto members(auto& q)
  requires std::is_same_v<std::remove_const_t<std::remove_reference_t<decltype(q)>>, QualityItem>
{
  return std::tie(q.id, q.name, q.value, q.unit, q.verdict, q.reason);
}
auto members(auto& g)
  requires std::is_same_v<std::remove_const_t<std::remove_reference_t<decltype(g)>>, Document::Glance>
{
  return std::tie(g.attention, g.text, g.images);
}
/// The picture itself lies in its file.
auto members(auto& k)
  requires std::is_same_v<std::remove_const_t<std::remove_reference_t<decltype(k)>>, Document::KeyImage>
{
  return std::tie(k.caption, k.alternative, k.file);
}
auto members(auto& c)
  requires std::is_same_v<std::remove_const_t<std::remove_reference_t<decltype(c)>>, Document::Cell>
{
  return std::tie(c.text, c.number);
}
auto members(auto& r)
  requires std::is_same_v<std::remove_const_t<std::remove_reference_t<decltype(r)>>, Document::RangeBar>
{
  return std::tie(r.low, r.high, r.usual_low, r.usual_high, r.value, r.show, r.reason);
}
auto members(auto& r)
  requires std::is_same_v<std::remove_const_t<std::remove_reference_t<decltype(r)>>, Document::Row>
{
  return std::tie(r.cells, r.swatch, r.color, r.range);
}
auto members(auto& m)
  requires std::is_same_v<std::remove_const_t<std::remove_reference_t<decltype(m)>>, Document::Measurements>
{
  return std::tie(m.title, m.columns, m.right_aligned, m.rows, m.note);
}
auto members(auto& s)
  requires std::is_same_v<std::remove_const_t<std::remove_reference_t<decltype(s)>>, Document::Series>
{
  return std::tie(s.name, s.x, s.y, s.color, s.low, s.high);
}
auto members(auto& c)
  requires std::is_same_v<std::remove_const_t<std::remove_reference_t<decltype(c)>>, Document::Chart>
{
  return std::tie(c.title, c.x_axis, c.y_axis, c.bars, c.series, c.marks, c.alternative, c.note);
}
auto members(auto& f)
  requires std::is_same_v<std::remove_const_t<std::remove_reference_t<decltype(f)>>, Document::Fact>
{
  return std::tie(f.label, f.value);
}
auto members(auto& p)
  requires std::is_same_v<std::remove_const_t<std::remove_reference_t<decltype(p)>>, std::pair<double, Words>>
{
  return std::tie(p.first, p.second);
}
auto members(auto& r)
  requires std::is_same_v<std::remove_const_t<std::remove_reference_t<decltype(r)>>, SeriesResult>
{
  return std::tie(r.findings, r.segments, r.quality, r.warnings, r.models, r.glances, r.images, r.tables, r.charts, r.facts, r.not_analysed,
                  r.certainty, r.methods, r.references);
}

template <class T>
concept Structured = requires(T& t) { members(t); };

template <class T>
Json packed(const std::optional<T>& value);
template <class T, std::size_t N>
Json packed(const std::array<T, N>& values);
template <class T>
Json packed(const std::vector<T>& values);
template <Structured T>
Json packed(const T& value);
template <class T>
void unpack(const Json& json, std::optional<T>& value);
template <class T, std::size_t N>
void unpack(const Json& json, std::array<T, N>& values);
template <class T>
void unpack(const Json& json, std::vector<T>& values);
template <Structured T>
void unpack(const Json& json, T& value);

template <class T>
Json packed(const std::optional<T>& value) {
  return value ? Json::array({packed(*value)}) : Json::array();
}
template <class T, std::size_t N>
Json packed(const std::array<T, N>& values) {
  Json json = Json::array();
  for (const T& value : values) json.push_back(packed(value));
  return json;
}
template <class T>
Json packed(const std::vector<T>& values) {
  Json json = Json::array();
  for (const T& value : values) json.push_back(packed(value));
  return json;
}
template <Structured T>
Json packed(const T& value) {
  Json json = Json::array();
  std::apply([&](const auto&... member) { (json.push_back(packed(member)), ...); }, members(value));
  return json;
}
template <class T>
void unpack(const Json& json, std::optional<T>& value) {
  value.reset();
  if (!json.empty()) unpack(json.at(0), value.emplace());
}
template <class T, std::size_t N>
void unpack(const Json& json, std::array<T, N>& values) {
  for (std::size_t n = 0; n < N; ++n) unpack(json.at(n), values[n]);
}
template <class T>
void unpack(const Json& json, std::vector<T>& values) {
  values.clear();
  for (const Json& one : json) {
    T value{};
    unpack(one, value);
    values.push_back(std::move(value));
  }
}
template <Structured T>
void unpack(const Json& json, T& value) {
  std::size_t n = 0;
  std::apply([&](auto&... member) { (unpack(json.at(n++), member), ...); }, members(value));
}

/// Tells builds of one version apart: size and time of the library that holds this code.
const std::string& build_words() {
  static const std::string words = [] {
    Dl_info info{};
    std::error_code failure;
    if (!::dladdr(reinterpret_cast<void*>(&build_words), &info) || !info.dli_fname) return std::string();
    const auto size = fs::file_size(info.dli_fname, failure);
    const auto time = fs::last_write_time(info.dli_fname, failure).time_since_epoch().count();
    return fmt::format("{} {}", size, time);
  }();
  return words;
}

std::string digest_of(const Path& file) {
  const MappedFile mapped(file);
  return sha256_hex(mapped.bytes());
}

}  // namespace

OutcomeCache::OutcomeCache(const AnalyzeOptions& options) : language_(options.language) {
  if (!options.cache.empty()) cache_.emplace(options.cache);
}

namespace {

/// Gathers what a key depends on, each part with its length.
class Key {
 public:
  explicit Key(const std::string& what) { add(what).add(std::string(version())).add(build_words()); }
  Key& add(const std::string& text) {
    digest_.add(std::to_string(text.size())).add(" ").add(text);
    return *this;
  }
  Key& add(const SeriesPlan& series) {
    add(series.modality).add(series.series.study_uid).add(series.series.series_uid);
    if (!series.file.empty()) add(digest_of(series.file));
    for (const dicom::Instance& instance : series.series.instances) {
      std::string& known = read_[instance.path];
      if (known.empty()) known = digest_of(instance.path);
      add(known).add(fmt::format("{} {} {}", instance.sop_instance_uid, instance.frame, instance.tile));
    }
    return *this;
  }
  std::string finish() { return digest_.finish_hex(); }

 private:
  Sha256 digest_;
  std::map<Path, std::string> read_;
};

/// An entry of the cache as the one output of an operation.
const OperationInfo& entry_info() {
  static const OperationInfo info = [] {
    OperationInfo made;
    made.id = "analyze";
    made.outputs = {{"outcome", "Outcome of a series", &port_info<std::string>()}};
    return made;
  }();
  return info;
}

}  // namespace

std::string OutcomeCache::key(const StudyPlan& study, const SeriesPlan& plan) const {
  if (!cache_ || !plan.used || plan.profile == nullptr) return {};
  try {
    Key key("outcome 1");
    key.add(language_).add(plan.key).add(plan.profile->id).add(plan.profile->version).add(plan.profile->parameters.dump());
    for (const std::string& method : plan.profile->methods) key.add(method);
    if (!plan.profile->models.empty()) {
      key.add(learning::engine_is_installed() ? "with networks" : "without networks").add(plan.profile->models.dump());
      for (const Json& model : plan.profile->models) {
        if (!model.is_object() || !model.contains("bundle") || !model["bundle"].is_string()) continue;
        const Path manifest = find_resource(Path("models") / model["bundle"].get<std::string>() / "manifest.json");
        key.add(manifest.empty() ? "no model" : sha256_hex(read_bytes(manifest)));
      }
    }
    key.add(plan);
    for (const std::size_t n : plan.companions) key.add(study.series[n]);
    return key.finish();
  } catch (const Error&) {
    return {};
  }
}

std::string OutcomeCache::contents_key(const SeriesPlan& plan) const {
  if (!cache_) return {};
  try {
    return Key("contents 1").add(plan).finish();
  } catch (const Error&) {
    return {};
  }
}

std::optional<Json> OutcomeCache::find(const std::string& key) const {
  if (!cache_ || key.empty()) return std::nullopt;
  const auto found = cache_->find(key, entry_info());
  if (!found) return std::nullopt;
  try {
    return Json::from_cbor(found->at("outcome").front().as<std::string>());
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

void OutcomeCache::store(const std::string& key, const Json& json) const {
  if (!cache_ || key.empty()) return;
  std::string text;
  Json::to_cbor(json, text);
  Arguments outputs;
  outputs["outcome"].push_back(Value(std::move(text)));
  cache_->store(key, outputs);
}

std::optional<std::vector<std::string>> OutcomeCache::contents(const std::string& key, Run& run) const {
  const auto json = find(key);
  if (!json) return std::nullopt;
  std::vector<std::string> contents, warnings;
  try {
    unpack(json->at("contents"), contents);
    unpack(json->at("warnings"), warnings);
  } catch (const std::exception&) {
    return std::nullopt;
  }
  for (std::string& warning : warnings) run.warn(std::move(warning));
  return contents;
}

void OutcomeCache::keep_contents(const std::string& key, const std::vector<std::string>& contents,
                                 const std::vector<std::string>& run_warnings) const {
  store(key, {{"contents", packed(contents)}, {"warnings", packed(run_warnings)}});
}

std::vector<std::string> warnings_since(std::size_t before, const Run& run) {
  std::vector<std::string> all = run.warnings();
  all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(before, all.size())));
  return all;
}

bool OutcomeCache::restore(const std::string& key, const Path& folder, SeriesOutcome& outcome, Run& run) const {
  const auto json = find(key);
  if (!json) return false;
  SeriesOutcome restored;
  std::vector<std::string> warnings;
  std::vector<Path> written;
  try {
    unpack(json->at("result"), restored.result);
    unpack(json->at("files"), restored.files);
    unpack(json->at("file_values"), restored.file_values);
    unpack(json->at("warnings"), warnings);
    for (const Json& file : json->at("content")) {
      const Path relative = file.at(0).get<std::string>();
      const bool inside = std::distance(relative.begin(), relative.end()) == 2 && relative.lexically_normal() == relative &&
                          std::find(folders.begin(), folders.end(), *relative.begin()) != folders.end();
      if (!inside) throw Error(ErrorCode::refused, "cache entry: must name files of a result");
      fs::create_directories((folder / relative).parent_path());
      const Json::binary_t& bytes = file.at(1).get_binary();
      write_atomic(folder / relative, std::as_bytes(std::span(bytes)));
      written.push_back(folder / relative);
    }
    for (Document::KeyImage& image : restored.result.images) {
      const Path picture = folder / replace_all(image.file, "figures/", "figures/" + outcome.plan->key + "-");
      if (fs::exists(picture)) image.rgb = io::read(picture, run);
    }
  } catch (const std::exception&) {
    std::error_code failure;
    for (const Path& file : written) fs::remove(file, failure);
    return false;
  }
  restored.plan = outcome.plan;
  outcome = std::move(restored);
  for (std::string& warning : warnings) run.warn(std::move(warning));
  return true;
}

void OutcomeCache::keep(const std::string& key, const Path& folder, const SeriesOutcome& outcome,
                        const std::vector<std::string>& run_warnings) const {
  if (!cache_ || key.empty()) return;
  Json json;
  json["result"] = packed(outcome.result);
  json["files"] = packed(outcome.files);
  json["file_values"] = packed(outcome.file_values);
  json["warnings"] = packed(run_warnings);
  json["content"] = Json::array();
  const std::string own = outcome.plan->key + "-";
  for (const char* name : folders) {
    std::error_code failure;
    std::set<Path> files;
    for (const auto& entry : fs::directory_iterator(folder / name, failure)) {
      if (entry.path().filename().string().starts_with(own)) files.insert(entry.path());
    }
    for (const Path& file : files) {
      const Bytes bytes = read_bytes(file);
      const auto* first = reinterpret_cast<const std::uint8_t*>(bytes.data());
      json["content"].push_back(
          Json::array({(Path(name) / file.filename()).generic_string(), Json::binary({first, first + bytes.size()})}));
    }
  }
  store(key, json);
}

}  // namespace gantry::analysis
