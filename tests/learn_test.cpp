// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// Trained models as a user meets them: the guide, the model that ships, predictions, analysis of films.
#include <csignal>
#include <thread>

#include "gantry/base/json.h"
#include "gantry/base/random.h"
#include "gantry/base/test_support.h"
#include "gantry/base/test_tools.h"
#include "gantry/dicom/test_objects.h"
#include "gantry/io/io.h"
#include "gantry/learning/engine.h"
#include "gantry/learning/novelty.h"
#include "gantry/learning/picture_test_support.h"
#include "gantry/learning/volume_test_support.h"

namespace gantry::learn_test {
namespace {

const std::string shipped = std::string(GANTRY_SOURCE) + "/models/cxr_pneumonia";

class LearnCommand : public testing::Test {
 protected:
  void SetUp() override {
    if (!learning::engine_is_installed()) GTEST_SKIP() << "built without LibTorch";
  }
  CommandResult run_script(const std::string& script) const {
    write_atomic(folder_.path() / "script.sh", script);
    return run_command(
        fmt::format("cd '{}' && PATH='{}':$PATH bash -e script.sh", folder_.path().string(), Path(GANTRY_PROGRAM).parent_path().string()));
  }
  const TemporaryFolder folder_;
};

/// A picture of 28 x 28 pixels, 0 to 1, drawn from what the shipped model knows of its training part: no film of anybody, and like all.
std::vector<double> drawn_film(std::uint64_t seed) {
  const auto tensors = bundle::read_safetensors(Path(shipped) / learning::novelty_file).tensors;
  const auto &mean = tensors.at("mean").values, &directions = tensors.at("directions").values, &variances = tensors.at("variances").values;
  std::vector<double> picture(mean.begin(), mean.end());
  Random random(seed);
  for (std::size_t d = 0; d < variances.size(); ++d) {
    const double part = 0.8 * std::sqrt(variances[d]) * random.next_normal();
    for (std::size_t k = 0; k < picture.size(); ++k) picture[k] += part * directions[d * picture.size() + k];
  }
  for (double& value : picture) value += 0.15 * random.next_normal();
  const auto [low, high] = std::minmax_element(picture.begin(), picture.end());
  const double first = *low, range = *high - first;
  for (double& value : picture) value = (value - first) / range;
  return picture;
}

/// A film of 60 x 56 pixels; `inverted` as when the header forgets to say that low values are bright.
void write_film(const Path& path, const std::string& age, const std::string& view, bool inverted = false) {
  const std::vector<double> picture = drawn_film(5);
  dicom::test::Slice film;
  film.modality = "DX";
  film.sop_class = "1.2.840.10008.5.1.4.1.1.1.1";
  film.position = "";
  film.rows = 56;
  film.columns = 60;
  film.is_signed = false;
  film.pixels.clear();
  for (int j = 0; j < 56; ++j) {
    for (int i = 0; i < 60; ++i) {
      const double value = picture[static_cast<std::size_t>(j / 2 * 28 + std::clamp((i - 2) / 2, 0, 27))];
      film.pixels.push_back(static_cast<std::uint16_t>(300 + std::lround(600 * (inverted ? 1 - value : value))));
    }
  }
  film.before_series = [&](dicom::test::Writer& w) {
    w.text(0x00080020U, "DA", "20200610").text(0x00101010U, "AS", age).text(0x00180015U, "CS", "CHEST").text(0x00185101U, "CS", view);
  };
  dicom::test::save(path, dicom::test::part10(dicom::test::slice_set(film)));
}

}  // namespace

TEST_F(LearnCommand, runs_the_guide_as_it_stands) {
  std::string script;
  const std::string page = read_text(Path(GANTRY_SOURCE) / "docs/guide/train-a-model.md");
  for (std::size_t at = page.find("```sh\n"); at != std::string::npos; at = page.find("```sh\n", at + 1))
    script += page.substr(at + 6, page.find("```", at + 6) - at - 6);
  const auto [status, output] = run_script(script);
  EXPECT_EQ(status, 0) << output;
  EXPECT_NE(output.find("It has seen no slanted bar."), std::string::npos) << output;
  const Json prediction = parse_json(read_text(folder_.path() / "result/prediction.json"));
  EXPECT_EQ(prediction["class"], "standing");
  EXPECT_GT(parse_json(read_text(folder_.path() / "figures.json"))["auc"].get<double>(), 0.97);
  EXPECT_TRUE(std::filesystem::exists(folder_.path() / "result/explanation.png"));
  EXPECT_NE(read_text(folder_.path() / "bars-report/report.html").find("Expected calibration error"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(folder_.path() / "bars-report/figures/roc_curve.png"));
  EXPECT_TRUE(std::filesystem::exists(folder_.path() / "cubes-report/figures/dice_of_the_cases.png"));
}

// Exactly the figures of the card, from the files that ship, by the program.
TEST_F(LearnCommand, measures_the_shipped_chest_film_model_on_the_official_test_part) {
  const Path data = test_data("classification/pneumoniamnist");
  if (data.empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  const auto [status, output] =
      run_script(fmt::format("gantry bundle verify {0}\ngantry evaluate {0} {1} --json --quiet", shipped, data.string()));
  ASSERT_EQ(status, 0) << output;
  const Json found = parse_json(output.substr(output.find("\n{") + 1));
  EXPECT_EQ(found["cases"], 624);
  EXPECT_GE(found["auc"].get<double>(), 0.978);
  EXPECT_GE(found["accuracy"].get<double>(), 0.93);
  EXPECT_LE(found["ece"].get<double>(), 0.045);
  const Json stated = parse_json(read_text(Path(shipped) / "manifest.json"))["figures"]["test"];
  for (const char* key : {"auc", "accuracy", "ece", "sensitivity", "specificity"})
    EXPECT_NEAR(found[key].get<double>(), stated[key].get<double>(), 2e-3) << key;  // another LibTorch may round elsewhere
  EXPECT_LE(std::filesystem::file_size(Path(shipped) / "weights.safetensors"), 2U << 20);
}

// Of the official test part and of what it must not speak of: the shares that the page states.
TEST_F(LearnCommand, is_silent_about_films_that_are_inverted_turned_or_no_films) {
  const Path data = test_data("classification/pneumoniamnist");
  if (data.empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  gantry::Run run;
  const bundle::Bundle bundle = bundle::open_bundle(shipped);
  const learning::Novelty novelty = *learning::Novelty::of(bundle);
  const learning::PictureInput input = learning::parse_picture_input(bundle.manifest["input"]);
  const learning::Cases films = learning::read_picture_set(data, {.classes = {"normal", "pneumonia"}}, run).test;
  EXPECT_LE(novelty.share_unlike(films, input, run), 0.02);
  constexpr std::size_t side = 28, pixels = side * side;
  const auto share = [&](auto value_at) {  // (film, row, column) -> value
    learning::Cases changed = films;
    for (std::size_t n = 0; n < films.size(); ++n) {
      const float* film = films.values.data() + n * pixels;
      for (std::size_t k = 0; k < pixels; ++k) changed.values[n * pixels + k] = value_at(film, k / side, k % side);
    }
    return novelty.share_unlike(changed, input, run);
  };
  const auto at = [](const float* film, std::size_t j, std::size_t i) { return film[j * side + i]; };
  constexpr std::size_t last = side - 1;
  EXPECT_GE(share([&](const float* f, std::size_t j, std::size_t i) { return 1 - at(f, j, i); }), 0.99);
  EXPECT_GE(share([&](const float* f, std::size_t j, std::size_t i) { return at(f, i, last - j); }), 0.99);
  EXPECT_GE(share([&](const float* f, std::size_t j, std::size_t i) { return at(f, last - i, j); }), 0.99);
  EXPECT_GE(share([&](const float* f, std::size_t j, std::size_t i) { return at(f, last - j, last - i); }), 0.9);
  Random random(1);
  EXPECT_GE(share([&](const float*, std::size_t, std::size_t) { return static_cast<float>(random.next_uniform()); }), 0.99);
  EXPECT_LE(share([&](const float* f, std::size_t j, std::size_t i) { return 0.5F * at(f, j, i); }), 0.02);  // a darker film is one

  const auto share_of_files = [&](const Path& folder) {
    double count = 0, silent = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (entry.path().extension() != ".png") continue;
      const Image picture = io::read(entry.path(), run);
      ++count;
      silent += novelty.reason(learning::fit_picture(picture, input), input).empty() ? 0 : 1;
    }
    return silent / count;
  };
  EXPECT_GE(share_of_files(test_data("classification/busi-128")), 0.98);  // ultrasound
}

// A file may not grow beyond 4 kB, as on a disk that is full: the error says so, what was there stays, and later the training goes on.
TEST_F(LearnCommand, loses_nothing_when_files_cannot_be_written) {
  learning::test::write_bar_set(folder_.path() / "bars", 24);
  const std::string train =
      "gantry train bars --task classification --widths 8,16 --blocks 1 --batch 16 --epochs 2 --threads 1 --quiet -o ";
  ASSERT_EQ(run_script(train + "whole").status, 0);
  const auto full = run_script("trap '' XFSZ\nulimit -f 4\n" + train + "model\n");
  EXPECT_NE(full.status, 0) << full.output;
  EXPECT_NE(full.output.find("File too large"), std::string::npos) << full.output;
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "model"));
  const auto over = run_script("cp -r whole kept\ntrap '' XFSZ\nulimit -f 4\n" + train + "kept --seed 2\n");
  EXPECT_NE(over.status, 0) << over.output;
  EXPECT_EQ(run_script("gantry bundle verify kept && cmp kept/weights.safetensors whole/weights.safetensors").status, 0);
  EXPECT_EQ(run_script(train + "model && cmp model/weights.safetensors whole/weights.safetensors").status, 0);
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
    EXPECT_EQ(entry.path().filename().string().find(".tmp"), std::string::npos) << entry.path();
}

// Killed as soon as the checkpoint of an epoch lies beside the bundle, wherever in the next epoch that is.
TEST_F(LearnCommand, goes_on_to_the_same_weights_after_it_was_killed) {
  learning::test::write_bar_set(folder_.path() / "bars", 24);
  learning::test::write_balls(folder_.path() / "balls", 5);
  for (const std::string train : {"gantry train bars --task classification --widths 8,16 --blocks 1 --batch 16 --epochs 16",
                                  "gantry train balls --task segmentation --widths 4,6 --epochs 6 --fold 0"}) {
    SCOPED_TRACE(train);
    const auto begun = [&](const std::string& out) { return train + " --threads 1 --verbose -o " + out; };
    const auto [whole, said] = run_script(begun("whole"));
    ASSERT_EQ(whole, 0) << said;
    ASSERT_NE(said.find("epoch 1 of"), std::string::npos) << said;
    const Path checkpoint = folder_.path() / ".again.training";
    bool killed = false;
    for (int trial = 0; trial < 5 && !killed; ++trial) {  // on a machine that is very busy it may end before
      std::filesystem::remove_all(folder_.path() / "again");
      write_atomic(folder_.path() / "again.sh", fmt::format("cd '{}'\nPATH='{}':$PATH\nexec {} >/dev/null 2>&1\n", folder_.path().string(),
                                                            Path(GANTRY_PROGRAM).parent_path().string(), begun("again")));
      const std::string script = (folder_.path() / "again.sh").string();
      const pid_t child = ::fork();
      if (child == 0) {
        ::execlp("bash", "bash", script.c_str(), nullptr);
        ::_exit(127);
      }
      ASSERT_GT(child, 0);
      int status = 0;
      while (!std::filesystem::exists(checkpoint) && ::waitpid(child, &status, WNOHANG) == 0)
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
      killed = WIFSIGNALED(status) && std::filesystem::exists(checkpoint);
    }
    ASSERT_TRUE(killed);
    EXPECT_FALSE(std::filesystem::exists(folder_.path() / "again"));
    const auto [resumed, words] = run_script(begun("again"));
    EXPECT_EQ(resumed, 0) << words;
    EXPECT_EQ(words.find("epoch 1 of"), std::string::npos) << words;
    EXPECT_EQ(run_script("cmp whole/weights.safetensors again/weights.safetensors\nrm -r whole again").status, 0);
  }
}

TEST_F(LearnCommand, measures_the_shipped_hippocampus_model_on_the_cases_that_it_held_out) {
  const Path data = test_data("segmentation/hippocampus");
  if (data.empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  const Path model = Path(shipped).parent_path() / "hippocampus";
  const auto [status, output] = run_script(
      fmt::format("gantry bundle verify {0}\ngantry evaluate {0} {1} --part validation --json --quiet", model.string(), data.string()));
  ASSERT_EQ(status, 0) << output;
  const Json found = parse_json(output.substr(output.find("\n{") + 1));
  EXPECT_EQ(found["cases"], 40);
  EXPECT_GE(found["dice"].get<double>(), 0.87);
  const Json stated = parse_json(read_text(model / "manifest.json"))["figures"]["validation"];
  EXPECT_NEAR(found["dice"].get<double>(), stated["dice"].get<double>(), 2e-3);  // another LibTorch may round elsewhere
}

// A scan of another hospital with labels of FreeSurfer (17 and 53), whose protocol draws larger hippocampi.
TEST_F(LearnCommand, analyzes_both_hippocampi_where_a_network_finds_them_and_is_silent_otherwise) {
  const Path data = test_data("registration/brain-46"), networks = test_data("models/brainchop");
  if (data.empty() || networks.empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  gantry::Run run;
  // The data set states no orientation: x runs to the left, y down, z to the front.
  const Image read = io::read(data / "test_vol.nii.gz", run);
  const Size3 size = read.grid().size();
  const Image head = read.on(Grid(size, {1, 1, 1}, {}, Mat3{{Vec3{1, 0, 0}, Vec3{0, 0, -1}, Vec3{0, -1, 0}}}));
  io::write(folder_.path() / "head.nii.gz", head, run);
  const auto analyze = [&](const std::string& more) {
    const auto [status, output] =
        run_script("export XDG_DATA_HOME=$PWD/data\n" + more + "gantry analyze head.nii.gz --modality MR -o out --quiet\n");
    EXPECT_EQ(status, 0) << output;
    return parse_json(read_text(folder_.path() / "out/summary.json"))["studies"][0];
  };
  const Json without = analyze("");
  EXPECT_TRUE(without["models"].empty());
  EXPECT_NE(read_text(folder_.path() / "out/report.html").find("Hippocampus: model brainchop_104: must lie in models/"), std::string::npos);

  const Json study = analyze("gantry bundle import " + (networks / "model21_104class").string() + " -o data/gantry/models/brainchop_104\n");
  EXPECT_EQ(study["models"].size(), 2u);
  const Image labelled = io::read(data / "test_seg.npz", run);  // its last axis is z of the scan
  ASSERT_EQ(labelled.grid().size(), (Size3{size[2], size[1], size[0]}));
  const VoxelView<float> labels = labelled.as<float>();
  for (const auto& [id, value] : {std::pair{"hippocampus_left", 17}, {"hippocampus_right", 53}}) {
    const auto segment = std::find_if(study["segments"].begin(), study["segments"].end(), [&](const Json& s) { return s["id"] == id; });
    ASSERT_NE(segment, study["segments"].end());
    const Image outlined = io::read(folder_.path() / "out" / (*segment)["file"].get<std::string>(), run);
    ASSERT_EQ(outlined.grid().size(), size);
    const VoxelView<float> found = outlined.as<float>();
    double both = 0, either = 0;
    for (std::int64_t n = 0; n < found.count(); ++n) {
      const std::int64_t i = n % size[0], j = n / size[0] % size[1], k = n / (size[0] * size[1]);
      const bool a = found[n] != 0, b = labels[(i * size[1] + j) * size[2] + k] == value;
      both += a && b ? 1 : 0;
      either += (a ? 1 : 0) + (b ? 1 : 0);
    }
    EXPECT_GE(2 * both / either, 0.75);
    const auto finding = std::find_if(study["findings"].begin(), study["findings"].end(),
                                      [&](const Json& f) { return f["id"] == std::string(id) + ".volume"; });
    ASSERT_NE(finding, study["findings"].end());
    EXPECT_GT((*finding)["value"].get<double>(), 4);
    EXPECT_LT((*finding)["value"].get<double>(), 6);
    EXPECT_NE((*finding)["model"].get<std::string>().find("hippocampus@1 sha256:"), std::string::npos);
  }
}

TEST_F(LearnCommand, analyzes_films_inside_the_scope_of_the_model_and_gives_a_reason_for_others) {
  write_film(folder_.path() / "child/film.dcm", "003Y", "AP");
  write_film(folder_.path() / "adult/film.dcm", "045Y", "PA");
  write_film(folder_.path() / "ageless/film.dcm", "", "AP");
  write_film(folder_.path() / "lateral/film.dcm", "003Y", "LL");
  write_film(folder_.path() / "inverted/film.dcm", "003Y", "AP", true);
  const auto summary = [&](const std::string& name, const std::string& before = "") {
    const auto [status, output] = run_script(fmt::format("{}gantry analyze {} -o out-{} --cache off --quiet", before, name, name));
    EXPECT_EQ(status, 0) << output;
    return parse_json(read_text(folder_.path() / ("out-" + name) / "summary.json"))["studies"][0];
  };
  const auto probability = [](const Json& study) -> const Json* {
    for (const Json& finding : study["findings"]) {
      if (finding["id"] == "lung.pneumonia_probability") return &finding;
    }
    return nullptr;
  };
  const Json child = summary("child");
  const Json* finding = probability(child);
  ASSERT_NE(finding, nullptr) << child.dump(1);
  EXPECT_GE((*finding)["value"].get<double>(), 0);
  EXPECT_LE((*finding)["value"].get<double>(), 1);
  EXPECT_GE((*finding)["confidence"].get<double>(), 0.5);
  const std::string id = (*finding)["model"];
  EXPECT_EQ(id.rfind("cxr_pneumonia@1 sha256:", 0), 0U) << id;
  EXPECT_EQ(child["models"][0], id);
  // The explanation is a picture of the result, the only one with colours, and the report shows it; of a film out of scope there is none.
  const auto explanations = [&](const std::string& name) {
    gantry::Run run;
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path() / ("out-" + name) / "figures")) {
      const Image picture = io::read(entry.path(), run);
      const VoxelView<std::uint8_t> values = picture.as<std::uint8_t>();
      std::int64_t coloured = 0;
      for (std::int64_t n = 0; picture.components() == 3 && n < values.count(); n += 3) coloured += values[n] > values[n + 2] + 40 ? 1 : 0;
      count += coloured > values.count() / 3 / 100 ? 1 : 0;  // of 100 pixels
    }
    const std::string report = read_text(folder_.path() / ("out-" + name) / "report.html");
    EXPECT_EQ(report.find("What spoke for the class") != std::string::npos, count == 1) << name;
    return count;
  };
  EXPECT_EQ(explanations("child"), 1);

  const Json adult = summary("adult");
  EXPECT_EQ(probability(adult), nullptr);
  EXPECT_TRUE(adult["models"].empty());
  EXPECT_NE(adult["warnings"].dump().find("the patient must be 1 to 5 years old; the age is 45"), std::string::npos) << adult["warnings"];
  EXPECT_EQ(explanations("adult"), 0);
  const Json ageless = summary("ageless");
  EXPECT_EQ(probability(ageless), nullptr);
  EXPECT_TRUE(ageless["models"].empty());
  EXPECT_NE(ageless["warnings"].dump().find("the patient must be 1 to 5 years old; the header states no age"), std::string::npos)
      << ageless["warnings"];
  const Json lateral = summary("lateral");
  EXPECT_EQ(probability(lateral), nullptr);
  EXPECT_NE(lateral["warnings"].dump().find("the view must be one of PA, AP; it is LL"), std::string::npos) << lateral["warnings"];

  const Json inverted = summary("inverted");
  EXPECT_EQ(probability(inverted), nullptr);
  EXPECT_NE(inverted["warnings"].dump().find("the picture is unlike those that the model learnt from"), std::string::npos)
      << inverted["warnings"];

  // Without the plug-in: quality and protocol, and what to install.
  std::filesystem::remove_all(folder_.path() / "out-child");
  const Json without =
      summary("child", fmt::format("mkdir home\nln -s {0}/models {0}/profiles home/\nexport GANTRY_HOME=$PWD/home\n", GANTRY_SOURCE));
  EXPECT_EQ(probability(without), nullptr);
  EXPECT_NE(without["warnings"].dump().find("install the package gantry-torch"), std::string::npos) << without["warnings"];
  EXPECT_FALSE(without["findings"].empty());
}

TEST_F(LearnCommand, predicts_several_pictures_into_folders_named_by_their_shortest_unique_paths) {
  write_film(folder_.path() / "a/film.dcm", "003Y", "AP");
  write_film(folder_.path() / "b/film.dcm", "004Y", "PA");
  const auto [status, output] = run_script(fmt::format("gantry predict {} a/film.dcm b/film.dcm -o out --quiet", shipped));
  ASSERT_EQ(status, 0) << output;
  EXPECT_EQ(parse_json(read_text(folder_.path() / "out/a_film/prediction.json"))["classes"].size(), 2U);
  EXPECT_TRUE(std::filesystem::exists(folder_.path() / "out/b_film/prediction.json"));
  write_film(folder_.path() / "c/film.dcm", "", "AP");
  const auto refused = run_script(fmt::format("gantry predict {} c -o other", shipped));
  EXPECT_EQ(refused.status, 4);
  EXPECT_NE(refused.output.find("the header states no age"), std::string::npos) << refused.output;
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "other"));
  write_film(folder_.path() / "d/film.dcm", "003Y", "AP", true);
  const auto unlike = run_script(fmt::format("gantry predict {} d -o other", shipped));
  EXPECT_EQ(unlike.status, 4);
  EXPECT_NE(unlike.output.find("unlike those that the model learnt from"), std::string::npos) << unlike.output;
  EXPECT_EQ(run_script(fmt::format("gantry predict {} a -o .", shipped)).status, 2);
}

TEST_F(LearnCommand, refuses_what_it_cannot_learn_from) {
  EXPECT_EQ(run_script("gantry train nowhere --task classification -o m").status, 3);
  EXPECT_EQ(run_script("mkdir empty\ngantry train empty --task classification -o m").status, 3);
  EXPECT_EQ(run_script("gantry train empty --task poetry -o m").status, 2);
  EXPECT_EQ(run_script("gantry train empty").status, 2);
  EXPECT_EQ(run_script("gantry evaluate nowhere empty").status, 3);
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "m"));
}

}  // namespace gantry::learn_test
