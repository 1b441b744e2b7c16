// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/retrieval/search.h"

#include "gantry/retrieval/embedder.h"
#include "gantry/retrieval/nearest.h"
#include "gantry/visualization/canvas.h"

namespace gantry {

namespace {

constexpr std::size_t most_queries = 100'000;

/// Bytes of a grey square as a picture.
Image square_picture(const std::uint8_t* bytes, int side) {
  auto picture = Voxels<std::uint8_t>::uninitialized(Grid({side, side, 1}));
  std::copy_n(bytes, picture.count(), picture.data());
  return picture;
}

Image search_figure(const std::vector<Image>& queries, const VectorSet& index, const std::vector<std::vector<Neighbour>>& found) {
  constexpr int tile = 132, gap = 10, words = 40, left = 8;
  const int rows = static_cast<int>(std::min<std::size_t>(queries.size(), 6));
  const int columns = static_cast<int>(std::min<std::size_t>(found.empty() ? 0 : found[0].size(), 8));
  const int width = left * 2 + (columns + 1) * (tile + gap) + 24, height = 30 + rows * (tile + words + gap);
  const auto canvas = Canvas::bitmap(width, height, {0xff, 0xff, 0xff});
  const Paint ink{{0x14, 0x18, 0x1f}}, quiet{{0x58, 0x64, 0x74}};
  canvas->text(left, 6, "Query", {.size = 15, .bold = true, .paint = ink});
  canvas->text(left + tile + gap + 24, 6, "Most similar, with the cosine", {.size = 15, .bold = true, .paint = ink});
  const auto fitting = [&](std::string text, const TextStyle& style) {
    while (text.size() > 4 && canvas->measure(text, style).width > tile) {
      text.resize(text.size() - 4);
      while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0U) == 0x80U) text.pop_back();
      text += "...";
    }
    return text;
  };
  for (int r = 0; r < rows; ++r) {
    const double y = 30 + r * (tile + words + gap);
    const auto query = static_cast<std::size_t>(r);
    const std::vector<std::uint8_t> bytes = thumbnail_bytes(queries[query], 64);
    canvas->picture(square_picture(bytes.data(), 64), left, y, tile, tile);
    canvas->text(left, y + tile + 2, fmt::format("{}", r + 1), {.size = 13, .paint = quiet});
    for (int c = 0; c < columns; ++c) {
      const Neighbour& one = found[query][static_cast<std::size_t>(c)];
      const double x = left + (c + 1) * (tile + gap) + 24;
      if (index.side > 0) {
        const auto size = static_cast<std::size_t>(index.side) * static_cast<std::size_t>(index.side);
        canvas->picture(square_picture(index.thumbnails.data() + one.item * size, index.side), x, y, tile, tile);
      }
      const std::string label = index.labels.empty() ? index.names[one.item] : index.labels[one.item];
      const TextStyle style{.size = 13, .paint = ink};
      canvas->text(x, y + tile + 2, fitting(label, style), style);
      canvas->text(x, y + tile + 19, fmt::format("{:.3f}", one.similarity), {.size = 13, .paint = quiet});
    }
  }
  return canvas->image();
}

}  // namespace

void SimilarPictures::describe(Description<SimilarPictures>& d) {
  d.summary("Finds the pictures of an index that are most like others.");
  d.input("index", "An index as retrieval.index makes it");
  d.input("queries", "Pictures to which similar ones are sought; each slice of a stack is one");
  d.parameter("neighbours", &SimilarPictures::neighbours, "So many are found for each").range(1, 1000);
  d.output("matches", &Result::matches, "Name, label and similarity (cosine) of what was found, the most alike first");
  d.output("summary", &Result::summary, "For each query the most alike, and the share of each label among the neighbours");
  d.output("figure", &Result::figure, "Up to six queries, each with what was found");
  d.example("gantry retrieval search films.gvec matches.csv --input film.png --neighbours 5 --figure matches.png");
  d.reference("Babenko A, Slesarev A, Chigorin A, Lempitsky V. Neural codes for image retrieval. ECCV 2014; 584-599.");
}

SimilarPictures::Result SimilarPictures::operator()(const VectorSet& index, std::span<const Image> queries, Run& run) const {
  check_parameters(*this);
  if (index.size() == 0) throw Error(ErrorCode::not_possible, "index: must hold at least one picture; is empty");
  const Embedder embedder(index.embedding.substr(0, index.embedding.find(' ')));
  if (embedder.id() != index.embedding || embedder.dimension() != index.dimension)
    throw Error(ErrorCode::refused, fmt::format("index: was made by {}, and {} is installed: their vectors cannot be compared",
                                                index.embedding, embedder.id()));
  const std::vector<Image> all = pictures_of(queries, most_queries);
  const std::vector<float> vectors = embedder.embed(all, run);
  const auto dimension = static_cast<std::size_t>(index.dimension);
  Result result;
  result.matches = Table({"query", "rank", "name", "label", "similarity"});
  Json rows = Json::array();
  std::vector<std::vector<Neighbour>> found;
  for (std::size_t n = 0; n < all.size(); ++n) {
    found.push_back(nearest(index, std::span(vectors).subspan(n * dimension, dimension), neighbours, run));
    std::map<std::string, double> shares;
    for (std::size_t rank = 0; rank < found[n].size(); ++rank) {
      const Neighbour& one = found[n][rank];
      if (!index.labels.empty()) shares[index.labels[one.item]] += 1.0 / static_cast<double>(found[n].size());
      result.matches.add({static_cast<double>(n + 1), static_cast<double>(rank + 1), index.names[one.item],
                          index.labels.empty() ? Table::Cell() : Table::Cell(index.labels[one.item]), static_cast<double>(one.similarity)});
    }
    const Neighbour& first = found[n].front();
    rows.push_back({{"query", n + 1}, {"nearest", index.names[first.item]}, {"similarity", first.similarity}, {"labels", shares}});
    run.progress(static_cast<double>(n + 1) / static_cast<double>(all.size()));
  }
  result.summary = {{"pictures", index.size()}, {"embedding", index.embedding}, {"queries", std::move(rows)}};
  result.figure = search_figure(all, index, found);
  return result;
}

}  // namespace gantry
