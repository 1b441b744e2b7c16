// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/picture_model.h"

#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"
#include "gantry/learning/trained_bundle.h"

namespace gantry::learning {

namespace {

constexpr const char* architecture_kind = "residual_classifier";

ClassifierDesign parse_design(const Json& json, int channels, int classes) {
  if (const std::string kind = bundle::member(json, "kind", Json::value_t::string); kind != architecture_kind)
    throw Error(ErrorCode::unreadable,
                fmt::format("manifest: architecture: kind must be {}; got {}", architecture_kind, Json(kind).dump()));
  ClassifierDesign design{.channels = channels, .classes = classes, .widths = {}};
  const Json& widths = bundle::member(json, "widths", Json::value_t::array);
  if (widths.empty() || widths.size() > 6) throw Error(ErrorCode::unreadable, "manifest: architecture: widths: must be 1 to 6 numbers");
  for (const Json& width : widths) design.widths.push_back(bundle::whole_member(Json{{"widths", width}}, "widths", 1, 1024));
  design.blocks = bundle::whole_member(json, "blocks", 1, 16);
  return design;
}

/// Linear interpolation between the centres of the map's cells, then scaled to a greatest value of 1; empty when nothing is above 0.
std::vector<float> enlarge(const Tensor& map, const PictureInput& input) {
  const auto rows = map.shape[1], columns = map.shape[2];
  std::vector<float> large;
  const auto at = [](int n, int count, std::int64_t cells) {
    const double place = std::clamp((n + 0.5) * static_cast<double>(cells) / count - 0.5, 0.0, static_cast<double>(cells - 1));
    const auto first = std::min(static_cast<std::int64_t>(place), std::max<std::int64_t>(0, cells - 2));
    return std::pair{first, static_cast<float>(place - static_cast<double>(first))};
  };
  for (int j = 0; j < input.rows; ++j) {
    const auto [j0, v] = at(j, input.rows, rows);
    for (int i = 0; i < input.columns; ++i) {
      const auto [i0, u] = at(i, input.columns, columns);
      const auto value = [&, j0 = j0, i0 = i0](std::int64_t dj, std::int64_t di) {
        return map.values[static_cast<std::size_t>(std::min(j0 + dj, rows - 1) * columns + std::min(i0 + di, columns - 1))];
      };
      large.push_back((1 - v) * ((1 - u) * value(0, 0) + u * value(0, 1)) + v * ((1 - u) * value(1, 0) + u * value(1, 1)));
    }
  }
  const float most = *std::max_element(large.begin(), large.end());
  if (!(most > 0)) return {};
  for (float& value : large) value /= most;
  return large;
}

std::string member_prefix(std::size_t number) { return fmt::format("member_{}.", number); }

/// The weights of several networks in one file have the number of theirs before their names.
Weights join_members(const std::vector<TrainedMember>& members) {
  if (members.size() == 1) return members[0].weights;
  Weights all;
  for (std::size_t m = 0; m < members.size(); ++m) {
    for (const auto& [name, tensor] : members[m].weights.tensors) all.tensors[member_prefix(m + 1) + name] = tensor;
  }
  return all;
}

std::vector<Weights> part_members(const Weights& all, int members) {
  if (members == 1) return {all};
  std::vector<Weights> parts(static_cast<std::size_t>(members));
  std::size_t taken = 0;
  for (std::size_t m = 0; m < parts.size(); ++m) {
    const std::string prefix = member_prefix(m + 1);
    for (const auto& [name, tensor] : all.tensors) {
      if (name.starts_with(prefix)) parts[m].tensors[name.substr(prefix.size())] = tensor;
    }
    taken += parts[m].tensors.size();
  }
  if (taken != all.tensors.size())
    throw Error(ErrorCode::unreadable, fmt::format("weights: must be those of {} networks; there are others", members));
  return parts;
}

/// The mean of the networks' maps.
Tensor map_together(const Classifiers& classifiers, const Tensor& batch, int label) {
  Tensor map = classifiers[0]->activation_map(batch, label);
  for (std::size_t m = 1; m < classifiers.size(); ++m) {
    const Tensor other = classifiers[m]->activation_map(batch, label);
    for (std::size_t n = 0; n < map.values.size(); ++n) map.values[n] += other.values[n];
  }
  for (float& value : map.values) value /= static_cast<float>(classifiers.size());
  return map;
}

Json counts_of(const Cases& cases, const std::vector<std::string>& classes) {
  Json counts = Json::object();
  for (std::size_t c = 0; c < classes.size(); ++c)
    counts[classes[c]] = std::count(cases.labels.begin(), cases.labels.end(), static_cast<int>(c));
  return counts;
}

Json record_of(const std::vector<Epoch>& record) {
  const auto rounded = [](double v) { return std::round(v * 1e5) / 1e5; };
  Json lines = Json::array();
  for (const Epoch& e : record) {
    lines.push_back({{"loss", rounded(e.loss)},
                     {"validation_cross_entropy", rounded(e.validation_cross_entropy)},
                     {"validation_auc", rounded(e.validation_auc)},
                     {"validation_accuracy", rounded(e.validation_accuracy)}});
  }
  return lines;
}

}  // namespace

PictureModel::PictureModel(const Path& folder, Device device) : bundle_(bundle::open_bundle(folder)), device_(device) {
  with_context(bundle_.name, [&] {
    if (bundle_.task != "classification")
      throw Error(ErrorCode::refused, "bundle: must be of the task classification; is of " + bundle_.task);
    const Json& manifest = bundle_.manifest;
    classes_ = class_names(manifest, 1000);
    input_ = parse_picture_input(bundle::member(manifest, "input", Json::value_t::object));
    calibration_ = parse_calibration(bundle::member(manifest, "calibration", Json::value_t::object), classes_.size());
    const Json& architecture = bundle::member(manifest, "architecture", Json::value_t::object);
    design_ = parse_design(architecture, input_.channels, static_cast<int>(classes_.size()));
    const int members = architecture.contains("members") ? bundle::whole_member(architecture, "members", 1, most_members) : 1;
    novelty_ = Novelty::of(bundle_);
    for (const Weights& weights : part_members(weights_of(bundle_), members)) {
      classifiers_.push_back(engine().classifier(design_, device));
      classifiers_.back()->set_weights(weights);
    }
  });
}

PictureAnswer PictureModel::answer(const Image& picture, bool explain) const {
  Tensor batch{{1, input_.channels, input_.rows, input_.columns}, fit_picture(picture, input_)};
  if (novelty_) {
    if (const std::string reason = novelty_->reason(batch.values, input_); !reason.empty())
      throw Error(ErrorCode::not_possible, fmt::format("model {}: {}", bundle_.name, reason));
  }
  PictureAnswer answer;
  normalise(batch.values, input_);
  answer.probabilities = calibrated(forward_together(classifiers_, batch), calibration_).values;
  answer.given =
      static_cast<std::size_t>(std::max_element(answer.probabilities.begin(), answer.probabilities.end()) - answer.probabilities.begin());
  if (explain) answer.explanation = enlarge(map_together(classifiers_, batch, static_cast<int>(answer.given)), input_);
  return answer;
}

std::vector<float> PictureModel::embeddings(std::span<const float> values, const Run& run) const {
  // The last layer is linear: with the identity in its place the network gives what goes into it.
  const int width = design_.widths.back();
  ClassifierDesign open = design_;
  open.classes = width;
  Tensor identity{{width, width}, std::vector<float>(static_cast<std::size_t>(width * width))};
  for (int n = 0; n < width; ++n) identity.values[static_cast<std::size_t>(n * width + n)] = 1;
  Classifiers networks;
  for (const auto& classifier : classifiers_) {
    Weights weights = classifier->weights();
    weights.tensors["head.weight"] = identity;
    weights.tensors["head.bias"] = {{width}, std::vector<float>(static_cast<std::size_t>(width))};
    networks.push_back(engine().classifier(open, device_));
    networks.back()->set_weights(weights);
  }
  const std::size_t each = input_.values(), count = values.size() / each, size = static_cast<std::size_t>(embedding_size());
  std::vector<float> result(count * size);
  parallel_for(run, static_cast<std::int64_t>(count), 32, [&](std::int64_t begin, std::int64_t end) {
    Tensor batch{{end - begin, input_.channels, input_.rows, input_.columns},
                 {values.begin() + begin * static_cast<std::int64_t>(each), values.begin() + end * static_cast<std::int64_t>(each)}};
    for (std::int64_t n = begin; n < end; ++n)
      normalise(std::span(batch.values).subspan(static_cast<std::size_t>(n - begin) * each, each), input_);
    for (std::size_t m = 0; m < networks.size(); ++m) {
      const Tensor found = networks[m]->forward(batch, 1);
      for (std::int64_t n = begin; n < end; ++n) {
        std::copy_n(found.values.data() + (n - begin) * width, width,
                    result.data() + static_cast<std::size_t>(n) * size + m * static_cast<std::size_t>(width));
      }
    }
    for (std::int64_t n = begin; n < end; ++n) {
      float* vector = result.data() + static_cast<std::size_t>(n) * size;
      double sum = 0, squares = 0;
      for (std::size_t d = 0; d < size; ++d) sum += vector[d];
      const double mean = sum / static_cast<double>(size);
      for (std::size_t d = 0; d < size; ++d) squares += (vector[d] - mean) * (vector[d] - mean);
      if (!(squares > 0) || !std::isfinite(squares))
        throw Error(ErrorCode::not_possible, "embedding: the network gives nothing that can be compared");
      for (std::size_t d = 0; d < size; ++d) vector[d] = static_cast<float>((vector[d] - mean) / std::sqrt(squares));
    }
  });
  return result;
}

Table PictureModel::probabilities(const Cases& cases, const Run& run) const {
  return calibrated(scores_of(classifiers_, input_, cases, run), calibration_);
}

void train_picture_bundle(const Path& data_set, const PictureSetOptions& reading, TrainOptions options, const Json& description,
                          const Path& destination, Run& run) {
  const BundlePlace place = place_for(destination);
  engine();  // what is missing is said before anything is read
  const PictureSet set = read_picture_set(data_set, reading, run);
  options.checkpoint = place.checkpoint;
  Run learning = run.part(0, 0.97);
  const TrainedClassifier trained = train_classifier(set, options, learning);

  Json manifest = manifest_of(place, "classification", description, set.classes);
  manifest["input"] = to_json(trained.input);
  manifest["architecture"] = {{"kind", architecture_kind}, {"widths", trained.design.widths}, {"blocks", trained.design.blocks}};
  if (trained.members.size() > 1) manifest["architecture"]["members"] = trained.members.size();
  manifest["calibration"] = to_json(trained.calibration);
  Json& training = manifest["training"] = training_of(options.device, run);
  training["data_set"] = {{"sha256", set.digest},
                          {"train", counts_of(set.train, set.classes)},
                          {"validation", counts_of(set.validation, set.classes)},
                          {"test", counts_of(set.test, set.classes)}};
  training["options"] = to_json(options);
  training["chosen_by"] = "least cross entropy on the validation part";
  Json chosen = Json::array(), records = Json::array();
  Classifiers classifiers;
  for (const TrainedMember& member : trained.members) {
    chosen.push_back(member.epoch);
    records.push_back(record_of(member.record));
    classifiers.push_back(engine().classifier(trained.design, options.device));
    classifiers.back()->set_weights(member.weights);
  }
  training["chosen_epochs"] = chosen;
  training["epochs"] = records;
  const std::optional<Novelty> novelty = Novelty::learnt(set.train, set.validation, trained.input);
  std::map<std::string, Bytes> files;
  if (novelty) {
    manifest["novelty"] = novelty->to_json();
    files[novelty_file] = bundle::encode_safetensors(novelty->tensors());
  }
  Json& figures = manifest["figures"] = Json::object();
  for (const auto& [part, cases] : {std::pair{"validation", &set.validation}, {"test", &set.test}}) {
    if (cases->size() == 0) continue;
    const Table probabilities = calibrated(scores_of(classifiers, trained.input, *cases, run), trained.calibration);
    figures[part] = to_json(score(probabilities, cases->labels, run), set.classes);
    if (novelty) figures[part]["unlike"] = novelty->share_unlike(*cases, trained.input, run);
  }
  write_trained(place, manifest, join_members(trained.members), std::move(files), run);
  std::error_code ignored;
  for (int number = 2; number <= options.members; ++number) std::filesystem::remove(checkpoint_of(place.checkpoint, number), ignored);
}

}  // namespace gantry::learning
