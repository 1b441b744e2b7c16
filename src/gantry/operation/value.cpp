// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/operation/value.h"

#include <cstring>

#include "gantry/base/error.h"
#include "gantry/base/hash.h"
#include "gantry/base/text.h"
#include "gantry/io/io.h"
#include "gantry/operation/picture.h"

namespace gantry {

namespace {

Bytes bytes_of_text(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
  return {bytes.begin(), bytes.end()};
}

std::string text_of_bytes(std::span<const std::byte> bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

Json json_of(Vec3 v) { return Json::array({v.x, v.y, v.z}); }
Vec3 vec3_of(const Json& json) { return {json.at(0).get<double>(), json.at(1).get<double>(), json.at(2).get<double>()}; }

Json json_of(const Label& label) {
  return {{"value", label.value},
          {"id", label.id},
          {"name", label.name},
          {"code", {{"scheme", label.code.scheme}, {"value", label.code.value}, {"meaning", label.code.meaning}}},
          {"color", fmt::format("#{:02x}{:02x}{:02x}", label.color[0], label.color[1], label.color[2])},
          {"method", label.method}};
}

Label label_of_json(const Json& json) {
  Label label;
  label.value = json.at("value").get<int>();
  label.id = json.at("id").get<std::string>();
  label.name = json.value("name", label.id);
  if (json.contains("code")) {
    const Json& code = json.at("code");
    label.code = {code.at("scheme").get<std::string>(), code.at("value").get<std::string>(), code.at("meaning").get<std::string>()};
  }
  const std::string color = json.value("color", "#000000");
  if (color.size() == 7) {
    const auto number = std::strtoul(color.c_str() + 1, nullptr, 16);
    label.color = {static_cast<std::uint8_t>(number >> 16), static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
  }
  label.method = json.value("method", "");
  return label;
}

Json table_of(const Labels& labels) {
  Json rows = Json::array();
  for (const Label& label : labels.table()) rows.push_back(json_of(label));
  return {{"labels", rows}};
}

std::vector<Label> rows_of(const Json& json) {
  std::vector<Label> rows;
  try {
    for (const Json& row : json.at("labels")) rows.push_back(label_of_json(row));
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorCode::unreadable, "label table: needs \"labels\", a list of objects with at least \"value\" and \"id\"");
  }
  return rows;
}

Path table_path(Path path) {
  if (path.extension() == ".gz") path.replace_extension();
  return path.replace_extension(".json");
}

Json cell_json(const Table::Cell& cell) {
  if (const auto* number = std::get_if<double>(&cell)) return *number;
  if (const auto* word = std::get_if<std::string>(&cell)) return *word;
  return nullptr;
}

Json json_of(const Table& table) {
  Json rows = Json::array();
  for (const auto& row : table.rows()) {
    Json object = Json::object();
    for (std::size_t c = 0; c < row.size(); ++c) object[table.columns()[c]] = cell_json(row[c]);
    rows.push_back(std::move(object));
  }
  return rows;
}

/// RFC 4180 records.
std::vector<std::vector<std::string>> csv_records(std::string_view text) {
  std::vector<std::vector<std::string>> records(1, std::vector<std::string>(1));
  bool quoted = false;
  for (std::size_t n = 0; n < text.size(); ++n) {
    const char c = text[n];
    if (quoted) {
      if (c != '"') {
        records.back().back() += c;
      } else if (n + 1 < text.size() && text[n + 1] == '"') {
        records.back().back() += text[++n];
      } else {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == ',') {
      records.back().emplace_back();
    } else if (c == '\n') {
      records.emplace_back(1);
    } else if (c != '\r') {
      records.back().back() += c;
    }
  }
  if (quoted) throw Error(ErrorCode::unreadable, "table: ends within quotation marks; the file may be cut off");
  if (records.back().size() == 1 && records.back().front().empty()) records.pop_back();
  return records;
}

/// Lines of cells between tabs; quotation marks mean nothing.
std::vector<std::vector<std::string>> tab_records(std::string_view text) {
  std::vector<std::vector<std::string>> records;
  for (const std::string& line : split(text, '\n')) {
    const std::string_view whole = line.ends_with('\r') ? std::string_view(line).substr(0, line.size() - 1) : std::string_view(line);
    if (!whole.empty()) records.push_back(split(whole, '\t'));
  }
  return records;
}

Table table_of(std::vector<std::vector<std::string>> records) {
  if (records.empty()) throw Error(ErrorCode::unreadable, "table: needs a first line with the names of the columns");
  Table table(records.front());
  for (std::size_t r = 1; r < records.size(); ++r) {
    if (records[r].size() != table.columns().size()) {
      throw Error(ErrorCode::unreadable,
                  fmt::format("table: line {} has {} cells; the first line has {}", r + 1, records[r].size(), table.columns().size()));
    }
    std::vector<Table::Cell> row;
    for (std::string& word : records[r]) {
      if (word.empty()) {
        row.emplace_back();
      } else if (const auto number = parse_double(word)) {
        row.emplace_back(*number);
      } else {
        row.emplace_back(std::move(word));
      }
    }
    table.add(std::move(row));
  }
  return table;
}

Table table_of_csv(std::string_view text) { return table_of(csv_records(text)); }

}  // namespace

const std::string& Value::digest() const {
  if (!digest_) digest_ = std::make_shared<const std::string>(sha256_hex(to_bytes()));
  return *digest_;
}

Image PortType<Image>::read(const Path& path, Run& run) { return io::read(path, run); }
void PortType<Image>::write(const Path& path, const Image& image, Run& run) {
  io::write(path, lower(path.extension().string()) == ".png" ? picture_of(image) : image, run);
}

Bytes PortType<Image>::to_bytes(const Image& image) {
  const Grid& grid = image.grid();
  const Json header{
      {"type", name_of(image.type())},
      {"components", image.components()},
      {"frames", image.frames()},
      {"size", grid.size()},
      {"spacing_mm", json_of(grid.spacing_mm())},
      {"origin_mm", json_of(grid.origin_mm())},
      {"direction", {json_of(grid.direction().column[0]), json_of(grid.direction().column[1]), json_of(grid.direction().column[2])}},
      {"slice_positions_mm", grid.slice_positions_mm()}};
  std::string text = header.dump();
  text += '\0';
  Bytes bytes(text.size() + image.byte_count());
  std::memcpy(bytes.data(), text.data(), text.size());
  std::memcpy(bytes.data() + text.size(), image.data(), image.byte_count());
  return bytes;
}

Image PortType<Image>::from_bytes(std::span<const std::byte> bytes) {
  const auto end = std::find(bytes.begin(), bytes.end(), std::byte{0});
  if (end == bytes.end()) throw Error(ErrorCode::unreadable, "cached image: has no header");
  const auto header_size = static_cast<std::size_t>(end - bytes.begin());
  const Json header = parse_json(text_of_bytes(bytes.first(header_size)));
  const auto voxels = bytes.subspan(header_size + 1);
  const Json& axes = header.at("direction");
  Grid grid(header.at("size").get<Size3>(), vec3_of(header.at("spacing_mm")), vec3_of(header.at("origin_mm")),
            Mat3{{vec3_of(axes[0]), vec3_of(axes[1]), vec3_of(axes[2])}});
  if (auto positions = header.at("slice_positions_mm").get<std::vector<double>>(); !positions.empty())
    grid = grid.with_slice_positions(std::move(positions));
  const auto components = header.at("components").get<int>();
  const auto frames = header.at("frames").get<std::int64_t>();
  const auto fill = [&]<class T>(T) -> Image {
    auto image = Voxels<T>::uninitialized(grid, components, frames);
    if (image.values().size_bytes() != voxels.size())
      throw Error(ErrorCode::unreadable, "cached image: has another size than its header says");
    std::memcpy(image.data(), voxels.data(), voxels.size());
    return image;
  };
  const auto type = header.at("type").get<std::string>();
  if (type == "i8") return fill(std::int8_t{});
  if (type == "u8") return fill(std::uint8_t{});
  if (type == "i16") return fill(std::int16_t{});
  if (type == "u16") return fill(std::uint16_t{});
  if (type == "i32") return fill(std::int32_t{});
  if (type == "u32") return fill(std::uint32_t{});
  if (type == "f32") return fill(float{});
  if (type == "f64") return fill(double{});
  if (type == "c64") return fill(std::complex<float>{});
  if (type == "c128") return fill(std::complex<double>{});
  throw Error(ErrorCode::unreadable, "cached image: has an unknown type");
}

Labels PortType<Labels>::read(const Path& path, Run& run) {
  Image image = io::read(path, run);
  if (!is_integer(image.type())) {
    // Masks saved as floating point are common; they are labels when every value is whole.
    const auto values = image.as<float>();
    auto whole = Voxels<std::int32_t>::uninitialized(image.grid(), image.components(), image.frames());
    for (std::int64_t n = 0; n < values.count(); ++n) {
      if (!(values[n] == std::floor(values[n]) && std::abs(values[n]) < 0x1p31f)) {
        throw Error(ErrorCode::refused, fmt::format("{}: labels must be whole numbers; got {}", path.filename().string(), values[n]));
      }
      whole[n] = static_cast<std::int32_t>(values[n]);
    }
    image = Image(std::move(whole));
  }
  std::error_code ignored;
  const Path beside = table_path(path);
  if (!std::filesystem::exists(beside, ignored)) return Labels(std::move(image), {});
  return with_context(beside.filename().string(), [&] { return Labels(std::move(image), rows_of(parse_json(read_text(beside)))); });
}

void PortType<Labels>::write(const Path& path, const Labels& labels, Run& run) {
  io::write(path, labels.image(), run);
  if (!labels.table().empty()) write_atomic(table_path(path), to_text(table_of(labels)));
}

Bytes PortType<Labels>::to_bytes(const Labels& labels) {
  Bytes bytes = bytes_of_text(table_of(labels).dump() + '\0');
  const Bytes image = PortType<Image>::to_bytes(labels.image());
  bytes.insert(bytes.end(), image.begin(), image.end());
  return bytes;
}

Labels PortType<Labels>::from_bytes(std::span<const std::byte> bytes) {
  const auto end = static_cast<std::size_t>(std::find(bytes.begin(), bytes.end(), std::byte{0}) - bytes.begin());
  return Labels(PortType<Image>::from_bytes(bytes.subspan(std::min(bytes.size(), end + 1))),
                rows_of(parse_json(text_of_bytes(bytes.first(end)))));
}

Table PortType<Table>::read(const Path& path, Run&) {
  return with_context(path.filename().string(), [&] {
    const std::string text = to_valid_utf8(read_text(path));
    return lower(path.extension().string()) == ".tsv" ? table_of(tab_records(text)) : table_of_csv(text);
  });
}
void PortType<Table>::write(const Path& path, const Table& table, Run&) {
  write_atomic(path, path.extension() == ".json" ? to_text(json_of(table)) : table.to_csv());
}
Bytes PortType<Table>::to_bytes(const Table& table) { return bytes_of_text(table.to_csv()); }
Table PortType<Table>::from_bytes(std::span<const std::byte> bytes) { return table_of_csv(text_of_bytes(bytes)); }

Json PortType<Json>::read(const Path& path, Run&) {
  return with_context(path.filename().string(), [&] { return parse_json(read_text(path)); });
}
void PortType<Json>::write(const Path& path, const Json& json, Run&) { write_atomic(path, to_text(json)); }
Bytes PortType<Json>::to_bytes(const Json& json) { return bytes_of_text(json.dump(-1, ' ', false, Json::error_handler_t::replace)); }
Json PortType<Json>::from_bytes(std::span<const std::byte> bytes) { return parse_json(text_of_bytes(bytes)); }

std::string PortType<std::string>::read(const Path& path, Run&) { return to_valid_utf8(read_text(path)); }
void PortType<std::string>::write(const Path& path, const std::string& text, Run&) { write_atomic(path, text); }
Bytes PortType<std::string>::to_bytes(const std::string& text) { return bytes_of_text(text); }
std::string PortType<std::string>::from_bytes(std::span<const std::byte> bytes) { return text_of_bytes(bytes); }

}  // namespace gantry
