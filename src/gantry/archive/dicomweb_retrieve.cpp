// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// WADO-RS (PS3.18 10.4).
#include "gantry/archive/dicomweb.h"
#include "gantry/archive/http_multipart.h"
#include "gantry/base/hash.h"
#include "gantry/base/text.h"
#include "gantry/codec/codec.h"
#include "gantry/image/image.h"
#include "gantry/io/io.h"

namespace gantry::archive {

namespace {

constexpr std::string_view native_syntax = "1.2.840.10008.1.2.1", octets = "application/octet-stream";
constexpr std::size_t most_parts = 10000;

/// One acceptable form of an answer.
struct Wanted {
  bool multipart = true;
  std::string type;    ///< of a part, or of the single part; "*/*" = any
  std::string syntax;  ///< "*" = any, empty = not said
};

/// What the client accepts, best first: `?accept=` goes before the header (PS3.18 8.3.3.1).
std::vector<Wanted> wanted_of(const Request& request) {
  std::string text = request.query.joined("accept");
  if (text.empty()) text = request.headers.joined("accept");
  std::vector<Wanted> all;
  for (const HeaderValue& value : parse_accept(text)) {
    if (!(value.quality > 0)) continue;
    const auto parameter = [&](const char* name) {
      const auto found = value.parameters.find(name);
      return found == value.parameters.end() ? std::string() : found->second;
    };
    if (value.value == "multipart/related" || value.value == "multipart/*") {
      all.push_back({true, parameter("type").empty() ? "*/*" : lower(parameter("type")), parameter("transfer-syntax")});
    } else if (value.value == "*/*") {
      all.push_back({true, "*/*", "*"});
    } else {
      all.push_back({false, value.value, parameter("transfer-syntax")});
    }
  }
  if (all.empty() && trim(text).empty()) all.push_back({true, "*/*", "*"});
  return all;
}

bool type_fits(const std::string& wanted, std::string_view offered) {
  return wanted == "*/*" || wanted == offered || (wanted.ends_with("/*") && offered.starts_with(wanted.substr(0, wanted.size() - 1)));
}

Response not_acceptable(std::string_view what) { return error_response(406, "usage", fmt::format("accept: {}", what)); }

/// The objects of the address; Error(not_found) when there are none.
std::vector<InstanceRecord> records_of(const Request& request, const Services& services) {
  const auto capture = [&](const char* name) {
    const auto found = request.captures.find(name);
    return found == request.captures.end() ? std::string() : found->second;
  };
  auto records = services.archive->instances(capture("study"), capture("series"), capture("instance"));
  if (records.empty()) throw Error(ErrorCode::not_found, "object: the archive holds none of this address");
  return records;
}

std::string boundary_of(const Request& request) { return "gantry-" + sha256_hex(request.path_text()).substr(0, 32); }

Response multipart(std::string_view type, const std::string& boundary) {
  Response response;
  return response.header("Content-Type", fmt::format("multipart/related; type=\"{}\"; boundary={}", type, boundary));
}

Response retrieve(const Request& request, const Services& services, AccessLog& access) {
  const auto records = records_of(request, services);
  for (const Wanted& wanted : wanted_of(request)) {
    if (!type_fits(wanted.type, "application/dicom")) continue;
    const bool any = wanted.syntax.empty() || wanted.syntax == "*";
    if (!any && std::any_of(records.begin(), records.end(),
                            [&](const InstanceRecord& record) { return record.transfer_syntax_uid != wanted.syntax; }))
      continue;
    if (!wanted.multipart && records.size() > 1) continue;
    access.note(request, records.front().study_uid);
    if (!wanted.multipart) {
      const Path file = services.archive->file_of(records.front().sop_instance_uid);
      return file_response(request, file, "application/dicom");
    }
    const std::string boundary = boundary_of(request);
    Response response = multipart("application/dicom", boundary);
    bool first = true;
    for (const InstanceRecord& record : records) {
      response.body.emplace_back(
          part_head(boundary, "Content-Type: application/dicom; transfer-syntax=" + record.transfer_syntax_uid, first));
      response.body.emplace_back(FileRange{services.archive->file_of(record.sop_instance_uid), 0, record.size});
      first = false;
    }
    response.body.emplace_back(last_boundary(boundary));
    return response;
  }
  return not_acceptable("application/dicom in the stored transfer syntax is what there is");
}

Response metadata(const Request& request, const Services& services, AccessLog& access) {
  const auto type = negotiate(request, {"application/dicom+json", "application/json"});
  if (!type) return not_acceptable("application/dicom+json is what there is");
  const auto records = records_of(request, services);
  access.note(request, records.front().study_uid);
  std::string text = "[";
  for (const InstanceRecord& record : records) {
    text += (text.size() > 1 ? "," : "") +
            metadata_of(*services.archive->header_of(record.sop_instance_uid), record).dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  return text_response(text + "]", *type);
}

/// Frame sources of the objects asked for last, so that each frame costs no new look at the header.
class FrameCache {
 public:
  explicit FrameCache(Archive* archive) : archive_(archive) {}
  std::shared_ptr<const FrameSource> find(const std::string& uid) {
    const Path file = archive_->file_of(uid);
    {
      const std::lock_guard lock(mutex_);
      if (const auto held = sources_.find(uid); held != sources_.end() && held->second.first == file) return held->second.second;
    }
    auto source = std::make_shared<const FrameSource>(archive_->header_of(uid), file);
    const std::lock_guard lock(mutex_);
    frames_ += source->count();
    if (frames_ > 200000 || sources_.size() > 20000) {
      sources_.clear();
      frames_ = source->count();
    }
    sources_[uid] = {file, source};
    return source;
  }

 private:
  Archive* archive_;
  std::mutex mutex_;
  std::int64_t frames_ = 0;
  std::map<std::string, std::pair<Path, std::shared_ptr<const FrameSource>>> sources_;
};

/// "1,3" as frames from 0.
std::vector<std::int64_t> frames_of(const std::string& list, std::int64_t count) {
  std::vector<std::int64_t> frames;
  for (const std::string& word : split(list, ',')) {
    const auto number = parse_integer(trim(word));
    if (!number || *number < 1) throw Error(ErrorCode::usage, "frames: must be a list of numbers from 1; got " + word.substr(0, 40));
    if (*number > count) throw Error(ErrorCode::not_found, fmt::format("frames: the object has {}; got {}", count, *number));
    if (frames.size() == most_parts) throw Error(ErrorCode::usage, fmt::format("frames: at most {} at once", most_parts));
    frames.push_back(*number - 1);
  }
  return frames;
}

void append_frame(Response& response, const FrameSource& source, std::int64_t frame, bool decode) {
  const auto ranges = decode ? std::vector<FileRange>() : source.stored(frame);
  if (ranges.empty()) {
    response.body.emplace_back(source.decoded(frame));
  } else {
    for (const FileRange& range : ranges) response.body.emplace_back(range);
  }
}

Response give_frames(const Request& request, const FrameSource& source, const std::vector<std::int64_t>& frames) {
  const std::string stored_type = media_type_of_syntax(source.transfer_syntax());
  const bool native = stored_type == octets;
  for (const Wanted& wanted : wanted_of(request)) {
    const bool any = wanted.syntax == "*", as_stored = any || wanted.syntax == source.transfer_syntax();
    std::string type, syntax = native ? std::string(native_syntax) : source.transfer_syntax();
    bool decode = false;
    if (native) {
      if (!type_fits(wanted.type, octets) || !(as_stored || wanted.syntax.empty() || wanted.syntax == native_syntax)) continue;
      type = octets;
    } else if (wanted.type != octets && type_fits(wanted.type, stored_type) && (as_stored || wanted.syntax.empty())) {
      type = stored_type;
    } else if (type_fits(wanted.type, octets) && as_stored) {
      type = octets;
    } else if (type_fits(wanted.type, octets) && (wanted.syntax.empty() || wanted.syntax == native_syntax) &&
               codec::can_decode(source.transfer_syntax())) {
      type = octets;
      syntax = native_syntax;
      decode = true;
    } else {
      continue;
    }
    if (!wanted.multipart && frames.size() > 1) continue;
    const std::string part_type = fmt::format("{}; transfer-syntax={}", type, syntax);
    if (!wanted.multipart) {
      Response response;
      response.header("Content-Type", part_type);
      append_frame(response, source, frames.front(), decode);
      return response;
    }
    const std::string boundary = boundary_of(request);
    Response response = multipart(type, boundary);
    for (std::size_t n = 0; n < frames.size(); ++n) {
      response.body.emplace_back(part_head(boundary, "Content-Type: " + part_type, n == 0));
      append_frame(response, source, frames[n], decode);
    }
    response.body.emplace_back(last_boundary(boundary));
    return response;
  }
  return not_acceptable("the frame is stored as " + stored_type + "; native pixels are the other form");
}

/// A picture of a frame as JPEG or PNG.
Response picture(const Request& request, const FrameSource& source, std::int64_t frame, int most) {
  std::string form;
  for (const Wanted& wanted : wanted_of(request)) {
    if (form.empty() && type_fits(wanted.type, "image/jpeg")) form = "image/jpeg";
    if (form.empty() && type_fits(wanted.type, "image/png")) form = "image/png";
  }
  if (form.empty()) return not_acceptable("image/jpeg and image/png are what there is");
  FrameSource::Picture made = source.rendered(frame, request.query, most);
  if (form == "image/jpeg") {
    codec::Frame pixels;
    pixels.format = {.rows = made.height,
                     .columns = made.width,
                     .samples_per_pixel = made.samples,
                     .bits_allocated = 8,
                     .bits_stored = 8,
                     .high_bit = 7,
                     .is_signed = false,
                     .photometric_interpretation = made.samples == 3 ? "RGB" : "MONOCHROME2"};
    pixels.pixels.resize(made.pixels.size());
    std::transform(made.pixels.begin(), made.pixels.end(), pixels.pixels.begin(), [](std::uint8_t value) { return std::byte{value}; });
    const Bytes bytes = codec::encode("1.2.840.10008.1.2.4.50", pixels);
    return text_response(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), form);
  }
  const TemporaryFolder folder;
  Run run;
  auto voxels = Voxels<std::uint8_t>::uninitialized(Grid({made.width, made.height, 1}), made.samples, 1);
  std::copy(made.pixels.begin(), made.pixels.end(), voxels.data());
  io::write(folder.path() / "picture.png", Image(std::move(voxels)), run);
  return text_response(read_text(folder.path() / "picture.png"), form);
}

}  // namespace

void add_retrieve_routes(Router& router, const Services& services, const std::shared_ptr<AccessLog>& access) {
  const auto cache = std::make_shared<FrameCache>(services.archive);
  const auto add = [&](const std::string& pattern, const char* words, std::function<Response(Request&)> handler, const char* type) {
    router.add({"GET",
                pattern,
                words,
                std::move(handler),
                false,
                {{"responses", {{"200", {{"description", "What was asked for"}, {"content", {{type, {{"schema", Json::object()}}}}}}}}}}});
  };
  const std::string study = "/dicom-web/studies/{study}", series = study + "/series/{series}", instance = series + "/instances/{instance}";
  for (const std::string& level : {study, series, instance}) {
    add(
        level, "Gives DICOM files as they are stored (WADO-RS)",
        [services, access](Request& request) { return retrieve(request, services, *access); }, "multipart/related");
    add(
        level + "/metadata", "Gives all attributes as DICOM JSON, bulk data as links (WADO-RS)",
        [services, access](Request& request) { return metadata(request, services, *access); }, "application/dicom+json");
  }
  /// The frames of the one object of the address.
  const auto with_source = [services, access, cache](std::function<Response(Request&, const FrameSource&)> body) {
    return [services, access, cache, body = std::move(body)](Request& request) {
      const auto records = records_of(request, services);
      access->note(request, records.front().study_uid);
      // Of a series or study, the middle object stands for all.
      return body(request, *cache->find(records[records.size() / 2].sop_instance_uid));
    };
  };
  add(instance + "/frames/{frames}", "Gives frames as they are stored, or as native pixels (WADO-RS)",
      with_source([](Request& request, const FrameSource& source) {
        return give_frames(request, source, frames_of(request.captures["frames"], source.count()));
      }),
      "multipart/related");
  add(instance + "/frames/{frames}/rendered", "Gives a frame as JPEG or PNG (WADO-RS)",
      with_source([](Request& request, const FrameSource& source) {
        return picture(request, source, frames_of(request.captures["frames"], source.count()).front(), 0);
      }),
      "image/jpeg");
  add(instance + "/frames/{frames}/thumbnail", "Gives a small picture of a frame (WADO-RS)",
      with_source([](Request& request, const FrameSource& source) {
        return picture(request, source, frames_of(request.captures["frames"], source.count()).front(), 256);
      }),
      "image/jpeg");
  add(instance + "/rendered", "Gives the middle frame as JPEG or PNG (WADO-RS)",
      with_source([](Request& request, const FrameSource& source) { return picture(request, source, source.count() / 2, 0); }),
      "image/jpeg");
  for (const std::string& level : {study, series, instance}) {
    add(level + "/thumbnail", "Gives a small picture (WADO-RS)",
        with_source([](Request& request, const FrameSource& source) { return picture(request, source, source.count() / 2, 256); }),
        "image/jpeg");
  }
  add(
      instance + "/bulkdata/{place...}", "Gives a long binary value that the metadata link to (WADO-RS)",
      [services, access, cache](Request& request) {
        const auto record = records_of(request, services).front();
        access->note(request, record.study_uid);
        const auto header = services.archive->header_of(record.sop_instance_uid);
        const std::string place = request.captures["place"];
        if (header->pixel.tag == 0 || dicom::tag_of(place) != header->pixel.tag) return bulk_data(header, place);
        const auto source = cache->find(record.sop_instance_uid);
        std::vector<std::int64_t> all(static_cast<std::size_t>(std::min<std::int64_t>(source->count(), most_parts)));
        for (std::size_t n = 0; n < all.size(); ++n) all[n] = static_cast<std::int64_t>(n);
        return give_frames(request, *source, all);
      },
      "application/octet-stream");
}

}  // namespace gantry::archive
