// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/retrieval/embedder.h"

#include "gantry/base/error.h"
#include "gantry/base/hash.h"
#include "gantry/operation/picture.h"
#include "gantry/operation/vectors_port.h"

namespace gantry {

Embedder::Embedder(const std::string& name) : id_(name) {
  if (name == "thumbnail") return;
  model_ = std::make_unique<learning::PictureModel>(bundle::installed_bundle(name));
  id_ += " " + sha256_hex(model_->bundle().manifest.value("files", Json::object()).dump()).substr(0, 16);
}

int Embedder::dimension() const { return model_ ? model_->embedding_size() : thumbnail_vector_side * thumbnail_vector_side; }

std::vector<float> Embedder::embed(std::span<const Image> pictures, Run& run) const {
  std::vector<float> values;
  std::size_t unlike = 0;
  for (std::size_t n = 0; n < pictures.size(); ++n) {
    with_context(fmt::format("picture {}", n + 1), [&] {
      const std::vector<float> one = model_ ? learning::fit_picture(pictures[n], model_->input()) : thumbnail_vector(pictures[n]);
      if (model_ && model_->novelty() && !model_->novelty()->reason(one, model_->input()).empty()) ++unlike;
      values.insert(values.end(), one.begin(), one.end());
    });
    run.check();
  }
  if (unlike > 0)
    run.warn(fmt::format("{} of {} pictures are unlike those that the model learnt from: what is near to them says little", unlike,
                         pictures.size()));
  return model_ ? model_->embeddings(values, run) : values;
}

std::vector<Image> pictures_of(std::span<const Image> images, std::size_t most) {
  std::vector<Image> pictures;
  for (const Image& image : images) {
    const Grid& grid = image.grid();
    if (is_complex(image.type())) throw Error(ErrorCode::not_possible, "picture: must be real; is complex");
    if (static_cast<std::size_t>(grid.size(2) * image.frames()) > most - pictures.size())
      throw Error(ErrorCode::refused, fmt::format("pictures: at most {} are taken", most));
    if (grid.size(2) == 1 && image.frames() == 1) {
      pictures.push_back(picture_of(image));
      continue;
    }
    const Grid plane({grid.size(0), grid.size(1), 1}, grid.spacing_mm());
    visit_real(image, [&](const auto& view) {
      using T = std::remove_cvref_t<decltype(view[0])>;
      const std::int64_t size = grid.size(0) * grid.size(1) * image.components();
      for (std::int64_t n = 0; n < grid.size(2) * image.frames(); ++n) {
        auto one = Voxels<T>::uninitialized(plane, image.components());
        std::copy_n(view.data() + n * size, size, one.data());
        pictures.push_back(picture_of(Image(std::move(one))));
      }
    });
  }
  if (pictures.empty()) throw Error(ErrorCode::not_possible, "pictures: must be at least one; there is none");
  return pictures;
}

std::vector<std::uint8_t> thumbnail_bytes(const Image& picture, int side) {
  std::vector<std::uint8_t> bytes;
  for (const float v : grey_square(picture, side)) bytes.push_back(static_cast<std::uint8_t>(std::lround(std::clamp(v, 0.0F, 255.0F))));
  return bytes;
}

}  // namespace gantry
