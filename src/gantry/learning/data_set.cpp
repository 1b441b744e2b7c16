// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/data_set.h"

#include <set>
#include <unordered_map>

#include "gantry/base/error.h"
#include "gantry/base/hash.h"
#include "gantry/base/text.h"
#include "gantry/compute/parallel.h"
#include "gantry/io/io.h"
#include "gantry/io/npz.h"

namespace gantry::learning {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t most_cases = 1000000;

std::string digest_of(const Image& image) {
  Sha256 hash;
  hash.add(fmt::format("{} {} {} {}\n", name_of(image.type()), image.components(), image.grid().size(0), image.grid().size(1)));
  return hash.add(image.bytes()).finish_hex();
}

/// Picture n of a stack (x, y, n).
Image slice_of(const Image& stack, std::int64_t n) {
  const Grid plane({stack.grid().size(0), stack.grid().size(1), 1});
  return visit_real(stack, [&](const auto& view) -> Image {
    using T = std::remove_cvref_t<decltype(view[0])>;
    auto voxels = Voxels<T>::uninitialized(plane, stack.components());
    std::copy_n(view.data() + n * voxels.count(), voxels.count(), voxels.data());
    return Image(std::move(voxels));
  });
}

void append(Cases& cases, const Image& image, const PictureInput& input, int label, std::string name) {
  if (cases.size() >= most_cases) throw Error(ErrorCode::refused, fmt::format("data set: at most {} pictures a part", most_cases));
  const std::vector<float> values = with_context(name, [&] { return fit_picture(image, input); });
  cases.values.insert(cases.values.end(), values.begin(), values.end());
  cases.labels.push_back(label);
  cases.names.push_back(std::move(name));
  cases.digests.push_back(digest_of(image));
}

void choose_input(PictureInput& input, const PictureSetOptions& options, const Image& first) {
  input.channels = options.channels ? options.channels : first.components() >= 3 ? 3 : 1;
  const auto size = [](int wanted, std::int64_t has) { return wanted ? wanted : static_cast<int>(std::clamp<std::int64_t>(has, 8, 128)); };
  input.rows = size(options.rows, first.grid().size(1));
  input.columns = size(options.columns, first.grid().size(0));
  input.mean.assign(static_cast<std::size_t>(input.channels), 0.0f);
  input.standard_deviation.assign(static_cast<std::size_t>(input.channels), 1.0f);
}

void read_part(const std::map<std::string, Image>& arrays, const std::string& part, bool required, Cases& cases, PictureSet& set,
               Run& run) {
  const auto images = arrays.find(part + "_images"), labels = arrays.find(part + "_labels");
  if (images == arrays.end() || labels == arrays.end()) {
    if (required) throw Error(ErrorCode::refused, fmt::format("data set: must hold {0}_images and {0}_labels", part));
    return;
  }
  const std::int64_t count = images->second.grid().size(2);
  if (labels->second.count() != count)
    throw Error(ErrorCode::refused, fmt::format("{}_labels: must be one a picture; got {} for {}", part, labels->second.count(), count));
  const auto numbers = labels->second.as<double>();
  for (std::int64_t n = 0; n < count; ++n) {
    if (n % 256 == 0) run.check();
    const double label = numbers[n];
    if (!(label >= 0 && label < static_cast<double>(set.classes.size()) && label == std::floor(label)))
      throw Error(ErrorCode::refused,
                  fmt::format("{}_labels[{}]: must be a whole number below {}; got {}", part, n, set.classes.size(), label));
    append(cases, slice_of(images->second, n), set.input, static_cast<int>(label), fmt::format("{}_images[{}]", part, n));
  }
}

void read_archive(const Path& path, const PictureSetOptions& options, PictureSet& set, Run& run) {
  const auto arrays = io::read_arrays(path, run);
  const char* const part = options.complete || arrays.contains("train_images") ? "train" : "test";
  const auto first = arrays.find(fmt::format("{}_images", part)), labels = arrays.find(fmt::format("{}_labels", part));
  if (first == arrays.end() || labels == arrays.end())
    throw Error(ErrorCode::refused, fmt::format("data set: must hold {0}_images and {0}_labels", part));
  choose_input(set.input, options, first->second);
  set.classes = options.classes;
  if (set.classes.empty()) {
    double most = 0;
    const auto numbers = labels->second.as<double>();
    for (std::int64_t n = 0; n < numbers.count(); ++n) most = std::max(most, numbers[n]);
    if (!(most < 1000)) throw Error(ErrorCode::refused, fmt::format("labels: must lie below 1000; got {}", most));
    for (int n = 0; n <= static_cast<int>(most); ++n) set.classes.push_back(fmt::format("class_{}", n));
  }
  read_part(arrays, "train", options.complete, set.train, set, run);
  read_part(arrays, "val", options.complete, set.validation, set, run);
  read_part(arrays, "test", false, set.test, set, run);
}

std::vector<Path> sorted(const Path& folder, bool folders) {
  std::vector<Path> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with(".")) continue;
    if (entry.is_directory() == folders) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// One folder a class below `folder`; `place` says into which part a picture goes.
template <class Place>
void read_folders(const Path& root, const Path& folder, const PictureSetOptions& options, PictureSet& set, const Place& place, Run& run) {
  for (const Path& of_class : sorted(folder, true)) {
    const auto known = std::find(set.classes.begin(), set.classes.end(), of_class.filename().string());
    if (known == set.classes.end())
      throw Error(ErrorCode::refused, fmt::format("{}: is no class of this data set; they are {}",
                                                  of_class.lexically_relative(root).string(), join(set.classes, ", ")));
    for (const Path& file : sorted(of_class, false)) {
      const std::string name = file.lexically_relative(root).string();
      const Image image = with_context(name, [&] { return io::read(file, run); });
      if (set.input.mean.empty()) choose_input(set.input, options, image);
      append(place(image), image, set.input, static_cast<int>(known - set.classes.begin()), name);
    }
  }
}

void name_classes(const Path& folder, const PictureSetOptions& options, PictureSet& set) {
  set.classes = options.classes;
  if (!set.classes.empty()) return;
  for (const Path& of_class : sorted(folder, true)) set.classes.push_back(of_class.filename().string());
}

void read_tree(const Path& root, const PictureSetOptions& options, PictureSet& set, Run& run) {
  if (fs::is_directory(root / "train") || (!options.complete && fs::is_directory(root / "test"))) {
    name_classes(fs::is_directory(root / "train") ? root / "train" : root / "test", options, set);
    for (const auto& [part, cases] : {std::pair{"train", &set.train}, {"val", &set.validation}, {"test", &set.test}}) {
      if (!fs::is_directory(root / part)) continue;
      read_folders(
          root, root / part, options, set, [cases = cases](const Image&) -> Cases& { return *cases; }, run);
    }
    return;
  }
  name_classes(root, options, set);
  const auto place = [&](const Image& image) -> Cases& {
    const double at = static_cast<double>(std::stoul(digest_of(image).substr(0, 7), nullptr, 16)) / (1 << 28);
    return at < 0.7 ? set.train : at < 0.8 ? set.validation : set.test;
  };
  read_folders(root, root, options, set, place, run);
}

void refuse_leaks(const Cases& test, const Cases& other) {
  std::unordered_map<std::string, std::size_t> known;
  for (std::size_t n = 0; n < other.size(); ++n) known.emplace(other.digests[n], n);
  std::size_t shared = 0;
  std::string first;
  for (std::size_t n = 0; n < test.size(); ++n) {
    const auto found = known.find(test.digests[n]);
    if (found == known.end()) continue;
    if (shared++ == 0) first = fmt::format("{} is {}", test.names[n], other.names[found->second]);
  }
  if (shared)
    throw Error(ErrorCode::refused, fmt::format("data set: no picture of the test part may be in another part; {}{}", first,
                                                shared > 1 ? fmt::format(", and {} more", shared - 1) : ""));
}

/// Pictures of `train` that are in `validation` too leave it.
void part_train_from_validation(Cases& train, const Cases& validation, std::size_t values, Run& run) {
  std::unordered_map<std::string, std::size_t> known;
  for (std::size_t n = 0; n < validation.size(); ++n) known.emplace(validation.digests[n], n);
  Cases kept;
  std::size_t shared = 0;
  std::string first;
  for (std::size_t n = 0; n < train.size(); ++n) {
    if (const auto found = known.find(train.digests[n]); found != known.end()) {
      if (shared++ == 0) first = fmt::format("{} is {}", train.names[n], validation.names[found->second]);
      continue;
    }
    const auto begin = train.values.begin() + static_cast<std::ptrdiff_t>(n * values);
    kept.values.insert(kept.values.end(), begin, begin + static_cast<std::ptrdiff_t>(values));
    kept.labels.push_back(train.labels[n]);
    kept.names.push_back(train.names[n]);
    kept.digests.push_back(train.digests[n]);
  }
  if (!shared) return;
  run.warn(fmt::format("data set: {} pictures of train are in validation too and were left out of train ({})", shared, first));
  train = std::move(kept);
}

void warn_of_contradictions(const Cases& cases, Run& run) {
  std::unordered_map<std::string, std::size_t> known;
  std::size_t contradictions = 0;
  std::string first;
  for (std::size_t n = 0; n < cases.size(); ++n) {
    const auto [found, fresh] = known.emplace(cases.digests[n], n);
    if (fresh || cases.labels[found->second] == cases.labels[n]) continue;
    if (contradictions++ == 0) first = fmt::format("{} and {}", cases.names[found->second], cases.names[n]);
  }
  if (contradictions) run.warn(fmt::format("data set: {} copies have another label than the first ({})", contradictions, first));
}

void check_classes(const PictureSet& set) {
  for (const auto& [name, cases] : {std::pair{"train", &set.train}, {"validation", &set.validation}}) {
    const std::set<int> there(cases->labels.begin(), cases->labels.end());
    if (there.size() < 2) {
      throw Error(ErrorCode::refused, fmt::format("data set: {} must hold pictures of at least two classes; has {} pictures of {} classes",
                                                  name, cases->size(), there.size()));
    }
  }
}

}  // namespace

