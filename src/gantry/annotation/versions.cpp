// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/annotation/versions.h"

#include <algorithm>
#include <ctime>
#include <map>
#include <set>
#include <unordered_map>

#include "gantry/base/error.h"
#include "gantry/base/text.h"

namespace gantry {

namespace {

constexpr std::size_t most_objects = 10000, most_segments = 4096;

/// Words that a program gives when nobody named a segment: "Segment 1", "Segmentation", "Label 3", "1".
bool says_nothing(std::string_view label) {
  std::size_t end = label.size();
  while (end > 0 && (label[end - 1] == ' ' || label[end - 1] == '_' || (label[end - 1] >= '0' && label[end - 1] <= '9'))) --end;
  const std::string_view word = label.substr(0, end);
  return word.empty() || word == "segment" || word == "segmentation" || word == "label" || word == "roi" || word == "unnamed";
}

/// Codes that do not tell one structure from another.
bool says_nothing(const Code& code) {
  static const std::set<std::string> broad{"85756007", "T-D0050", "123037004", "T-D000A", "49755003", "M-01000", "91723000", "T-D0001"};
  return code.value.empty() || broad.contains(code.value);
}

std::string folded(std::string_view label) { return lower(trim(label)); }

/// Segments of one object by what names them; a name that several share names none.
struct Names {
  struct One {
    int tracking = 0, label = 0, code = 0;  ///< 0 = none
    bool nameless = false;                  ///< the label says nothing
  };
  std::vector<One> segments;
  std::unordered_map<int, std::size_t> by_tracking, by_label, by_code;
};

/// Numbers words, so that comparing many objects compares numbers.
class NameBook {
 public:
  Names names_of(const dicom::Segmentation& segmentation) {
    Names names;
    const auto enter = [](std::unordered_map<int, std::size_t>& index, int word, std::size_t place) {
      if (word == 0) return;
      const auto [at, fresh] = index.emplace(word, place);
      if (!fresh) at->second = most_segments;
    };
    for (const dicom::Segment& segment : segmentation.segments) {
      const std::size_t place = names.segments.size();
      if (place == most_segments) break;
      Names::One one;
      const std::string label = folded(segment.label);
      if (!segment.tracking_uid.empty()) one.tracking = number("t" + segment.tracking_uid);
      if (!label.empty()) one.label = number("l" + label);
      one.nameless = says_nothing(label);
      if (!says_nothing(segment.type)) one.code = number("c" + segment.type.scheme + "\n" + segment.type.value);
      enter(names.by_tracking, one.tracking, place);
      enter(names.by_label, one.label, place);
      enter(names.by_code, one.code, place);
      names.segments.push_back(one);
    }
    return names;
  }

