// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/dicomweb.h"
#include "gantry/base/text.h"
#include "gantry/codec/codec.h"
#include "gantry/dicom/fragments.h"

namespace gantry::archive {

namespace {

constexpr std::int64_t most_frames = 1000000, most_rendered_pixels = std::int64_t{1} << 27;

codec::FrameFormat format_of(const dicom::DataSet& set) {
  codec::FrameFormat format;
  const auto whole = [&](dicom::Tag tag, std::int64_t low, std::int64_t high, std::int64_t missing) {
    const std::int64_t value = set.integer(tag).value_or(missing);
    if (!(value >= low && value <= high))
      throw Error(ErrorCode::unreadable, fmt::format("{}: must lie between {} and {}; got {}", dicom::text_of(tag), low, high, value));
    return static_cast<int>(value);
  };
  format.rows = whole(0x00280010U, 1, 65535, 0);
  format.columns = whole(0x00280011U, 1, 65535, 0);
  format.samples_per_pixel = whole(0x00280002U, 1, 4, 1);
  format.bits_allocated = whole(0x00280100U, 1, 64, 16);
  format.bits_stored = whole(0x00280101U, 1, 64, format.bits_allocated);
  format.high_bit = whole(0x00280102U, 0, 63, format.bits_stored - 1);
  format.is_signed = set.integer(0x00280103U).value_or(0) == 1;
  format.photometric_interpretation = std::string(trim(set.text(0x00280004U).value_or("MONOCHROME2")));
  return format;
}

std::string read_ranges(const dicom::Reader& reader, const std::vector<FileRange>& ranges) {
  std::uint64_t size = 0;
  for (const FileRange& range : ranges) size += range.length;
  if (size > (std::uint64_t{1} << 31)) throw Error(ErrorCode::out_of_memory, "frame: is too large");
  std::string bytes(size, '\0');
  std::size_t done = 0;
  for (const FileRange& range : ranges) {
    if (reader.read(range.offset, std::as_writable_bytes(std::span(bytes).subspan(done, range.length))) != range.length)
      throw Error(ErrorCode::unreadable, "pixel data: are cut off");
    done += range.length;
  }
  return bytes;
}

/// A cell as a number: sign and unused bits by the header.
double cell_value(const std::string& bytes, std::size_t index, const codec::FrameFormat& format) {
  if (format.bits_allocated == 1) return (static_cast<unsigned char>(bytes[index / 8]) >> (index % 8)) & 1;
  const std::size_t size = static_cast<std::size_t>(format.bits_allocated) / 8;
  std::uint64_t raw = 0;
  for (std::size_t n = 0; n < size; ++n) raw |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[index * size + n])) << (8 * n);
  const int stored = std::min(format.bits_stored, format.bits_allocated);
  raw >>= std::clamp(format.high_bit + 1 - stored, 0, 63);
  if (stored < 64) raw &= (std::uint64_t{1} << stored) - 1;
  if (format.is_signed && stored < 64 && ((raw >> (stored - 1)) & 1) != 0)
    return static_cast<double>(static_cast<std::int64_t>(raw) - (std::int64_t{1} << stored));
  return static_cast<double>(raw);
}

struct Window {
  double centre = 0, width = 1;
};

/// PS3.3 C.11.2.1.2.1, onto 0 to 255.
std::uint8_t windowed(double value, const Window& window) {
  const double t = window.width > 1 ? (value - (window.centre - 0.5)) / (window.width - 1) + 0.5 : value > window.centre - 0.5 ? 1.0 : 0.0;
  return static_cast<std::uint8_t>(std::lround(255 * std::clamp(t, 0.0, 1.0)));
}

Window window_of(const std::vector<double>& values, const dicom::DataSet& set, const Fields& query) {
  if (const auto asked = query.find("window")) {
    const auto parts = split(*asked, ',');
    const auto centre = parse_double(parts[0]), width = parts.size() > 1 ? parse_double(parts[1]) : std::nullopt;
    if (!centre || !width || !std::isfinite(*centre) || !(*width > 0 && *width <= 1e9))
      throw Error(ErrorCode::usage, "window: must read centre,width[,function]");
    return {*centre, *width};
  }
  const auto centres = set.numbers(0x00281050U), widths = set.numbers(0x00281051U);
  if (!centres.empty() && !widths.empty() && widths.front() >= 1) return {centres.front(), widths.front()};
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return {(*low + *high) / 2 + 0.5, std::max(1.0, *high - *low) + 1};
}

