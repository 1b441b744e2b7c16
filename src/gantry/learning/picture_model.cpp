// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/picture_model.h"

#include "gantry/base/error.h"
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

PictureModel::PictureModel(const Path& folder, Device device) : bundle_(bundle::open_bundle(folder)) {
  with_context(bundle_.name, [&] {
    if (bundle_.task != "classification")
      throw Error(ErrorCode::refused, "bundle: must be of the task classification; is of " + bundle_.task);
    const Json& manifest = bundle_.manifest;
    classes_ = class_names(manifest, 1000);
    input_ = parse_picture_input(bundle::member(manifest, "input", Json::value_t::object));
    temperature_ = bundle::number_member(bundle::member(manifest, "calibration", Json::value_t::object), "temperature", 0.01, 100);
    const ClassifierDesign design =
        parse_design(bundle::member(manifest, "architecture", Json::value_t::object), input_.channels, static_cast<int>(classes_.size()));
    classifier_ = engine().classifier(design, device);
    classifier_->set_weights(weights_of(bundle_));
  });
}

PictureAnswer PictureModel::answer(const Image& picture, bool explain) const {
  Tensor batch{{1, input_.channels, input_.rows, input_.columns}, fit_picture(picture, input_)};
  normalise(batch.values, input_);
  const Tensor scores = classifier_->forward(batch, 1);
  PictureAnswer answer;
  answer.probabilities = softmax({classes_.size(), {scores.values.begin(), scores.values.end()}}, temperature_).values;
  answer.given =
      static_cast<std::size_t>(std::max_element(answer.probabilities.begin(), answer.probabilities.end()) - answer.probabilities.begin());
  if (explain) answer.explanation = enlarge(classifier_->activation_map(batch, static_cast<int>(answer.given)), input_);
  return answer;
}

Table PictureModel::probabilities(const Cases& cases, const Run& run) const {
  return softmax(scores_of(*classifier_, input_, cases, run), temperature_);
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
  manifest["calibration"] = {{"method", "temperature"}, {"temperature", trained.temperature}, {"part", "validation"}};
  Json& training = manifest["training"] = training_of(options.device, run);
  training["data_set"] = {{"sha256", set.digest},
                          {"train", counts_of(set.train, set.classes)},
                          {"validation", counts_of(set.validation, set.classes)},
                          {"test", counts_of(set.test, set.classes)}};
  training["options"] = to_json(options);
  training["chosen_epoch"] = trained.epoch;
  training["chosen_by"] = "least cross entropy on the validation part";
  training["epochs"] = record_of(trained.record);
  const auto classifier = engine().classifier(trained.design, options.device);
  classifier->set_weights(trained.weights);
  Json& figures = manifest["figures"] = Json::object();
  for (const auto& [part, cases] : {std::pair{"validation", &set.validation}, {"test", &set.test}}) {
    if (cases->size() == 0) continue;
    const Table probabilities = softmax(scores_of(*classifier, trained.input, *cases, run), trained.temperature);
    figures[part] = to_json(score(probabilities, cases->labels, run), set.classes);
  }
  write_trained(place, manifest, trained.weights, run);
}

}  // namespace gantry::learning
