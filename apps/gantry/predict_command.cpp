// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <set>

#include "command_line.h"
#include "commands.h"
#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/base/version.h"
#include "gantry/classification/film.h"
#include "gantry/io/io.h"
#include "gantry/learning/picture_model.h"
#include "gantry/learning/segmentation_model.h"
#include "gantry/learning/volume_model.h"
#include "gantry/operation/sources.h"
#include "session.h"

namespace gantry::cli {

namespace {

/// The last components of each path, as few as tell all of them apart, joined by `_` and without an ending.
Words short_names(const Words& paths) {
  std::vector<Words> parts;
  std::size_t most = 1;
  for (const std::string& path : paths) {
    Words components;
    Path whole = std::filesystem::absolute(path).lexically_normal();
    if (!whole.has_filename()) whole = whole.parent_path();
    for (const Path& component : whole.relative_path()) components.push_back(component.string());
    if (!components.empty() && !std::filesystem::is_directory(path)) {
      std::string& name = components.back();
      if (name.ends_with(".nii.gz")) name.resize(name.size() - 3);
      name = Path(name).stem().string();
    }
    most = std::max(most, components.size());
    parts.push_back(std::move(components));
  }
  for (std::size_t count = 1; count <= most; ++count) {
    Words names;
    for (const Words& components : parts) {
      const auto first = components.end() - static_cast<std::ptrdiff_t>(std::min(count, components.size()));
      names.push_back(join(Words(first, components.end()), "_"));
    }
    if (std::set<std::string>(names.begin(), names.end()).size() == names.size()) return names;
  }
  throw Error(ErrorCode::usage, "predict: the same input is given twice");
}

/// Whether a folder holds the files of a prediction and nothing else.
bool holds_prediction_alone(const Path& folder) {
  static const std::set<std::string> known{"prediction.json", "segmentation.json", "segmentation.nii.gz", "explanation.png"};
  bool found = false;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (!known.contains(entry.path().filename().string())) return false;
    found = found || entry.path().filename() == "prediction.json";
  }
  return found;
}

/// What is there under the name of the result will be replaced: it must be empty, a prediction, or a folder of predictions.
void check_destination(const Path& out) {
  if (!std::filesystem::exists(out)) return;
  if (!std::filesystem::is_directory(out)) throw Error(ErrorCode::usage, "output: must be a folder; a file of this name is there");
  if (holds_prediction_alone(out)) return;
  for (const auto& entry : std::filesystem::directory_iterator(out))
    if (!entry.is_directory() || !holds_prediction_alone(entry.path()))
      throw Error(ErrorCode::usage, fmt::format("output: an existing folder must be empty or hold predictions alone; has {}",
                                                entry.path().filename().string()));
}

/// What every prediction says first.
Json head_of(const bundle::Bundle& bundle) { return {{"gantry_version", version()}, {"bundle", bundle.id()}, {"task", bundle.task}}; }

void write_prediction(Json& prediction, const Path& folder) {
  prediction["notice"] = not_a_medical_device();
  write_atomic(folder / "prediction.json", to_text(prediction));
}

struct Picture {
  Image image;
  dicom::Header header;  ///< empty for what is no DICOM
};

Picture read_picture(const Path& path, Run& run) {
  if (!std::filesystem::is_directory(path) && io::is_image_file(path)) return {io::read(path, run), {}};
  const std::vector<Path> paths{path};
  const dicom::Input input = dicom::read_dicom(paths, run);
  for (const dicom::Study& study : input.studies) {
    for (const dicom::Series& series : study.series) {
      if (!series.reason.empty()) throw Error(ErrorCode::unreadable, series.reason);
      return {classification::film_picture(series.header, dicom::load(series, run)), series.header};
    }
  }
  throw Error(ErrorCode::unreadable, input.files.empty() || input.files[0].reason.empty() ? "holds no image" : input.files[0].reason);
}

Json classify(const learning::PictureModel& model, const Path& path, const Path& folder, Run& run) {
  const Picture picture = read_picture(path, run);
  Json warnings = Json::array();
  const Json description = model.bundle().manifest.value("description", Json::object());
  if (description.contains("scope")) {
    if (!picture.header.empty()) {
      classification::require_scope(model.bundle(), picture.header);
    } else {
      warnings.push_back("the picture has no header: whether it lies in the model's scope is not known");
      run.warn(path.filename().string() + ": " + warnings[0].get<std::string>());
    }
  }
  const learning::PictureAnswer answer = model.answer(picture.image, true);
  io::write(folder / "explanation.png", classification::explanation_figure(picture.image, answer, model.input(), 512, run), run);
  Json classes = Json::array();
  for (std::size_t n = 0; n < answer.probabilities.size(); ++n)
    classes.push_back({{"name", model.classes()[n]}, {"probability", answer.probabilities[n]}});
  Json prediction = head_of(model.bundle());
  prediction["class"] = model.classes()[answer.given];
  prediction["confidence"] = answer.probabilities[answer.given];
  prediction["classes"] = classes;
  prediction["explanation"] = "explanation.png";
  prediction["warnings"] = warnings;
  write_prediction(prediction, folder);
  return prediction;
}

Json write_segmentation(const bundle::Bundle& bundle, const Labels& labels, const Path& folder, Run& run) {
  std::vector<std::int64_t> counts(1 << 16);
  const auto view = labels.image().as<std::uint16_t>();
  for (const std::uint16_t value : view.values()) ++counts[value];
  Json classes = Json::array();
  for (const Label& label : labels.table()) {
    classes.push_back({{"value", label.value},
                       {"id", label.id},
                       {"name", label.name},
                       {"volume_ml", static_cast<double>(counts[static_cast<std::size_t>(label.value)]) *
                                         labels.image().grid().voxel_volume_mm3() / 1000}});
  }
  Value(labels).write(folder / "segmentation.nii.gz", run);
  Json prediction = head_of(bundle);
  prediction["segmentation"] = "segmentation.nii.gz";
  prediction["classes"] = classes;
  write_prediction(prediction, folder);
  return prediction;
}

}  // namespace

