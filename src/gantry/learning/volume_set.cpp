// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/volume_set.h"

#include <algorithm>
#include <map>
#include <set>

#include "gantry/base/error.h"
#include "gantry/base/hash.h"
#include "gantry/base/json.h"
#include "gantry/base/random.h"
#include "gantry/bundle/bundle.h"
#include "gantry/io/io.h"
#include "gantry/volume/resample.h"

namespace gantry::learning {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t most_cases = 100000;
constexpr std::uint64_t seed_of_folds = 12345;

/// `heart_001.nii.gz` -> `heart_001`
std::string case_name(const Path& file) {
  std::string name = file.filename().string();
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  return Path(name).stem().string();
}

std::map<std::string, Path> files_of(const Path& folder) {
  std::map<std::string, Path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!entry.is_regular_file() || entry.path().filename().string().starts_with(".")) continue;
    if (!files.emplace(case_name(entry.path()), entry.path()).second)
      throw Error(ErrorCode::refused, fmt::format("data set: {}: two files have the name of this case", case_name(entry.path())));
    if (files.size() > most_cases) throw Error(ErrorCode::refused, fmt::format("data set: at most {} cases", most_cases));
  }
  return files;
}

std::string digest_of(const Image& image) {
  Sha256 hash;
  hash.add(fmt::format("{} {} {} {} {}\n", name_of(image.type()), image.frames(), image.grid().size(0), image.grid().size(1),
                       image.grid().size(2)));
  return hash.add(image.bytes()).finish_hex();
}

Voxels<std::uint8_t> labels_on(const Image& labels, const Grid& grid, std::size_t classes) {
  if (labels.components() != 1 || labels.frames() != 1) throw Error(ErrorCode::refused, "labels: must be one number a voxel");
  if (!labels.grid().same_space(grid, 0.1)) throw Error(ErrorCode::refused, "labels: must have the grid of their image");
  const auto values = labels.as<float>();
  auto whole = Voxels<std::uint8_t>::uninitialized(grid);
  for (std::int64_t n = 0; n < whole.count(); ++n) {
    const float value = values[n];
    if (!(value >= 0 && value < static_cast<float>(classes) && value == std::floor(value)))
      throw Error(ErrorCode::refused, fmt::format("labels: must be whole numbers below {}; found {}", classes, value));
    whole[n] = static_cast<std::uint8_t>(value);
  }
  return to_canonical<std::uint8_t>(whole);
}

/// Names and modality of the Decathlon's `dataset.json` ("labels": {"0": "background"}) or nnU-Net's ({"background": 0}).
void read_names(const Path& file, VolumeSet& set) {
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return;
  const Json json = with_context("dataset.json", [&] { return parse_json(read_text(file, std::uint64_t{1} << 24), 8); });
  for (const char* key : {"modality", "channel_names"}) {
    if (const Json channels = json.value(key, Json()); channels.is_object() && channels.size() == 1 && channels.begin()->is_string())
      set.ct = channels.begin()->get<std::string>() == "CT";
  }
  const Json labels = json.value("labels", Json());
  if (!set.classes.empty() || !labels.is_object()) return;
  if (labels.size() < 2 || labels.size() > 256)
    throw Error(ErrorCode::refused, fmt::format("dataset.json: labels: must be 2 to 256; got {}", labels.size()));
  set.classes.resize(labels.size());
  for (const auto& [key, value] : labels.items()) {
    const bool by_number = value.is_string();
    const Json number = by_number ? parse_json(key, 1) : value;
    if (!number.is_number_unsigned() || number.get<std::uint64_t>() >= labels.size())
      throw Error(ErrorCode::refused, fmt::format("dataset.json: labels: must be numbered from 0 without gaps; got {}", number.dump()));
    set.classes[number.get<std::size_t>()] = by_number ? value.get<std::string>() : key;
  }
}

/// Cases that are the same image, together; in the order of their first names.
std::vector<std::vector<std::size_t>> groups_of(const VolumeSet& set) {
  std::map<std::string, std::size_t> known;
  std::vector<std::vector<std::size_t>> groups;
  for (std::size_t n = 0; n < set.cases.size(); ++n) {
    const auto [found, fresh] = known.emplace(set.cases[n].digest, groups.size());
    if (fresh) groups.emplace_back();
    groups[found->second].push_back(n);
  }
  return groups;
}

void deal_out(VolumeSet& set, int folds) {
  auto groups = groups_of(set);
  if (groups.size() < static_cast<std::size_t>(folds))
    throw Error(ErrorCode::refused,
                fmt::format("data set: must hold at least {} different images, one a fold; has {}", folds, groups.size()));
  Random random(seed_of_folds);
  for (std::size_t n = groups.size(); n > 1; --n)
    std::swap(groups[n - 1], groups[static_cast<std::size_t>(random.next_integer(0, static_cast<std::int64_t>(n) - 1))]);
  set.folds.resize(static_cast<std::size_t>(folds));
  for (std::size_t n = 0; n < groups.size(); ++n) {
    auto& fold = set.folds[n % set.folds.size()];
    fold.insert(fold.end(), groups[n].begin(), groups[n].end());
  }
  for (auto& fold : set.folds) std::sort(fold.begin(), fold.end());
}