/// Mean over the box of each new pixel.
FrameSource::Picture reduced(const FrameSource::Picture& picture, int most_width, int most_height) {
  const double scale = std::max({1.0, static_cast<double>(picture.width) / most_width, static_cast<double>(picture.height) / most_height});
  if (scale <= 1) return picture;
  FrameSource::Picture small;
  small.width = std::max(1, static_cast<int>(picture.width / scale));
  small.height = std::max(1, static_cast<int>(picture.height / scale));
  small.samples = picture.samples;
  small.pixels.resize(static_cast<std::size_t>(small.width) * small.height * small.samples);
  for (int y = 0; y < small.height; ++y) {
    const int top = static_cast<int>(static_cast<std::int64_t>(y) * picture.height / small.height),
              bottom = static_cast<int>((static_cast<std::int64_t>(y) + 1) * picture.height / small.height);
    for (int x = 0; x < small.width; ++x) {
      const int left = static_cast<int>(static_cast<std::int64_t>(x) * picture.width / small.width),
                right = static_cast<int>((static_cast<std::int64_t>(x) + 1) * picture.width / small.width);
      for (int s = 0; s < picture.samples; ++s) {
        std::uint64_t sum = 0;
        for (int v = top; v < bottom; ++v) {
          for (int u = left; u < right; ++u) sum += picture.pixels[(static_cast<std::size_t>(v) * picture.width + u) * picture.samples + s];
        }
        const auto count = static_cast<std::uint64_t>(bottom - top) * static_cast<std::uint64_t>(right - left);
        small.pixels[(static_cast<std::size_t>(y) * small.width + x) * small.samples + s] =
            static_cast<std::uint8_t>((sum + count / 2) / count);
      }
    }
  }
  return small;
}

}  // namespace

std::string media_type_of_syntax(std::string_view syntax) {
  const std::string_view root = "1.2.840.10008.1.2.";
  if (!syntax.starts_with(root)) return "application/octet-stream";
  const std::string_view rest = syntax.substr(root.size());
  if (rest == "5") return "image/dicom-rle";
  if (rest == "4.80" || rest == "4.81") return "image/jls";
  if (rest == "4.90" || rest == "4.91") return "image/jp2";
  if (rest == "4.92" || rest == "4.93") return "image/jpx";
  if (rest == "4.201" || rest == "4.202" || rest == "4.203") return "image/jphc";
  if (rest == "4.50" || rest == "4.51" || rest == "4.57" || rest == "4.70") return "image/jpeg";
  if (rest.starts_with("4.110") || rest.starts_with("4.111") || rest.starts_with("4.112")) return "image/jxl";
  if (rest == "4.100" || rest == "4.101") return "video/mpeg2";
  if (rest.starts_with("4.10")) return "video/mp4";
  return "application/octet-stream";
}

FrameSource::FrameSource(std::shared_ptr<const dicom::Header::Data> header, Path file)
    : header_(std::move(header)), file_(std::move(file)) {
  const auto& pixel = header_->pixel;
  if (pixel.tag == 0) throw Error(ErrorCode::not_found, "frames: the object has no pixel data");
  const std::int64_t count = header_->root.integer(0x00280008U).value_or(1);
  if (!(count >= 1 && count <= most_frames))
    throw Error(ErrorCode::unreadable, fmt::format("(0028,0008): must lie between 1 and {}; got {}", most_frames, count));
  encapsulated_ = pixel.encapsulated;
  if (encapsulated_) {
    for (const auto& fragments : dicom::locate_frames(*header_, *header_->origin.open(), count)) {
      std::vector<FileRange> ranges;
      for (const auto& piece : fragments.pieces) ranges.push_back({file_, piece.offset, piece.length});
      frames_.push_back(std::move(ranges));
    }
    return;
  }
  const codec::FrameFormat format = format_of(header_->root);
  native_ = !header_->root.encoding().big_endian;
  frame_bits_ = static_cast<std::uint64_t>(format.rows) * static_cast<std::uint64_t>(format.columns) *
                static_cast<std::uint64_t>(format.samples_per_pixel) * static_cast<std::uint64_t>(format.bits_allocated);
  if ((frame_bits_ * static_cast<std::uint64_t>(count) + 7) / 8 > pixel.present)
    throw Error(ErrorCode::unreadable, "pixel data: are cut off");
  for (std::int64_t n = 0; n < count; ++n) {
    const std::uint64_t begin = frame_bits_ * static_cast<std::uint64_t>(n);
    frames_.push_back({{file_, pixel.offset + begin / 8, (begin % 8 + frame_bits_ + 7) / 8}});
  }
}

std::vector<FileRange> FrameSource::stored(std::int64_t frame) const {
  // Packed bits may begin within a byte, and a deflated data set has no places in its file.
  const bool shifted = !encapsulated_ && (frame_bits_ * static_cast<std::uint64_t>(frame)) % 8 != 0;
  if (shifted || header_->origin.deflated_after || (!encapsulated_ && !native_)) return {};
  return frames_.at(static_cast<std::size_t>(frame));
}

