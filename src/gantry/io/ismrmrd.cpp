// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/io/ismrmrd.h"

#include <array>
#include <cmath>
#include <complex>

#include "gantry/base/error.h"
#include "gantry/io/hdf5.h"
#include "gantry/io/ismrmrd_header.h"

namespace gantry::io::ismrmrd {

namespace {

[[noreturn]] void fail_readout(std::string_view what) { throw Error(ErrorCode::unreadable, fmt::format("ISMRMRD readouts: {}", what)); }

/// One readout's header, as far as it matters here.
struct Readout {
  std::uint64_t flags = 0;
  std::int64_t samples = 0, coils = 0, centre = 0, discard_before = 0, discard_after = 0, space = 0;
  std::int64_t step_1 = 0, step_2 = 0, slice = 0;
  std::array<std::int64_t, 4> image{};  ///< contrast, phase, repetition, set
  Vec3 position_mm, read, phase, across;
};

/// Flags are numbered from 1. Noise, calibration alone, navigators, phase correction, feedback, dummies, coil and phase references.
constexpr std::array<unsigned, 10> no_image{19, 20, 23, 24, 26, 27, 28, 29, 30, 31};
constexpr std::uint64_t reversed = std::uint64_t{1} << 21U;

bool is_image(const Readout& readout) {
  for (const unsigned flag : no_image) {
    if ((readout.flags >> (flag - 1) & 1U) != 0) return false;
  }
  return true;
}

/// The members of the header, looked up once.
class HeaderReader {
 public:
  explicit HeaderReader(const hdf5::Type& type) : head_(need(type, "head")), idx_(need(head_.type, "idx")) {}

  Readout operator()(std::span<const std::byte> value) const {
    const auto head = value.subspan(head_.offset, head_.type.size);
    const auto whole = [](const hdf5::Type& type, std::span<const std::byte> raw) {
      return static_cast<std::int64_t>(hdf5::bits_of(type, raw) & 0xffffffffU);
    };
    const auto number = [&](const char* name) { return whole(need(head_.type, name).type, part(head, name)); };
    const auto index = [&](const char* name) {
      const hdf5::Type::Member& member = need(idx_.type, name);
      return whole(member.type, head.subspan(idx_.offset + member.offset, member.type.size));
    };
    const auto vector = [&](const char* name) {
      const hdf5::Type& type = need(head_.type, name).type;
      const auto raw = part(head, name);
      return Vec3{hdf5::number_of(type, raw, 0), hdf5::number_of(type, raw, 1), hdf5::number_of(type, raw, 2)};
    };
    Readout r;
    r.flags = static_cast<std::uint64_t>(number("flags"));
    r.samples = number("number_of_samples");
    r.coils = number("active_channels");
    if (r.samples > 65535 || r.coils > 65535) fail_readout("have at most 65535 samples and coils");
    r.centre = number("center_sample");
    r.discard_before = number("discard_pre");
    r.discard_after = number("discard_post");
    r.space = number("encoding_space_ref");
    r.step_1 = index("kspace_encode_step_1");
    r.step_2 = index("kspace_encode_step_2");
    r.slice = index("slice");
    r.image = {index("contrast"), index("phase"), index("repetition"), index("set")};
    r.position_mm = vector("position");
    r.read = vector("read_dir");
    r.phase = vector("phase_dir");
    r.across = vector("slice_dir");
    return r;
  }

  static const hdf5::Type::Member& need(const hdf5::Type& type, const char* name) {
    const hdf5::Type::Member* member = type.find(name);
    if (!member) fail_readout(fmt::format("'{}' is missing", name));
    return *member;
  }

