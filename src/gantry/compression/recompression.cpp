// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/compression/recompression.h"

#include "gantry/base/error.h"
#include "gantry/compression/transcoding.h"
#include "gantry/compute/parallel.h"

namespace gantry {

namespace {

std::string transfer_syntax_of(LosslessCoding coding) {
  switch (coding) {
    case LosslessCoding::jpeg_2000:
      return "1.2.840.10008.1.2.4.90";
    case LosslessCoding::htj2k:
      return "1.2.840.10008.1.2.4.201";
    default:
      return "1.2.840.10008.1.2.4.80";
  }
}

/// One object on its way.
struct Work {
  const DicomFiles::File* file = nullptr;
  compression::OpenedObject object;
  std::vector<Bytes> streams;
  std::vector<std::string> refusals;  ///< of each frame
  std::string reason;                 ///< why it is kept as it is

  void open(const std::string& uid, Run& run) {
    try {
      object = compression::open_object(file->bytes, uid, run);
      streams.resize(object.frames.size());
      refusals.resize(object.frames.size());
    } catch (const Error& error) {
      if (error.code() == ErrorCode::cancelled || error.code() == ErrorCode::out_of_memory || error.code() == ErrorCode::internal) throw;
      reason = error.what();
    }
  }
  void code(std::size_t frame, const std::string& uid) {
    try {
      streams[frame] = compression::coded_frame(object, frame, uid);
    } catch (const Error& error) {
      refusals[frame] = error.what();
    }
  }
};

}  // namespace

void Recompression::describe(Description<Recompression>& d) {
  d.summary("Codes the pixels of DICOM objects without loss, verified bit for bit, and keeps the rest of them.");
  d.input("objects", "DICOM file, or a folder of them");
  d.parameter("coding", &Recompression::coding, "JPEG-LS, JPEG 2000 or High-Throughput JPEG 2000, all without loss");
  d.parameter("smaller_only", &Recompression::smaller_only, "Keep objects as they are that would grow");
  d.output("recompressed", &Result::recompressed, "The same objects: one as a .dcm file, several in a new folder");
  d.output("report", &Result::report, "Bytes saved, ratio, and what was kept as it is, with the reason");
  d.example("gantry compression recompress scans coded --coding htj2k --report saved.json");
  d.reference("Weinberger MJ, Seroussi G, Sapiro G. The LOCO-I lossless image compression algorithm. IEEE TIP 2000;9:1309-1324.");
  d.reference("Taubman DS, Marcellin MW. JPEG2000: image compression fundamentals, standards and practice. Kluwer 2002.");
  d.reference("Taubman D, Naman A, Mathew R. High throughput JPEG 2000 (HTJ2K): algorithm, performance and potential. ITU-T T.814, 2019.");
}

Recompression::Result Recompression::operator()(const DicomFiles& objects, Run& run) const {
  check_parameters(*this);
  if (objects.files.empty()) throw Error(ErrorCode::not_possible, "objects: there are none");
  const std::string uid = transfer_syntax_of(coding);
  Result result;
  Json kept = Json::array();
  std::uint64_t before = 0, after = 0, pixels = 0, coded = 0, frames = 0, recompressed = 0;
  constexpr std::size_t together = 16;
  for (std::size_t begin = 0; begin < objects.files.size(); begin += together) {
    const std::size_t end = std::min(objects.files.size(), begin + together);
    std::vector<Work> batch(end - begin);
    std::vector<std::pair<Work*, std::size_t>> all;
    for (std::size_t n = begin; n < end; ++n) {
      Work& work = batch[n - begin];
      work.file = &objects.files[n];
      work.open(uid, run);
      for (std::size_t f = 0; f < work.streams.size(); ++f) all.emplace_back(&work, f);
    }
    parallel_for(run, static_cast<std::int64_t>(all.size()), 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t n = first; n < last; ++n) {
        const auto [work, frame] = all[static_cast<std::size_t>(n)];
        work->code(frame, uid);
      }
    });
    for (Work& work : batch) {
      for (const std::string& refusal : work.refusals) {
        if (work.reason.empty()) work.reason = refusal;
      }
      const DicomFiles::File& file = *work.file;
      std::shared_ptr<const Bytes> bytes = file.bytes;
      before += bytes->size();
      if (work.reason.empty()) {
        try {
          auto made = std::make_shared<const Bytes>(compression::object_with(work.object, work.streams, uid));
          if (smaller_only && made->size() >= bytes->size()) {
            work.reason = "would not be smaller";
          } else {
            bytes = std::move(made);
          }
        } catch (const Error& error) {
          work.reason = error.what();
        }
      }
      if (work.reason.empty()) {
        ++recompressed;
        frames += work.streams.size();
        for (const Bytes& cells : work.object.frames) pixels += cells.size();
        for (const Bytes& stream : work.streams) coded += stream.size();
      } else {
        kept.push_back({{"file", file.name}, {"reason", work.reason}});
      }
      after += bytes->size();
      result.recompressed.files.push_back({file.name, std::move(bytes)});
    }
    run.progress(static_cast<double>(end) / static_cast<double>(objects.files.size()));
  }
  result.report = {{"transfer_syntax", uid},
                   {"objects", objects.files.size()},
                   {"recompressed", recompressed},
                   {"frames", frames},
                   {"bytes_before", before},
                   {"bytes_after", after},
                   {"saved_bytes", static_cast<std::int64_t>(before) - static_cast<std::int64_t>(after)},
                   {"pixel_bytes", pixels},
                   {"coded_bytes", coded},
                   {"ratio", coded == 0 ? Json() : Json(static_cast<double>(pixels) / static_cast<double>(coded))},
                   {"kept", std::move(kept)}};
  return result;
}

Cost Recompression::cost(const DicomFiles& objects) const {
  std::uint64_t bytes = 0;
  for (const DicomFiles::File& file : objects.files) bytes += file.bytes->size();
  return {.bytes = 2 * bytes, .seconds = static_cast<double>(bytes) * 4e-8};
}

}  // namespace gantry