std::string FrameSource::decoded(std::int64_t frame) const {
  std::string bytes = read_ranges(*header_->origin.open(), frames_.at(static_cast<std::size_t>(frame)));
  const codec::FrameFormat format = format_of(header_->root);
  if (encapsulated_) {
    if (!codec::can_decode(header_->transfer_syntax))
      throw Error(ErrorCode::not_possible, "frame: cannot be decoded; ask for it as it is stored");
    const std::span<const std::byte> stream = std::as_bytes(std::span(bytes));
    std::string pixels;
    Run run;
    codec::decode_untrusted(
        header_->transfer_syntax, std::span(&stream, 1), format,
        [&](std::size_t, codec::Frame&& decoded) {
          pixels.assign(reinterpret_cast<const char*>(decoded.pixels.data()), decoded.pixels.size());
        },
        run);
    return pixels;
  }
  if (const unsigned shift = static_cast<unsigned>((frame_bits_ * static_cast<std::uint64_t>(frame)) % 8); shift != 0) {
    std::string moved((frame_bits_ + 7) / 8, '\0');
    for (std::size_t n = 0; n < moved.size(); ++n) {
      const unsigned low = static_cast<unsigned char>(bytes[n]), high = n + 1 < bytes.size() ? static_cast<unsigned char>(bytes[n + 1]) : 0;
      moved[n] = static_cast<char>((low >> shift | high << (8 - shift)) & 0xFFU);
    }
    return moved;
  }
  const std::size_t cell = static_cast<std::size_t>(format.bits_allocated) / 8;
  if (!native_ && cell > 1) {
    for (std::size_t n = 0; n + cell <= bytes.size(); n += cell)
      std::reverse(bytes.begin() + static_cast<long>(n), bytes.begin() + static_cast<long>(n + cell));
  }
  return bytes;
}

FrameSource::Picture FrameSource::rendered(std::int64_t frame, const Fields& query, int most) const {
  const dicom::DataSet& set = header_->root;
  codec::FrameFormat format = format_of(set);
  const std::string kind = format.photometric_interpretation;
  const bool colour = format.samples_per_pixel == 3 && (kind == "RGB" || kind.starts_with("YBR"));
  if (!(colour && format.bits_allocated == 8) &&
      !(format.samples_per_pixel == 1 && kind.starts_with("MONOCHROME") && format.bits_allocated <= 32)) {
    throw Error(ErrorCode::not_possible, "rendered: pictures of this kind of pixels are not made: " + to_valid_utf8(kind.substr(0, 20)));
  }
  if (static_cast<std::int64_t>(format.rows) * format.columns > most_rendered_pixels)
    throw Error(ErrorCode::not_possible,
                fmt::format("rendered: at most {} pixels; has {} x {}", most_rendered_pixels, format.columns, format.rows));
  std::string bytes = decoded(frame);
  Picture picture;
  picture.width = format.columns;
  picture.height = format.rows;
  picture.samples = colour ? 3 : 1;
  const std::size_t pixels = static_cast<std::size_t>(format.rows) * static_cast<std::size_t>(format.columns);
  // A codestream of other depth than stated keeps its own cells.
  if (encapsulated_ && format.bits_allocated % 8 == 0 &&
      bytes.size() != pixels * static_cast<std::size_t>(picture.samples * format.bits_allocated / 8)) {
    throw Error(ErrorCode::not_possible, "rendered: the stream differs from what the header says");
  }
  if (colour) {
    const bool planes = !encapsulated_ && set.integer(0x00280006U).value_or(0) == 1;
    picture.pixels.resize(pixels * 3);
    for (std::size_t n = 0; n < pixels; ++n) {
      for (std::size_t s = 0; s < 3; ++s) picture.pixels[n * 3 + s] = static_cast<std::uint8_t>(bytes[planes ? s * pixels + n : n * 3 + s]);
    }
    if (!encapsulated_ && kind == "YBR_FULL") {
      for (std::size_t n = 0; n < pixels; ++n) {  // PS3.3 C.7.6.3.1.2
        std::uint8_t* at = &picture.pixels[n * 3];
        const double y = at[0], b = at[1] - 128.0, r = at[2] - 128.0;
        const std::array<double, 3> rgb{y + 1.402 * r, y - 0.344136 * b - 0.714136 * r, y + 1.772 * b};
        for (std::size_t s = 0; s < 3; ++s) at[s] = static_cast<std::uint8_t>(std::lround(std::clamp(rgb[s], 0.0, 255.0)));
      }
    }
  } else {
    if (encapsulated_) format.high_bit = format.bits_stored - 1;
    const double slope = set.number(0x00281053U).value_or(1), intercept = set.number(0x00281052U).value_or(0);
    std::vector<double> values(pixels);
    for (std::size_t n = 0; n < pixels; ++n) values[n] = cell_value(bytes, n, format) * slope + intercept;
    const Window window = window_of(values, set, query);
    picture.pixels.resize(pixels);
    for (std::size_t n = 0; n < pixels; ++n)
      picture.pixels[n] =
          static_cast<std::uint8_t>(kind == "MONOCHROME1" ? 255 - windowed(values[n], window) : windowed(values[n], window));
  }
  int most_width = most > 0 ? most : 65535, most_height = most_width;
  if (const auto viewport = query.find("viewport")) {
    const auto parts = split(*viewport, ',');
    const auto width = parse_integer(parts[0]), height = parts.size() > 1 ? parse_integer(parts[1]) : std::nullopt;
    if (!width || !height || !(*width >= 1 && *width <= 65535) || !(*height >= 1 && *height <= 65535))
      throw Error(ErrorCode::usage, "viewport: must read width,height");
    most_width = static_cast<int>(*width);
    most_height = static_cast<int>(*height);
  }
  return reduced(picture, most_width, most_height);
}

}  // namespace gantry::archive