 private:
  std::span<const std::byte> part(std::span<const std::byte> head, const char* name) const {
    const hdf5::Type::Member& member = need(head_.type, name);
    return head.subspan(member.offset, member.type.size);
  }
  const hdf5::Type::Member& head_;
  const hdf5::Type::Member& idx_;
};

std::string header_text(const hdf5::File& file, const std::string& group, Run& run) {
  const hdf5::Dataset xml = file.dataset(group + "/xml", run);
  if (xml.count() < 1) fail_readout("the header is empty");
  const auto value = xml.value(0);
  const auto text = xml.type.kind == hdf5::Type::Kind::sequence ? file.sequence(xml.type, value) : value;
  std::string letters(reinterpret_cast<const char*>(text.data()), text.size());
  letters.resize(std::min(letters.size(), letters.find('\0')));
  return letters;
}

std::string group_of(const hdf5::File& file) {
  for (const std::string& name : file.names()) {
    try {
      if (file.contains(name + "/xml") && file.contains(name + "/data")) return name;
    } catch (const Error&) {
      continue;  // not a group
    }
  }
  throw Error(ErrorCode::refused, "HDF5: no group holds the 'xml' and 'data' of ISMRMRD");
}

bool is_unit(Vec3 v) { return std::abs(norm(v) - 1) < 1e-2; }

/// Where the readouts go: frames and slices that occur, in order.
struct Places {
  std::map<std::int64_t, std::int64_t> slices;
  std::map<std::array<std::int64_t, 4>, std::int64_t> frames;
  std::map<std::int64_t, Vec3> slice_positions_mm;
};

Grid grid_of(const Encoding& encoding, const Places& places, const Readout& first, bool volume, Run& run) {
  const auto [nx, ny, nz] = encoding.encoded_size;
  const bool has_field = encoding.encoded_field_mm.x > 0 && encoding.encoded_field_mm.y > 0;
  if (!has_field) run.warn("the raw data do not state a field of view: pixels are taken as 1 mm");
  Vec3 spacing{has_field ? encoding.encoded_field_mm.x / static_cast<double>(nx) : 1,
               has_field ? encoding.encoded_field_mm.y / static_cast<double>(ny) : 1,
               encoding.encoded_field_mm.z > 0 ? encoding.encoded_field_mm.z / static_cast<double>(volume ? nz : 1) : 1};
  Mat3 direction;
  if (is_unit(first.read) && is_unit(first.phase) && is_unit(first.across))
    direction = Mat3{{normalized(first.read), normalized(first.phase), normalized(first.across)}};
  const auto slices = static_cast<std::int64_t>(places.slices.size());
  Vec3 position = first.position_mm;
  if (!volume) {
    position = places.slice_positions_mm.begin()->second;
    if (slices > 1) {
      const Vec3 step = (places.slice_positions_mm.rbegin()->second - position) * (1 / static_cast<double>(slices - 1));
      const double along = dot(step, direction.column[2]);
      if (std::abs(along) > 1e-3) spacing.z = std::abs(along);
      if (along < 0) direction.column[2] = direction.column[2] * -1;
    }
  }
  const Vec3 corner = direction * Vec3{spacing.x * static_cast<double>(nx / 2), spacing.y * static_cast<double>(ny / 2),
                                       volume ? spacing.z * static_cast<double>(nz / 2) : 0};
  return Grid({nx, ny, volume ? nz : slices}, spacing, position - corner, direction);
}

/// Part of the encoded field of view that the image covers along one axis.
double share_of(double image_mm, double encoded_mm, std::int64_t image, std::int64_t encoded) {
  const double share = image_mm > 0 && encoded_mm > 0 ? image_mm / encoded_mm
                       : image > 0                    ? static_cast<double>(image) / static_cast<double>(encoded)
                                                      : 1;
  return std::min(share, 1.0);
}

}  // namespace

KSpace read(std::span<const std::byte> bytes, Run& run) {
  const hdf5::File file(bytes);
  const std::string group = group_of(file);
  const Encoding encoding = parse_header(header_text(file, group, run));
  if (!encoding.trajectory.empty() && encoding.trajectory != "cartesian")
    throw Error(ErrorCode::not_possible, fmt::format("trajectory: must be Cartesian; the scan is {}", encoding.trajectory));
  const hdf5::Dataset data = file.dataset(group + "/data", run);
  if (data.type.kind != hdf5::Type::Kind::compound) fail_readout("are no compounds");
  const HeaderReader header_of(data.type);
  const hdf5::Type::Member& values = HeaderReader::need(data.type, "data");
  if (values.type.kind != hdf5::Type::Kind::sequence || !values.type.element || values.type.element->kind != hdf5::Type::Kind::floating ||
      values.type.element->size != 4)
    fail_readout("must hold sequences of 32-bit numbers");

  std::vector<std::pair<std::uint64_t, Readout>> readouts;
  Places places;
  std::uint64_t left_out = 0, measured = 0;
  for (std::uint64_t n = 0; n < data.count(); ++n) {
    const Readout r = header_of(data.value(n));
    if (!is_image(r) || r.space != 0) {
      ++left_out;
      continue;
    }
    if (!readouts.empty() && r.coils != readouts.front().second.coils)
      fail_readout(fmt::format("must be of the same coils; found {} and {}", readouts.front().second.coils, r.coils));
    if (r.coils < 1 || r.coils > 1024) fail_readout(fmt::format("must be of 1 to 1024 coils; found {}", r.coils));
    places.slices.emplace(r.slice, 0);
    places.frames.emplace(r.image, 0);
    places.slice_positions_mm.emplace(r.slice, r.position_mm);
    measured += static_cast<std::uint64_t>(r.samples * r.coils);
    readouts.emplace_back(n, r);
  }
  if (readouts.empty()) throw Error(ErrorCode::not_possible, "ISMRMRD readouts: none belongs to an image");
  if (left_out > 0) run.warn(fmt::format("{} readouts that belong to no image, or to another encoding, were left out", left_out));
  for (std::int64_t n = 0; auto& [slice, index] : places.slices) index = n++;
  for (std::int64_t n = 0; auto& [image, index] : places.frames) index = n++;
  const auto [nx, ny, nz] = encoding.encoded_size;
  const bool volume = nz > 1;
  if (volume && places.slices.size() > 1)
    throw Error(ErrorCode::not_possible, "ISMRMRD readouts: several slabs of a volume are not joined");
  const auto coils = static_cast<int>(readouts.front().second.coils);
  const auto frames = static_cast<std::int64_t>(places.frames.size());
  const double wanted = static_cast<double>(nx) * static_cast<double>(ny) * static_cast<double>(volume ? nz : 1) *
                        static_cast<double>(places.slices.size()) * static_cast<double>(frames) * coils;
  if (!(wanted <= 1000.0 * static_cast<double>(measured)))
    throw Error(ErrorCode::refused,
                fmt::format("ISMRMRD readouts: must fill a thousandth of k-space; {} samples of {} were measured", measured, wanted));

  auto samples = Voxels<std::complex<float>>(grid_of(encoding, places, readouts.front().second, volume, run), {}, coils, frames);
  std::vector<std::uint32_t> lines(static_cast<std::size_t>(ny * samples.grid().size(2) * frames));
  std::uint64_t outside = 0;
  for (const auto& [n, r] : readouts) {
    const std::span<const std::byte> raw = file.sequence(values.type, data.value(n).subspan(values.offset, values.type.size));
    if (raw.size() != static_cast<std::size_t>(8 * r.samples * r.coils))
      fail_readout(fmt::format("number {} states {} samples of {} coils; it holds {} bytes", n, r.samples, r.coils, raw.size()));
    const std::int64_t j = r.step_1 - encoding.centre_1.value_or(ny / 2) + ny / 2;
    const std::int64_t k = volume ? r.step_2 - encoding.centre_2.value_or(nz / 2) + nz / 2 : places.slices.at(r.slice);
    if (j < 0 || j >= ny || k < 0 || k >= samples.grid().size(2)) {
      ++outside;
      continue;
    }
    const std::int64_t line = j + ny * (k + samples.grid().size(2) * places.frames.at(r.image));
    ++lines[static_cast<std::size_t>(line)];
    const bool backwards = (r.flags & reversed) != 0;
    // A centre of 0 in a whole readout is one that was not filled in.
    std::int64_t centre = r.centre == 0 && r.samples == nx ? nx / 2 : r.centre;
    if (backwards && !(r.centre == 0 && r.samples == nx)) centre = r.samples - 1 - centre;
    for (std::int64_t s = r.discard_before; s < r.samples - r.discard_after; ++s) {
      const std::int64_t i = (backwards ? r.samples - 1 - s : s) - centre + nx / 2;
      if (i < 0 || i >= nx) continue;
      for (std::int64_t c = 0; c < coils; ++c) {
        std::array<float, 2> pair;
        std::memcpy(pair.data(), raw.data() + 8 * (s + r.samples * c), 8);
        samples[c + coils * (i + nx * line)] += std::complex<float>(pair[0], pair[1]);
      }
    }
  }
  if (outside == readouts.size()) fail_readout("lie outside the encoded matrix");
  if (outside > 0) run.warn(fmt::format("{} readouts lie outside the encoded matrix and were left out", outside));
  for (std::size_t line = 0; line < lines.size(); ++line) {
    if (lines[line] < 2) continue;
    const float share = 1.0F / static_cast<float>(lines[line]);
    for (std::int64_t n = 0; n < nx * coils; ++n) samples[static_cast<std::int64_t>(line) * nx * coils + n] *= share;
  }
  KSpace result{.samples = Image(std::move(samples)), .volume = volume, .image_size = encoding.image_size};
  const Vec3 image_mm = encoding.image_field_mm, encoded_mm = encoding.encoded_field_mm;
  result.image_share = {share_of(image_mm.x, encoded_mm.x, encoding.image_size[0], nx),
                        share_of(image_mm.y, encoded_mm.y, encoding.image_size[1], ny),
                        volume ? share_of(image_mm.z, encoded_mm.z, encoding.image_size[2], nz) : 1};
  if (!volume) result.image_size[2] = 0;
  return result;
}

}  // namespace gantry::io::ismrmrd
