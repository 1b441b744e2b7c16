// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// QIDO-RS (PS3.18 10.6) and STOW-RS (10.5).
#include "gantry/archive/dicomweb.h"
#include "gantry/archive/http_multipart.h"
#include "gantry/base/text.h"

namespace gantry::archive {

namespace {

constexpr std::size_t usual_limit = 1000, highest_limit = 10000;
const std::vector<std::string> json_types{"application/dicom+json", "application/json"};

std::size_t number_of(const std::string& name, const std::string& text, std::size_t high) {
  const auto value = parse_integer(text);
  if (!value || *value < 0)
    throw Error(ErrorCode::usage, fmt::format("{}: must be a whole number of at least 0; got {}", name, text.substr(0, 40)));
  return std::min<std::size_t>(static_cast<std::size_t>(*value), high);
}

/// The query of a search at `level`, and what the path fixes.
Query query_of(const Request& request, Level level) {
  Query query;
  query.level = level;
  query.limit = usual_limit;
  query.newest_first = level == Level::study;
  for (const auto& [name, value] : request.query.all()) {
    if (name == "limit") {
      query.limit = number_of(name, value, highest_limit);
    } else if (name == "offset") {
      query.offset = number_of(name, value, std::size_t{1} << 40);
    } else if (name == "fuzzymatching") {
      query.fuzzy_names = lower(value) == "true";
    } else if (name == "includefield" || name == "accept" || name == "includedefaults" || name == "emptyvaluematching" ||
               name == "multiplevaluematching") {
      continue;  // Everything that the index holds is given anyway.
    } else {
      // An attribute inside a sequence is named by a path; the index holds none, so it restricts nothing.
      if (name.find('.') != std::string::npos) continue;
      const auto tag = dicom::tag_of(name);
      if (!tag) throw Error(ErrorCode::usage, fmt::format("{}: is no attribute", name.substr(0, 60)));
      const auto* entry = dicom::dictionary_entry(*tag);
      const bool uid = entry && entry->vr == "UI";
      query.match.emplace_back(name, uid ? replace_all(value, ",", "\\") : value);
    }
  }
  if (const auto study = request.captures.find("study"); study != request.captures.end())
    query.match.emplace_back("StudyInstanceUID", study->second);
  if (const auto series = request.captures.find("series"); series != request.captures.end())
    query.match.emplace_back("SeriesInstanceUID", series->second);
  return query;
}

void append_text(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<int>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

Response search(const Request& request, Level level, const Services& services) {
  const auto type = negotiate(request, json_types);
  if (!type) return error_response(406, "usage", "accept: application/dicom+json is what there is");
  const Query query = query_of(request, level);
  std::vector<Attributes> found;
  Query wider = query;
  wider.limit = query.limit + 1;
  if (query.limit > 0) found = services.archive->find(wider);
  const bool more = found.size() > query.limit;
  if (more) found.resize(query.limit);
  std::string text = "[";
  for (const Attributes& attributes : found) {
    if (text.size() > 1) text += ',';
    append_dicom_json(text, attributes);
    const auto uid = [&](dicom::Tag tag) {
      const auto held = attributes.find(tag);
      return held == attributes.end() ? std::string() : held->second;
    };
    const std::string address =
        dicomweb_address(uid(0x0020000DU), level == Level::study ? "" : uid(0x0020000EU), level == Level::instance ? uid(0x00080018U) : "");
    text.back() = ',';  // Behind the last attribute; there always is one, the study's UID.
    text += "\"00081190\":{\"vr\":\"UR\",\"Value\":[";
    append_text(text, address);
    text += "]}}";
  }
  text += "]";
  Response response = text_response(std::move(text), *type);
  if (more) response.header("Warning", "299 gantry: \"There are additional results that can be requested\"");
  return response;
}

/// One row of the answer to a STOW-RS request.
Json stored_row(const InstanceRecord& record) {
  return {{"00081150", {{"vr", "UI"}, {"Value", Json::array({record.sop_class_uid})}}},
          {"00081155", {{"vr", "UI"}, {"Value", Json::array({record.sop_instance_uid})}}},
          {"00081190",
           {{"vr", "UR"}, {"Value", Json::array({dicomweb_address(record.study_uid, record.series_uid, record.sop_instance_uid)})}}}};
}

Response store(Request& request, const Services& services) {
  if (request.media_type() != "multipart/related")
    return error_response(415, "usage", "body: must be multipart/related of application/dicom");
  const auto answer_type = negotiate(request, json_types);
  if (!answer_type) return error_response(406, "usage", "accept: application/dicom+json is what there is");
  const auto study = request.captures.find("study");
  Json stored = Json::array(), failed = Json::array();
  std::string last_study;
  Multipart parts(request);
  std::vector<std::byte> piece(262144);
  std::uint64_t part = 0;
  int none_stored = 409;
  while (parts.next()) {
    ++part;
    const std::string type = parse_header_value(parts.headers().find("content-type").value_or("application/dicom")).value;
    // The private block says why, and which part of the request it was: an object that cannot be read has no UID to name it by.
    const auto refuse = [&](unsigned reason, const Error& error) {
      failed.push_back({{"00081197", {{"vr", "US"}, {"Value", Json::array({reason})}}},
                        {"00090010", {{"vr", "LO"}, {"Value", Json::array({"GANTRY"})}}},
                        {"00091001", {{"vr", "UT"}, {"Value", Json::array({error.what()})}}},
                        {"00091002", {{"vr", "UL"}, {"Value", Json::array({part})}}}});
    };
    if (type != "application/dicom") {
      refuse(0xC000, Error(ErrorCode::unreadable, "part: must be application/dicom; got " + to_valid_utf8(type.substr(0, 60))));
      continue;
    }
    std::unique_ptr<Incoming> incoming;
    std::optional<Error> failure;
    // What the sender breaks off ends the request; what is wrong with one object is that object's failure.
    try {
      incoming = services.archive->receive(request.principal.user);
    } catch (const Error& error) {
      failure = error;
    }
    while (const std::size_t count = parts.content().read(piece)) {
      if (failure) continue;
      try {
        incoming->write(std::span(piece).first(count));
      } catch (const Error& error) {
        failure = error;
      }
    }
    try {
      if (failure) throw *failure;
      const Added added = incoming->finish();
      if (study != request.captures.end() && added.record.study_uid != study->second) {
        if (!added.already_there) services.archive->remove(added.record.study_uid, added.record.series_uid, added.record.sop_instance_uid);
        throw Error(ErrorCode::refused, "object: belongs to another study than the address says");
      }
      stored.push_back(stored_row(added.record));
      last_study = added.record.study_uid;
    } catch (const Error& error) {
      refuse(error_info(error.code()).dimse_status, error);
      if (error.code() == ErrorCode::disk_full) none_stored = error_info(error.code()).http_status;
    }
  }
  services.audit->record(request.principal.user, "store", failed.empty() ? "ok" : "refused",
                         fmt::format("{} objects, {} refused, study {}", stored.size(), failed.size(), audit_tag(last_study)),
                         request.address);
  Json answer = Json::object();
  if (!stored.empty()) {
    answer["00081190"] = {{"vr", "UR"},
                          {"Value", Json::array({dicomweb_address(study == request.captures.end() ? last_study : study->second)})}};
    answer["00081199"] = {{"vr", "SQ"}, {"Value", stored}};
  }
  if (!failed.empty()) answer["00081198"] = {{"vr", "SQ"}, {"Value", failed}};
  Response response = json_response(answer, stored.empty() ? (failed.empty() ? 400 : none_stored) : failed.empty() ? 200 : 202);
  response.headers.front().second = *answer_type;
  return response;
}

Json dicom_json_answer(std::string_view description) {
  return {{"description", description},
          {"content", {{"application/dicom+json", {{"schema", {{"type", "array"}, {"items", {{"type", "object"}}}}}}}}}};
}

}  // namespace

void append_dicom_json(std::string& out, const Attributes& attributes) {
  out += '{';
  bool first = true;
  for (const auto& [tag, text] : attributes) {
    const dicom::DictionaryEntry* entry = dicom::dictionary_entry(tag);
    const std::string_view vr = !entry ? "UN" : entry->vr == "XS" ? "US" : entry->vr;
    fmt::format_to(std::back_inserter(out), "{}\"{:08X}\":{{\"vr\":\"{}\"", first ? "" : ",", tag, vr);
    first = false;
    // Plain words are most of what there is; names and numbers go the general way.
    const bool general =
        vr == "PN" || vr == "DS" || vr == "IS" || vr == "US" || vr == "UL" || text.find('\\') != std::string::npos || !is_utf8(text);
    if (general) {
      const Json row = to_json(Attributes{{tag, text}});
      const Json& element = row.front();
      if (element.contains("Value")) out += ",\"Value\":" + element["Value"].dump(-1, ' ', false, Json::error_handler_t::replace);
    } else if (!text.empty()) {
      out += ",\"Value\":[";
      append_text(out, text);
      out += ']';
    }
    out += '}';
  }
  out += '}';
}

void AccessLog::note(const Request& request, const std::string& study_uid) {
  const auto now = std::chrono::steady_clock::now();
  {
    const std::lock_guard lock(mutex_);
    if (noted_.size() > 10000) noted_.clear();
    auto& last = noted_[request.principal.user + "\n" + study_uid];
    if (last.time_since_epoch().count() != 0 && now - last < std::chrono::minutes(10)) return;
    last = now;
  }
  audit_->record(request.principal.user, "retrieve", "ok", audit_tag(study_uid), request.address);
}

std::string dicomweb_address(std::string_view study, std::string_view series, std::string_view instance) {
  std::string address = fmt::format("/dicom-web/studies/{}", study);
  if (!series.empty()) address += fmt::format("/series/{}", series);
  if (!instance.empty()) address += fmt::format("/instances/{}", instance);
  return address;
}

void add_query_routes(Router& router, const Services& services) {
  const Json whole{{"type", "integer"}, {"minimum", 0}};
  const Json parameters = Json::array({{{"name", "limit"},
                                        {"in", "query"},
                                        {"schema", whole},
                                        {"description", "At most so many; 1000 unless stated, never more than 10000"}},
                                       {{"name", "offset"}, {"in", "query"}, {"schema", whole}, {"description", "So many are left out"}},
                                       {{"name", "fuzzymatching"}, {"in", "query"}, {"schema", {{"type", "boolean"}}}},
                                       {{"name", "includefield"}, {"in", "query"}, {"schema", {{"type", "string"}}}},
                                       {{"name", "PatientName"},
                                        {"in", "query"},
                                        {"schema", {{"type", "string"}}},
                                        {"description", "Any attribute may be named, by keyword or tag; * and ? are wildcards"}}});
  const auto add = [&](const char* pattern, Level level, const char* words) {
    router.add({"GET",
                pattern,
                words,
                [services, level](Request& request) { return search(request, level, services); },
                false,
                {{"parameters", parameters}, {"responses", {{"200", dicom_json_answer("The matches")}}}}});
  };
  add("/dicom-web/studies", Level::study, "Searches studies (QIDO-RS)");
  add("/dicom-web/series", Level::series, "Searches series (QIDO-RS)");
  add("/dicom-web/instances", Level::instance, "Searches instances (QIDO-RS)");
  add("/dicom-web/studies/{study}/series", Level::series, "Searches the series of a study (QIDO-RS)");
  add("/dicom-web/studies/{study}/instances", Level::instance, "Searches the instances of a study (QIDO-RS)");
  add("/dicom-web/studies/{study}/series/{series}/instances", Level::instance, "Searches the instances of a series (QIDO-RS)");
}

void add_store_routes(Router& router, const Services& services) {
  const Json documentation{
      {"requestBody", {{"required", true}, {"content", {{"multipart/related", {{"schema", {{"type", "string"}, {"format", "binary"}}}}}}}}},
      {"responses",
       {{"200", {{"description", "All are stored"}}},
        {"202", {{"description", "Some are stored"}}},
        {"409", {{"description", "None is stored"}}}}}};
  const auto handler = [services](Request& request) { return store(request, services); };
  router.add({"POST", "/dicom-web/studies", "Stores DICOM files (STOW-RS)", handler, false, documentation});
  router.add({"POST", "/dicom-web/studies/{study}", "Stores DICOM files of one study (STOW-RS)", handler, false, documentation});
}

void add_dicomweb_routes(Router& router, const Services& services) {
  add_query_routes(router, services);
  add_retrieve_routes(router, services, std::make_shared<AccessLog>(services.audit));
  add_store_routes(router, services);
}

}  // namespace gantry::archive