void read_folds(const Path& file, VolumeSet& set) {
  std::map<std::string, std::size_t> known;
  for (std::size_t n = 0; n < set.cases.size(); ++n) known.emplace(set.cases[n].name, n);
  const Json list = parse_json(read_text(file, std::uint64_t{1} << 26), 8);
  if (!list.is_array() || list.size() < 2 || list.size() > 20) throw Error(ErrorCode::refused, "must be a list of 2 to 20 folds");
  const auto cases_of = [&](const Json& fold, const char* side) {
    const Json names = fold.is_object() ? fold.value(side, Json()) : Json();
    if (!names.is_array() || names.empty())
      throw Error(ErrorCode::refused, fmt::format("fold {}: {}: must name cases", set.folds.size(), side));
    std::vector<std::size_t> cases;
    for (const Json& name : names) {
      const auto found = name.is_string() ? known.find(name.get<std::string>()) : known.end();
      if (found == known.end())
        throw Error(ErrorCode::refused, fmt::format("fold {}: the data set has no case {}", set.folds.size(), name.dump()));
      cases.push_back(found->second);
    }
    std::sort(cases.begin(), cases.end());
    cases.erase(std::unique(cases.begin(), cases.end()), cases.end());
    return cases;
  };
  for (const Json& fold : list) {
    const auto train = cases_of(fold, "train"), held_out = cases_of(fold, "val");
    for (const std::size_t a : held_out) {
      for (const std::size_t b : train) {
        if (set.cases[a].digest == set.cases[b].digest)
          throw Error(ErrorCode::refused, fmt::format("fold {} leaks: {}, which it holds out, is {} of its training part", set.folds.size(),
                                                      set.cases[a].name, set.cases[b].name));
      }
    }
    if (train.size() + held_out.size() != set.cases.size())
      throw Error(ErrorCode::refused, fmt::format("fold {}: must name every case of the data set", set.folds.size()));
    set.folds.push_back(held_out);
  }
}

/// Without a file of labels the case has none.
VolumeCase read_case(const std::string& name, const Path& image_file, const Path& label_file, std::size_t classes, Run& run) {
  return with_context(name, [&] {
    const Image image = io::read(image_file, run);
    VolumeCase one{name, canonical_channels(image), {}, digest_of(image)};
    if (!label_file.empty()) one.labels = labels_on(io::read(label_file, run), image.grid(), classes);
    return one;
  });
}

}  // namespace

std::vector<std::size_t> VolumeSet::training_of(std::size_t fold) const {
  if (fold >= folds.size())
    throw Error(ErrorCode::refused, fmt::format("fold: the data set has {} folds, counted from 0; got {}", folds.size(), fold));
  std::vector<std::size_t> training;
  for (std::size_t n = 0; n < cases.size(); ++n)
    if (!std::binary_search(folds[fold].begin(), folds[fold].end(), n)) training.push_back(n);
  return training;
}

Voxels<float> canonical_channels(const Image& image) {
  if (image.empty() || image.components() != 1 || is_complex(image.type()))
    throw Error(ErrorCode::refused, "image: must have one real number a voxel and frame");
  const auto values = image.as<float>();
  const float first = image.empty() ? 0 : values[0];
  bool contrast = false;
  for (std::int64_t n = 0; n < values.count(); ++n) {
    if (!std::isfinite(values[n])) throw Error(ErrorCode::refused, fmt::format("image: must hold finite values; found {}", values[n]));
    contrast = contrast || values[n] != first;
  }
  if (!contrast) throw Error(ErrorCode::refused, "image: must have contrast; all its values are equal");
  return to_canonical<float>(values);
}

