// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <algorithm>

#include "gantry/annotation/versions.h"
#include "gantry/archive/dicomweb.h"
#include "gantry/base/text.h"

namespace gantry::archive {

namespace {

constexpr long long usual_segmentations = 200, most_segmentations = 1000;
constexpr std::uint64_t most_bytes = std::uint64_t{2} << 30;

/// What was read and compared before, by the digests of the objects.
class AnnotationCache {
 public:
  using Change = std::shared_ptr<const VersionChange>;

  std::shared_ptr<const dicom::Segmentation> segmentation(const InstanceRecord& record, const Archive& archive) {
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = segmentations_.find(record.sha256); found != segmentations_.end()) return found->second;
    }
    auto read = std::make_shared<const dicom::Segmentation>(dicom::read_segmentation(*archive.header_of(record.sop_instance_uid)));
    const std::lock_guard lock(mutex_);
    if (segmentations_.size() >= most_kept) segmentations_.clear();
    return segmentations_[record.sha256] = std::move(read);
  }
  Change find(const std::string& pair) {
    const std::lock_guard lock(mutex_);
    const auto found = changes_.find(pair);
    return found == changes_.end() ? nullptr : found->second;
  }
  void keep(const std::string& pair, Change change) {
    const std::lock_guard lock(mutex_);
    if (changes_.size() >= most_kept) changes_.clear();
    changes_[pair] = std::move(change);
  }

 private:
  static constexpr std::size_t most_kept = 5000;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const dicom::Segmentation>> segmentations_;
  std::map<std::string, Change> changes_;
};

/// The segmentations of a study, those that came last when there are more than `limit`; the number of all.
std::pair<std::vector<std::pair<InstanceRecord, Received>>, std::size_t> segmentations_of(const Archive& archive,
                                                                                          const std::string& study_uid, std::size_t limit) {
  std::vector<std::pair<InstanceRecord, Received>> found;
  const auto records = archive.instances(study_uid);
  if (records.empty()) throw Error(ErrorCode::not_found, "study: the archive holds none of this UID");
  for (const InstanceRecord& record : records) {
    if (dicom::is_segmentation(record.sop_class_uid))
      found.emplace_back(record, archive.received(record.sop_instance_uid).value_or(Received{}));
  }
  const std::size_t all = found.size();
  if (all > limit) {
    std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.second.seconds > b.second.seconds; });
    found.resize(limit);
  }
  return {std::move(found), all};
}

Json annotations(const Request& request, const Services& services, AnnotationCache& cache) {
  long long limit = usual_segmentations;
  if (const auto text = request.query.find("limit")) {
    const auto value = parse_integer(*text);
    if (!value || *value < 1)
      throw Error(ErrorCode::parameter,
                  fmt::format("limit: must be a whole number of at least 1; got {}", to_valid_utf8(text->substr(0, 40))));
    limit = std::min(*value, most_segmentations);
  }
  const std::string study_uid = request.captures.at("uid");
  const Archive& archive = *services.archive;
  const auto [records, all] = segmentations_of(archive, study_uid, static_cast<std::size_t>(limit));
  std::vector<AnnotationObject> objects;
  std::map<std::string, const InstanceRecord*> stored;
  Json unreadable = Json::array();
  for (const auto& [record, received] : records) {
    try {
      AnnotationObject object;
      object.about = *cache.segmentation(record, archive);
      object.stored_by = received.source;
      if (received.seconds > 0) object.arrived = received.seconds;
      object.open = [&archive, uid = record.sop_instance_uid] { return archive.header_of(uid); };
      objects.push_back(std::move(object));
      stored[record.sop_instance_uid] = &record;
    } catch (const Error& error) {
      unreadable.push_back({{"sop_instance_uid", record.sop_instance_uid}, {"reason", error.what()}});
    }
  }
  std::uint64_t read = 0;
  const auto compare = [&](const AnnotationObject* former, const AnnotationObject& later) -> AnnotationCache::Change {
    const InstanceRecord &after = *stored.at(later.about.sop_instance_uid),
                         *before = former ? stored.at(former->about.sop_instance_uid) : nullptr;
    const std::string pair = (before ? before->sha256 : "") + "/" + after.sha256;
    if (auto found = cache.find(pair)) return found;
    auto change = std::make_shared<VersionChange>();
    read += after.size + (before ? before->size : 0);
    if (read > most_bytes) {
      change->reason = "not compared yet: too much for one request; ask again";
      return change;
    }
    Run run;
    *change = compare_versions(former, later, run);
    change->plane = {};
    cache.keep(pair, change);
    return change;
  };
  return {{"study_uid", study_uid},
          {"annotations", describe_annotations(objects, annotations_of(objects), compare)},
          {"unreadable", std::move(unreadable)},
          {"left_out", all - records.size()}};
}

}  // namespace