PictureSet read_picture_set(const Path& path, const PictureSetOptions& options, Run& run) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) throw Error(ErrorCode::not_found, path.filename().string() + ": is not there");
  PictureSet set;
  Path archive = fs::is_directory(path, ignored) ? Path() : path;
  if (archive.empty() && sorted(path, true).empty()) {
    std::vector<Path> files = sorted(path, false);
    std::erase_if(files, [](const Path& file) { return file.extension() != ".npz"; });
    if (files.size() != 1)
      throw Error(ErrorCode::refused,
                  fmt::format("data set: must be folders of pictures, one a class, or one NPZ file; has {} NPZ files and "
                              "no folders",
                              files.size()));
    archive = files[0];
  }
  if (archive.empty()) {
    read_tree(path, options, set, run);
  } else {
    read_archive(archive, options, set, run);
  }
  refuse_leaks(set.test, set.train);
  refuse_leaks(set.test, set.validation);
  Sha256 hash;
  for (const Cases* cases : {&set.train, &set.validation, &set.test}) {
    for (std::size_t n = 0; n < cases->size(); ++n) hash.add(fmt::format("{} {}\n", cases->digests[n], cases->labels[n]));
    hash.add("\n");
  }
  set.digest = hash.finish_hex();
  part_train_from_validation(set.train, set.validation, set.input.values(), run);
  warn_of_contradictions(set.train, run);
  if (options.complete) check_classes(set);
  return set;
}

}  // namespace gantry::learning