 private:
  int number(const std::string& word) { return words_.emplace(word, static_cast<int>(words_.size()) + 1).first->second; }
  std::unordered_map<std::string, int> words_;
};

std::optional<std::size_t> look_up(const std::unordered_map<int, std::size_t>& index, int word) {
  const auto at = word == 0 ? index.end() : index.find(word);
  return at == index.end() || at->second == most_segments ? std::nullopt : std::optional(at->second);
}

/// The segment of `former` that `one` is; `generic`: labels that say nothing count, too.
std::optional<std::size_t> counterpart(const Names& former, const Names& later, std::size_t place, bool generic) {
  const Names::One& one = later.segments[place];
  if (const auto found = look_up(former.by_tracking, one.tracking)) return found;
  if (!one.nameless || generic) {
    if (const auto found = look_up(former.by_label, one.label)) return found;
  }
  // Sides share a code and differ by name alone.
  const auto found = look_up(former.by_code, one.code);
  return found && look_up(later.by_code, one.code) && (one.nameless || former.segments[*found].nameless) ? found : std::nullopt;
}

bool share_segments(const Names& former, const Names& later, bool generic) {
  std::size_t shared = 0;
  for (std::size_t n = 0; n < later.segments.size(); ++n) shared += counterpart(former, later, n, generic).has_value();
  return shared * 2 >= std::max<std::size_t>(1, std::min(former.segments.size(), later.segments.size()));
}

bool share_source(const dicom::Segmentation& a, const dicom::Segmentation& b) {
  return std::any_of(a.source_series_uids.begin(), a.source_series_uids.end(), [&](const std::string& uid) {
    return std::binary_search(b.source_series_uids.begin(), b.source_series_uids.end(), uid);
  });
}

/// Of its content; of its arrival where it does not say.
std::string time_key(const AnnotationObject& object) {
  if (!object.about.content_time.empty()) return object.about.content_time;
  if (!object.arrived) return {};
  const auto seconds = static_cast<std::time_t>(*object.arrived);
  std::tm parts{};
  if (!gmtime_r(&seconds, &parts)) return {};
  return fmt::format("{:04}{:02}{:02}{:02}{:02}{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
                     parts.tm_sec);
}

/// Object numbers by time, but none before one that it names as its predecessor; a ring of predecessors is cut at its oldest object.
std::vector<std::size_t> in_order(std::span<const AnnotationObject> objects, const std::map<std::string, std::size_t>& by_uid) {
  std::vector<std::tuple<std::string, std::int64_t, std::string, std::size_t>> keys;
  for (std::size_t n = 0; n < objects.size(); ++n)
    keys.emplace_back(time_key(objects[n]), objects[n].arrived.value_or(0), objects[n].about.sop_instance_uid, n);
  std::sort(keys.begin(), keys.end());
  std::vector<std::size_t> order;
  std::vector<char> state(objects.size());  // 1 = on the way, 2 = placed
  for (const auto& key : keys) {
    std::vector<std::size_t> way{std::get<3>(key)};
    while (!way.empty()) {
      const std::size_t at = way.back();
      std::optional<std::size_t> first;
      if (state[at] == 0) {
        for (const std::string& uid : objects[at].about.predecessors) {
          const auto found = by_uid.find(uid);
          if (found != by_uid.end() && state[found->second] == 0 && found->second != at) first = found->second;
        }
      }
      if (first) {
        state[at] = 1;
        way.push_back(*first);
        continue;
      }
      if (state[at] != 2) order.push_back(at);
      state[at] = 2;
      way.pop_back();
    }
  }
  return order;
}

Json volume(std::int64_t voxels, double voxel_ml) { return voxel_ml > 0 ? Json(static_cast<double>(voxels) * voxel_ml) : Json(nullptr); }

Json text_of_time(std::int64_t seconds_since_1970) {
  const auto seconds = static_cast<std::time_t>(seconds_since_1970);
  std::tm parts{};
  if (!gmtime_r(&seconds, &parts)) return nullptr;
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                     parts.tm_min, parts.tm_sec);
}

/// "20240229101530.25" as "2024-02-29T10:15:30.25".
Json text_of_content(const std::string& time) {
  if (time.empty()) return nullptr;
  const auto part = [&](std::size_t at, std::size_t count) { return time.substr(at, count); };
  return part(0, 4) + "-" + part(4, 2) + "-" + part(6, 2) + "T" + part(8, 2) + ":" + part(10, 2) + ":" + time.substr(12);
}

Json describe_version(const AnnotationObject& object, const AnnotationVersion& version, std::size_t number, const Json& change) {
  return {{"version", number},
          {"sop_instance_uid", object.about.sop_instance_uid},
          {"series_uid", object.about.series_uid},
          {"series_description", object.about.series_description},
          {"author", object.author()},
          {"stored_by", object.stored_by},
          {"content_time", text_of_content(object.about.content_time)},
          {"arrived", object.arrived ? text_of_time(*object.arrived) : Json(nullptr)},
          {"origin", origin_of(object.about)},
          {"former", version.former ? Json(*version.former + 1) : Json(nullptr)},
          {"change", change}};
}

}  // namespace

std::vector<Annotation> annotations_of(std::span<const AnnotationObject> objects) {
  if (objects.size() > most_objects)
    throw Error(ErrorCode::refused, fmt::format("segmentations: at most {} can be ordered; got {}", most_objects, objects.size()));
  NameBook book;
  std::vector<Names> names;
  std::map<std::string, std::size_t> by_uid;
  for (std::size_t n = 0; n < objects.size(); ++n) {
    names.push_back(book.names_of(objects[n].about));
    by_uid.emplace(objects[n].about.sop_instance_uid, n);
  }
  std::vector<Annotation> annotations;
  std::vector<std::pair<std::size_t, std::size_t>> place(objects.size());  // annotation and version of each object
  std::vector<char> placed(objects.size());
  const std::vector<std::size_t> order = in_order(objects, by_uid);
  for (const std::size_t n : order) {
    const dicom::Segmentation& about = objects[n].about;
    std::optional<std::size_t> annotation, former;
    for (const std::string& uid : about.predecessors) {
      const auto found = by_uid.find(uid);
      if (found == by_uid.end() || !placed[found->second] || objects[found->second].about.study_uid != about.study_uid) continue;
      annotation = place[found->second].first;
      former = place[found->second].second;
    }
    // The most recent of the objects that it could be a version of decides.
    for (std::size_t done = order.size(); done-- > 0 && !annotation;) {
      const dicom::Segmentation& other = objects[order[done]].about;
      if (!placed[order[done]] || other.study_uid != about.study_uid || !share_source(other, about)) continue;
      if (share_segments(names[order[done]], names[n], other.series_uid == about.series_uid)) annotation = place[order[done]].first;
    }
    if (!annotation) {
      annotation = annotations.size();
      annotations.emplace_back();
    }
    Annotation& versions = annotations[*annotation];
    if (!former && !versions.empty()) former = versions.size() - 1;
    place[n] = {*annotation, versions.size()};
    placed[n] = 1;
    versions.push_back({n, former});
  }
  return annotations;
}