void add_annotation_routes(Router& router, const Services& services) {
  const Json text{{"type", "string"}}, maybe_text{{"type", {"string", "null"}}}, whole{{"type", "integer"}}, flag{{"type", "boolean"}};
  const Json maybe_whole{{"type", {"integer", "null"}}}, maybe_number{{"type", {"number", "null"}}};
  const auto object = [](const Json& properties) {
    Json required = Json::array();
    for (const auto& [name, schema] : properties.items()) required.push_back(name);
    return Json{{"type", "object"}, {"properties", properties}, {"required", required}};
  };
  const auto list = [](const Json& items) { return Json{{"type", "array"}, {"items", items}}; };
  const Json segments = list(object({{"label", text},
                                     {"number", maybe_whole},
                                     {"former_number", maybe_whole},
                                     {"dice", maybe_number},
                                     {"volume_ml", maybe_number},
                                     {"former_volume_ml", maybe_number},
                                     {"added_ml", maybe_number},
                                     {"removed_ml", maybe_number}}));
  const Json change = object({{"comparable", flag}, {"reason", text}, {"segments", segments}});
  const Json version = object({{"version", whole},
                               {"sop_instance_uid", text},
                               {"series_uid", text},
                               {"series_description", text},
                               {"author", text},
                               {"stored_by", text},
                               {"content_time", maybe_text},
                               {"arrived", maybe_text},
                               {"origin", object({{"kind", text}, {"names", list(text)}})},
                               {"former", maybe_whole},
                               {"change", change}});
  const Json agreement = object({{"first", text},
                                 {"second", text},
                                 {"first_version", whole},
                                 {"second_version", whole},
                                 {"comparable", flag},
                                 {"reason", text},
                                 {"segments", segments}});
  const Json annotation = object({{"source_series_uids", list(text)}, {"versions", list(version)}, {"agreement", list(agreement)}});
  const Json answer = object({{"study_uid", text},
                              {"annotations", list(annotation)},
                              {"unreadable", list(object({{"sop_instance_uid", text}, {"reason", text}}))},
                              {"left_out", whole}});
  router.add(
      {"GET",
       "/api/v1/studies/{uid}/annotations",
       "Lists the segmentations of a study as versions of annotations: author, time, Dice and changed volume of each, and how far "
       "authors agree",
       [services, cache = std::make_shared<AnnotationCache>(), access = std::make_shared<AccessLog>(services.audit)](Request& request) {
         const Json found = annotations(request, services, *cache);
         access->note(request, request.captures["uid"]);
         return json_response(found).header("Cache-Control", "no-cache");
       },
       false,
       {{"parameters",
         {{{"name", "limit"},
           {"in", "query"},
           {"description", "So many segmentations at most, those that came last"},
           {"schema", {{"type", "integer"}, {"minimum", 1}, {"maximum", most_segmentations}, {"default", usual_segmentations}}}}}},
        {"responses",
         {{"200", json_answer("The annotations", answer)}, {"404", json_answer("There is no such study", schema_reference("Error"))}}}}});
}

}  // namespace gantry::archive