int predict(const Words& arguments) {
  CommandLine command("predict", "Runs a trained network on images.");
  std::string folder, out, device = "auto";
  Words inputs;
  command.positional("BUNDLE", folder, "Trained model");
  command.positionals("IN", inputs, "Images: files, or folders of DICOM that hold one volume");
  command.option("-o,--output", out,
                 "Folder for prediction.json and segmentation.nii.gz or explanation.png; with several images it holds one folder each",
                 "OUT");
  command.option("--device", device, "Where to compute; default auto: CUDA where there is one", "auto|cpu|cuda");
  command.example("gantry predict models/cxr_pneumonia film.dcm -o result");
  command.example("gantry predict mindgrab-bundle head.nii.gz -o result");
  Session session(command);
  if (!command.parse(arguments)) return 0;
  if (out.empty()) throw Error(ErrorCode::usage, "predict: needs -o OUT");
  check_destination(out);
  const Words names = short_names(inputs);
  std::optional<learning::PictureModel> pictures;
  std::optional<learning::SegmentationModel> trained;
  std::optional<learning::VolumeModel> imported;
  const bundle::Bundle bundle = bundle::open_bundle(folder);
  if (bundle.task == "classification") {
    pictures.emplace(folder, learning::device_named(device));
  } else if (learning::holds_segmenter(bundle)) {
    trained.emplace(folder, learning::device_named(device));
  } else {
    if (device == "cuda") throw Error(ErrorCode::not_possible, "device: imported networks run on the CPU alone: use --device cpu");
    imported.emplace(folder);
  }
  Run& run = session.start();
  StagedFolder staged(out);
  Json all = Json::object();
  for (std::size_t n = 0; n < inputs.size(); ++n) {
    const auto whole = static_cast<double>(inputs.size());
    Run part = run.part(static_cast<double>(n) / whole, static_cast<double>(n + 1) / whole);
    const Path place = inputs.size() == 1 ? staged.path() : staged.path() / names[n];
    std::filesystem::create_directories(place);
    all[names[n]] = with_context(Path(inputs[n]).filename().string(), [&] {
      if (pictures) return classify(*pictures, inputs[n], place, part);
      const Image image = read_any_image(inputs[n], part);
      return write_segmentation(bundle, trained ? trained->segment(image, part) : imported->segment(image, part), place, part);
    });
  }
  staged.commit();
  session.finish();
  if (session.json()) {
    print(inputs.size() == 1 ? all.begin().value() : all);
  } else {
    std::string text;
    for (const auto& [name, prediction] : all.items())
      for (const Json& one : prediction["classes"])
        text += pictures ? fmt::format("{}  {:<32} {:10.3f}\n", name, one["name"].get<std::string>(), one["probability"].get<double>())
                         : fmt::format("{}  {:<32} {:10.1f} mL\n", name, one["name"].get<std::string>(), one["volume_ml"].get<double>());
    print(text);
  }
  return 0;
}

}  // namespace gantry::cli
