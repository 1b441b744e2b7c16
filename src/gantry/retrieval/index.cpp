// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/retrieval/index.h"

#include "gantry/base/text.h"
#include "gantry/retrieval/embedder.h"

namespace gantry {

namespace {

constexpr int index_thumbnail_side = 32;
constexpr std::size_t most_pictures = 1'000'000;

/// The texts of one column; numbers as they are written. Empty when there is no such column.
std::vector<std::string> text_column(const Table& table, std::string_view name) {
  const auto found = std::find(table.columns().begin(), table.columns().end(), name);
  std::vector<std::string> texts;
  if (found == table.columns().end()) return texts;
  for (const auto& row : table.rows()) {
    const Table::Cell& cell = row[static_cast<std::size_t>(found - table.columns().begin())];
    const auto* number = std::get_if<double>(&cell);
    const auto* word = std::get_if<std::string>(&cell);
    texts.push_back(number ? shortest(*number) : word ? to_valid_utf8(*word).substr(0, 1000) : std::string());
  }
  return texts;
}

}  // namespace

void PictureIndexing::describe(Description<PictureIndexing>& d) {
  d.summary("Makes an index of pictures, such as chest films, in which similar ones are found.");
  d.input("pictures", "Pictures; each slice of a stack is one");
  d.input("records", "One row for each picture, in order: name and label");
  d.parameter("model", &PictureIndexing::model,
              "What a picture is compared by: thumbnail, or a classifier that is installed, such as cxr_pneumonia");
  d.output("index", &Result::index, "The index, for retrieval.search");
  d.output("info", &Result::info, "Number of pictures, of each label, and how they are compared");
  d.example("gantry retrieval index films.gvec --input film_1.png --input film_2.png --records films.csv --model cxr_pneumonia");
  d.reference("Babenko A, Slesarev A, Chigorin A, Lempitsky V. Neural codes for image retrieval. ECCV 2014; 584-599.");
}

PictureIndexing::Result PictureIndexing::operator()(std::span<const Image> pictures, const Table* records, Run& run) const {
  check_parameters(*this);
  const Embedder embedder(model);
  const std::vector<Image> all = pictures_of(pictures, most_pictures);
  Result result;
  VectorSet& index = result.index;
  index.dimension = embedder.dimension();
  index.embedding = embedder.id();
  index.side = index_thumbnail_side;
  if (records) {
    if (records->rows().size() != all.size())
      throw Error(ErrorCode::refused,
                  fmt::format("records: must have one row for each of {} pictures; has {}", all.size(), records->rows().size()));
    index.names = text_column(*records, "name");
    index.labels = text_column(*records, "label");
    if (index.names.empty() && index.labels.empty())
      throw Error(ErrorCode::refused, fmt::format("records: must have the column name or label; has {}", join(records->columns(), ", ")));
  }
  for (std::size_t n = index.names.size(); n < all.size(); ++n) index.names.push_back(fmt::format("picture {}", n + 1));
  index.values = embedder.embed(all, run);
  for (const Image& one : all) {
    const std::vector<std::uint8_t> bytes = thumbnail_bytes(one, index.side);
    index.thumbnails.insert(index.thumbnails.end(), bytes.begin(), bytes.end());
  }
  Json labels = Json::object();
  for (const std::string& label : index.labels) labels[label] = labels.value(label, 0) + 1;
  result.info = {{"pictures", all.size()}, {"dimension", index.dimension}, {"embedding", index.embedding}, {"labels", labels}};
  return result;
}

}  // namespace gantry
