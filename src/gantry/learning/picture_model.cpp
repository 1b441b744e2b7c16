// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/picture_model.h"

#include "gantry/base/error.h"
#include "gantry/base/hash.h"
#include "gantry/base/version.h"

namespace gantry::learning {

namespace {

constexpr const char* weights_name = "weights.safetensors";
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

std::vector<std::string> parse_classes(const Json& manifest) {
  std::vector<std::string> classes;
  for (const Json& one : bundle::member(manifest, "classes", Json::value_t::array)) {
    if (!one.is_object()) throw Error(ErrorCode::unreadable, "manifest: classes: must hold objects");
    classes.push_back(bundle::member(one, "name", Json::value_t::string));
  }
  if (classes.size() < 2 || classes.size() > 1000)
    throw Error(ErrorCode::unreadable, fmt::format("manifest: classes: must be 2 to 1000; got {}", classes.size()));
  return classes;
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

PictureModel::PictureModel(const Path& folder) : bundle_(bundle::open_bundle(folder)) {
  with_context(bundle_.name, [&] {
    if (bundle_.task != "classification")
      throw Error(ErrorCode::refused, "bundle: must be of the task classification; is of " + bundle_.task);
    const Json& manifest = bundle_.manifest;
    classes_ = parse_classes(manifest);
    input_ = parse_picture_input(bundle::member(manifest, "input", Json::value_t::object));
    temperature_ = bundle::number_member(bundle::member(manifest, "calibration", Json::value_t::object), "temperature", 0.01, 100);
    const ClassifierDesign design =
        parse_design(bundle::member(manifest, "architecture", Json::value_t::object), input_.channels, static_cast<int>(classes_.size()));
    if (!manifest["files"].contains(weights_name))
      throw Error(ErrorCode::unreadable, fmt::format("manifest: files: must list {}", weights_name));
    const Weights weights = bundle::read_safetensors(bundle_.file(weights_name));
    classifier_ = engine().classifier(design);
    classifier_->set_weights(weights);
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

Json read_description(const Path& file) {
  const Json json = with_context(file.filename().string(), [&] { return parse_json(read_text(file, std::uint64_t{1} << 20), 8); });
  static const std::vector<std::pair<std::string, Json::value_t>> known{
      {"title", Json::value_t::string},   {"version", Json::value_t::string}, {"intended_use", Json::value_t::string},
      {"not_for", Json::value_t::string}, {"data", Json::value_t::string},    {"licence", Json::value_t::string},
      {"limits", Json::value_t::array},   {"scope", Json::value_t::object}};
  if (!json.is_object()) throw Error(ErrorCode::parameter, "description: must be an object");
  for (const auto& [key, value] : json.items()) {
    const auto found = std::find_if(known.begin(), known.end(), [&, &key = key](const auto& k) { return k.first == key; });
    if (found == known.end()) throw Error(ErrorCode::parameter, "description: has no member " + Json(key).dump());
    if (value.type() != found->second)
      throw Error(ErrorCode::parameter, fmt::format("description: {}: is of the wrong kind: {}", key, value.type_name()));
  }
  return json;
}

void train_picture_bundle(const Path& data_set, const PictureSetOptions& reading, TrainOptions options, const Json& description,
                          const Path& destination, Run& run) {
  Path folder = destination;
  if (!folder.has_filename()) folder = folder.parent_path();
  bundle::check_bundle_destination(folder);
  engine();  // what is missing is said before anything is read
  const PictureSet set = read_picture_set(data_set, reading, run);
  if (std::error_code ignored; folder.has_parent_path()) std::filesystem::create_directories(folder.parent_path(), ignored);
  options.checkpoint = folder.parent_path() / ("." + folder.filename().string() + ".training");
  Run learning = run.part(0, 0.97);
  const TrainedClassifier trained = train_classifier(set, options, learning);

  Json manifest{{"name", folder.filename().string()}, {"version", description.value("version", "1")}, {"task", "classification"}};
  manifest["description"] = description;
  Json& classes = manifest["classes"] = Json::array();
  for (const std::string& name : set.classes) classes.push_back({{"name", name}});
  manifest["input"] = to_json(trained.input);
  manifest["architecture"] = {{"kind", architecture_kind}, {"widths", trained.design.widths}, {"blocks", trained.design.blocks}};
  manifest["calibration"] = {{"method", "temperature"}, {"temperature", trained.temperature}, {"part", "validation"}};
  manifest["training"] = {{"gantry_version", version()},
                          {"engine", engine().name()},
                          {"seed", run.seed()},
                          {"threads", run.threads()},
                          {"data_set",
                           {{"sha256", set.digest},
                            {"train", counts_of(set.train, set.classes)},
                            {"validation", counts_of(set.validation, set.classes)},
                            {"test", counts_of(set.test, set.classes)}}},
                          {"options", to_json(options)},
                          {"chosen_epoch", trained.epoch},
                          {"chosen_by", "least cross entropy on the validation part"},
                          {"epochs", record_of(trained.record)}};
  const auto classifier = engine().classifier(trained.design);
  classifier->set_weights(trained.weights);
  Json& figures = manifest["figures"] = Json::object();
  for (const auto& [part, cases] : {std::pair{"validation", &set.validation}, {"test", &set.test}}) {
    if (cases->size() == 0) continue;
    const Table probabilities = softmax(scores_of(*classifier, trained.input, *cases, run), trained.temperature);
    figures[part] = to_json(score(probabilities, cases->labels, run), set.classes);
  }
  const std::string card = picture_card(manifest);
  const auto* text = reinterpret_cast<const std::byte*>(card.data());
  bundle::write_bundle(folder, manifest,
                       {{weights_name, bundle::encode_safetensors(trained.weights)}, {"card.md", Bytes(text, text + card.size())}});
  std::error_code ignored;
  std::filesystem::remove(options.checkpoint, ignored);
  run.progress(1, "written");
}

void describe_bundle(const Path& folder, const Json& description) {
  bundle::Bundle bundle = bundle::open_bundle(folder);
  if (bundle.task != "classification")
    throw Error(ErrorCode::not_possible,
                bundle.name + ": must be of the task classification, as gantry train writes it; is of " + bundle.task);
  bundle.manifest["description"] = description;
  bundle.manifest["version"] = description.value("version", bundle.version);
  std::string card;
  try {
    card = picture_card(bundle.manifest);
  } catch (const Json::exception&) {
    throw Error(ErrorCode::unreadable, bundle.name + ": manifest: must hold the training record and figures that a card shows");
  }
  write_atomic(bundle.file("card.md"), card);
  bundle.manifest["files"]["card.md"] = {{"bytes", card.size()}, {"sha256", sha256_hex(card)}};
  write_atomic(bundle.file("manifest.json"), to_text(bundle.manifest));
}

}  // namespace gantry::learning