VolumeSet read_volume_set(const Path& folder, const VolumeSetOptions& options, Run& run) {
  if (options.folds != 0 && !(options.folds >= 2 && options.folds <= 20))
    throw Error(ErrorCode::parameter, fmt::format("folds: must lie between 2 and 20; got {}", options.folds));
  std::error_code ignored;
  if (!fs::exists(folder, ignored)) throw Error(ErrorCode::not_found, folder.filename().string() + ": is not there");
  const std::string ending = fs::is_directory(folder / "imagesTr", ignored) ? "Tr" : "";
  const Path images = folder / ("images" + ending), labels = folder / ("labels" + ending);
  if (!fs::is_directory(images, ignored) || (options.labels && !fs::is_directory(labels, ignored)))
    throw Error(ErrorCode::refused, options.labels ? "data set: must be a folder with images and labels, or imagesTr and labelsTr"
                                                   : "data set: must be a folder with images, or imagesTr");
  VolumeSet set;
  set.classes = options.classes;
  if (options.labels) read_names(folder / "dataset.json", set);
  const bool named = !set.classes.empty();
  if (named && (set.classes.size() < 2 || set.classes.size() > 256))
    throw Error(ErrorCode::refused, fmt::format("classes: must be 2 to 256, background first; got {}", set.classes.size()));
  auto label_files = options.labels ? files_of(labels) : std::map<std::string, Path>();
  const auto image_files = files_of(images);
  if (image_files.empty()) throw Error(ErrorCode::refused, "data set: must hold at least one case; its folder of images is empty");
  std::uint64_t bytes = 0;
  std::vector<std::int64_t> counts(256);
  for (const auto& [file, path] : image_files) {
    run.progress(static_cast<double>(set.cases.size()) / static_cast<double>(image_files.size()), "reading");
    std::string name = file;
    if (!label_files.contains(name) && name.ends_with("_0000")) name.resize(name.size() - 5);
    auto label = label_files.extract(name);
    if (!label && options.labels) throw Error(ErrorCode::refused, fmt::format("{}: has no label image", file));
    VolumeCase one = read_case(name, path, label ? label.mapped() : Path(), named ? set.classes.size() : 256, run);
    for (const std::uint8_t value : one.labels.values()) ++counts[value];
    if (!set.cases.empty() && one.image.frames() != set.channels())
      throw Error(ErrorCode::refused, fmt::format("{}: image: must have {} channels, as {}; has {}", name, set.channels(),
                                                  set.cases[0].name, one.image.frames()));
    bytes += static_cast<std::uint64_t>(one.image.count()) * sizeof(float) + static_cast<std::uint64_t>(one.labels.count());
    if (run.memory_bytes() && 2 * bytes > run.memory_bytes())
      throw Error(ErrorCode::out_of_memory,
                  fmt::format("data set: its cases must fit into half of the memory budget of {} MB", run.memory_bytes() >> 20));
    set.cases.push_back(std::move(one));
  }
  if (!label_files.empty()) throw Error(ErrorCode::refused, fmt::format("{}: has no image", label_files.begin()->first));
  if (options.labels && !named) {
    const auto last = std::find_if(counts.rbegin(), counts.rend(), [](std::int64_t count) { return count > 0; });
    for (std::ptrdiff_t n = 0; n < counts.rend() - last; ++n) set.classes.push_back(n ? fmt::format("class_{}", n) : "background");
    if (set.classes.size() < 2) throw Error(ErrorCode::refused, "labels: must mark something; all are 0");
  }
  for (std::size_t n = 0; n < set.classes.size(); ++n)
    if (!counts[n]) throw Error(ErrorCode::refused, fmt::format("data set: no voxel is of the class {} ({})", n, set.classes[n]));
  Sha256 hash;
  for (const VolumeCase& one : set.cases) {
    hash.add(fmt::format("{} {}\n", one.name, one.digest));
    hash.add(std::as_bytes(one.labels.values()));
  }
  set.digest = hash.finish_hex();
  if (options.folds == 0) return set;
  if (const Path file = folder / "splits_final.json"; fs::exists(file, ignored)) {
    with_context("splits_final.json", [&] { read_folds(file, set); });
  } else {
    deal_out(set, options.folds);
  }
  return set;
}

Json data_set_record(const VolumeSet& set, const std::vector<std::size_t>& training, const std::vector<std::size_t>& held_out) {
  const auto digests = [&](const std::vector<std::size_t>& cases) {
    Json list = Json::array();
    for (const std::size_t n : cases) list.push_back(set.cases[n].digest.substr(0, 16));
    return list;
  };
  return {{"sha256", set.digest},          {"folds", set.folds.size()},          {"train", training.size()},
          {"validation", held_out.size()}, {"train_digests", digests(training)}, {"validation_digests", digests(held_out)}};
}

std::vector<std::size_t> cases_of_part(const Json& manifest, const VolumeSet& set, const std::string& part) {
  const Json& data = bundle::member(bundle::member(manifest, "training", Json::value_t::object), "data_set", Json::value_t::object);
  const auto listed = [&](const char* key) {
    std::set<std::string> known;
    for (const Json& one : bundle::member(data, key, Json::value_t::array))
      if (one.is_string()) known.insert(one.get<std::string>());
    return known;
  };
  const std::set<std::string> learnt = listed("train_digests"), held_out = listed("validation_digests");
  std::vector<std::size_t> cases;
  for (std::size_t n = 0; n < set.cases.size(); ++n) {
    const std::string digest = set.cases[n].digest.substr(0, 16);
    if (part == "test" && learnt.contains(digest))
      throw Error(ErrorCode::refused, fmt::format("data set: the model may have learnt from none of its cases; it did from {}: use --part "
                                                  "validation or train",
                                                  set.cases[n].name));
    if (part == "test" || (part == "train" ? learnt : held_out).contains(digest)) cases.push_back(n);
  }
  if (cases.empty()) throw Error(ErrorCode::refused, fmt::format("data set: has no case in the part {} of this model", part));
  return cases;
}

}  // namespace gantry::learning