double SegmentChange::dice() const {
  const std::int64_t sum = 2 * kept + added + removed;
  return sum == 0 ? 1.0 : 2.0 * static_cast<double>(kept) / static_cast<double>(sum);
}

Json origin_of(const dicom::Segmentation& segmentation) {
  std::set<std::string> kinds, names;
  for (const dicom::Segment& segment : segmentation.segments) {
    kinds.insert(lower(segment.algorithm_type));
    if (!segment.algorithm_name.empty() && names.size() < 16) names.insert(segment.algorithm_name);
  }
  const std::string kind = kinds.size() > 1 ? "mixed" : *kinds.begin();
  const bool known = kind == "manual" || kind == "semiautomatic" || kind == "automatic" || kind == "mixed";
  return {{"kind", known ? kind : "unknown"}, {"names", names}};
}

Json to_json(const VersionChange& change, bool with_former) {
  Json segments = Json::array();
  for (const SegmentChange& segment : change.segments) {
    Json one{{"label", segment.label},
             {"number", segment.number ? Json(segment.number) : Json(nullptr)},
             {"former_number", segment.former_number ? Json(segment.former_number) : Json(nullptr)},
             {"dice", with_former ? Json(segment.dice()) : Json(nullptr)},
             {"volume_ml", volume(segment.kept + segment.added, change.voxel_ml)}};
    for (const auto& [name, voxels] : {std::pair<const char*, std::int64_t>{"former_volume_ml", segment.kept + segment.removed},
                                       {"added_ml", segment.added},
                                       {"removed_ml", segment.removed}})
      one[name] = with_former ? volume(voxels, change.voxel_ml) : Json(nullptr);
    segments.push_back(std::move(one));
  }
  return {{"comparable", change.reason.empty()}, {"reason", change.reason}, {"segments", std::move(segments)}};
}

Json describe_annotations(std::span<const AnnotationObject> objects, std::span<const Annotation> annotations,
                          const VersionComparison& compare) {
  constexpr std::size_t most_authors = 8;
  Json all = Json::array();
  for (const Annotation& versions : annotations) {
    Json rows = Json::array();
    std::vector<std::pair<std::string, std::size_t>> latest;  // of each author, by first appearance
    for (std::size_t v = 0; v < versions.size(); ++v) {
      const AnnotationObject& object = objects[versions[v].object];
      const AnnotationObject* const former = versions[v].former ? &objects[versions[*versions[v].former].object] : nullptr;
      rows.push_back(describe_version(object, versions[v], v + 1, to_json(*compare(former, object), former != nullptr)));
      const auto known = std::find_if(latest.begin(), latest.end(), [&](const auto& one) { return one.first == object.author(); });
      if (known != latest.end()) {
        known->second = v;
      } else if (latest.size() < most_authors) {
        latest.emplace_back(object.author(), v);
      }
    }
    Json agreement = Json::array();
    for (std::size_t a = 0; a < latest.size(); ++a) {
      for (std::size_t b = a + 1; b < latest.size(); ++b) {
        const std::size_t first = std::min(latest[a].second, latest[b].second), second = std::max(latest[a].second, latest[b].second);
        const AnnotationObject &one = objects[versions[first].object], &other = objects[versions[second].object];
        Json pair{{"first", one.author()}, {"second", other.author()}, {"first_version", first + 1}, {"second_version", second + 1}};
        pair.update(to_json(*compare(&one, other), true));
        agreement.push_back(std::move(pair));
      }
    }
    all.push_back({{"source_series_uids", objects[versions.front().object].about.source_series_uids},
                   {"versions", std::move(rows)},
                   {"agreement", std::move(agreement)}});
  }
  return all;
}

}  // namespace gantry
