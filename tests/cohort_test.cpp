// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// Twenty small studies through the command: one is killed, the run is interrupted, nothing is done twice.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "gantry/base/json.h"
#include "gantry/cohort/test_slurm.h"
#include "gantry/image/image.h"
#include "gantry/io/io.h"

namespace gantry::cohort_test {
namespace {

namespace fs = std::filesystem;

/// What `gantry ARGUMENTS` prints on both streams, and its exit status.
CommandResult gantry(const std::string& arguments) { return run_command(GANTRY_PROGRAM " " + arguments); }

/// A ball of soft tissue in air, in a volume of 10^3 voxels of 8 mm: no two are alike.
void write_study(const Path& path, int number) {
  Voxels<float> voxels(Grid({10, 10, 10}, {8, 8, 8}));
  const double radius = 2.0 + 0.1 * number;
  for (std::int64_t n = 0; n < voxels.count(); ++n) {
    const double x = static_cast<double>(n % 10) - 4.5, y = static_cast<double>(n / 10 % 10) - 4.5, z = static_cast<double>(n / 100) - 4.5;
    voxels[n] = x * x + y * y + z * z < radius * radius ? 40.0F : -1000.0F;
  }
  gantry::Run run;
  io::write(path, Image(std::move(voxels)), run);
}

/// The command line of a process, words apart by a blank; empty when it has ended.
std::string words_of(long long process) {
  std::ifstream file(fmt::format("/proc/{}/cmdline", process));
  std::string words((std::istreambuf_iterator<char>(file)), {});
  std::replace(words.begin(), words.end(), '\0', ' ');
  return words;
}

/// The process of this machine that is the program `gantry` with these words in its command line; -1 when there is none.
pid_t gantry_process(const std::string& first, const std::string& second) {
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const auto process = parse_integer(entry.path().filename().string());
    if (!process) continue;
    const std::string words = words_of(*process);
    std::error_code ignored;
    if (words.find(first) != std::string::npos && words.find(second) != std::string::npos &&
        fs::read_symlink(entry.path() / "exe", ignored).filename() == "gantry")
      return static_cast<pid_t>(*process);
  }
  return -1;
}

/// Twenty studies, one of which is a pipe without a writer: its analysis waits until it is given up or the study is put there.
struct Cohort {
  static constexpr int count = 20, waiting_one = 7;
  TemporaryFolder folder;
  Path studies = folder.path() / "it's a cohort", out = folder.path() / "out";

  Cohort() {
    fs::create_directory(studies);
    for (int n = 0; n < count; ++n) write_study(n == waiting_one ? folder.path() / "kept.nii" : study(n), n);
    ::mkfifo(study(waiting_one).c_str(), 0600);
  }
  Path study(int n) const { return studies / fmt::format("study {:02}.nii", n); }
  /// Puts the study in the place of the pipe.
  void complete() const { fs::rename(folder.path() / "kept.nii", study(waiting_one)); }
  std::string command(const std::string& options) const {
    return fmt::format("cohort run '{}'/* -o '{}' --modality CT --cache off --threads 1 {}", replace_all(studies.string(), "'", "'\\''"),
                       out.string(), options);
  }
  /// The process that analyses the waiting study, when there is one within five minutes.
  pid_t waiting_process() const {
    for (int n = 0; n < 3000; ++n) {
      if (const pid_t process = gantry_process(" analyze ", study(waiting_one).string()); process > 0) return process;
      ::poll(nullptr, 0, 100);
    }
    return -1;
  }
  /// Ends the command itself with SIGKILL.
  void kill_command() const {
    const pid_t process = gantry_process(" cohort run ", out.string());
    ASSERT_GT(process, 0);
    ::kill(process, SIGKILL);
  }
  /// Ends the process of the waiting study with SIGKILL; the study is there before it can be read.
  void kill_waiting_process() const {
    const pid_t process = waiting_process();
    ASSERT_GT(process, 0);
    ::kill(process, SIGSTOP);
    complete();
    ::kill(process, SIGKILL);
  }
  /// Which file each result is, by name of the study: another one after it was written again.
  std::map<std::string, ino_t> results() const {
    std::map<std::string, ino_t> all;
    for (const auto& entry : fs::directory_iterator(out)) {
      struct stat status {};
      if (::stat((entry.path() / "summary.json").c_str(), &status) == 0) all[entry.path().filename().string()] = status.st_ino;
    }
    return all;
  }
};

void expect_twenty_results(const Cohort& cohort) {
  EXPECT_EQ(cohort.results().size(), 20U);
  const auto rows = split(trim(read_text(cohort.out / "cohort.csv")), '\n');
  ASSERT_EQ(rows.size(), 21U);
  const auto head = split(rows[0], ',');
  const auto column = static_cast<std::size_t>(std::find(head.begin(), head.end(), "body.volume") - head.begin());
  ASSERT_LT(column, head.size());
  double before = 0;
  for (std::size_t n = 1; n < rows.size(); ++n) {
    const auto cells = split(rows[n], ',');
    EXPECT_EQ(cells[0], fmt::format("study {:02}", n - 1));
    EXPECT_EQ(cells[2], "done");
    // The balls grow from study to study.
    const double volume = parse_double(cells.at(column)).value_or(-1);
    EXPECT_GE(volume, before) << rows[n];
    before = volume;
  }
  EXPECT_GT(before, 0);
}

int attempts_of(const Cohort& cohort, int n) {
  return parse_json(read_text(cohort.out / "provenance.json")).at("studies").at(static_cast<std::size_t>(n)).at("attempts").get<int>();
}

/// A command that runs beside the test.
class Beside {
 public:
  explicit Beside(const std::string& arguments) { pipe_ = ::popen(("exec " GANTRY_PROGRAM " " + arguments + " 2>&1").c_str(), "r"); }
  ~Beside() {
    if (pipe_) ended();
  }
  Beside(const Beside&) = delete;
  Beside& operator=(const Beside&) = delete;
  CommandResult ended() {
    CommandResult result;
    std::array<char, 4096> buffer{};
    while (const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), pipe_)) result.output.append(buffer.data(), count);
    const int status = ::pclose(std::exchange(pipe_, nullptr));
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return result;
  }

 private:
  FILE* pipe_ = nullptr;
};

TEST(CohortRun, goes_on_after_it_was_interrupted_and_tries_what_was_killed_again) {
  const Cohort cohort;
  {
    Beside first(cohort.command(""));
    const pid_t waiting = cohort.waiting_process();
    ASSERT_GT(waiting, 0);
    const auto second = gantry(cohort.command(""));
    EXPECT_EQ(second.status, 3);
    EXPECT_EQ(second.output, "gantry: out: another run is at work in this folder\n");
    // Whatever ends the run ends what it started.
    cohort.kill_command();
    EXPECT_EQ(first.ended().status, -1);
    for (int n = 0; n < 6000 && ::kill(waiting, 0) == 0; ++n) ::poll(nullptr, 0, 10);
    EXPECT_NE(::kill(waiting, 0), 0);
  }
  const auto before = cohort.results();
  EXPECT_EQ(before.size(), 7U);
  Beside again(cohort.command("--jobs 2 --json"));
  cohort.kill_waiting_process();
  const auto [status, output] = again.ended();
  EXPECT_EQ(status, 0) << output;
  const Json result = parse_json(output.substr(output.find('{'), output.rfind('}') + 1 - output.find('{')));
  EXPECT_EQ(result.at("done"), 20);
  EXPECT_EQ(result.at("continued"), 7);
  EXPECT_EQ(attempts_of(cohort, 0), 0);
  EXPECT_EQ(attempts_of(cohort, 8), 1);
  EXPECT_EQ(attempts_of(cohort, Cohort::waiting_one), 2);
  expect_twenty_results(cohort);
  // What was done is the same file as before, now and after one more run.
  const auto after = cohort.results();
  for (const auto& [name, file] : before) EXPECT_EQ(after.at(name), file) << name;
  const std::string table = read_text(cohort.out / "cohort.csv"), text = read_text(cohort.out / "cohort.json");
  const auto third = gantry(cohort.command(""));
  EXPECT_EQ(third.output, "0 analysed, 20 continued, 0 failed: " + (cohort.out / "cohort.csv").string() + "\n");
  EXPECT_EQ(cohort.results(), after);
  EXPECT_EQ(read_text(cohort.out / "cohort.csv"), table);
  EXPECT_EQ(read_text(cohort.out / "cohort.json"), text);
}

TEST(CohortRun, on_slurm_takes_over_the_jobs_of_a_run_that_was_killed) {
  std::string why;
  const auto node = slurm_for_test(why);
  if (!node) GTEST_SKIP() << why;
  const Cohort cohort;
  {
    Beside first(cohort.command("--executor slurm"));
    ASSERT_GT(cohort.waiting_process(), 0);
    cohort.kill_command();
    EXPECT_EQ(first.ended().status, -1);
  }
  // The jobs go on; the second run waits for them.
  Beside again(cohort.command("--executor slurm"));
  cohort.kill_waiting_process();
  const auto [status, output] = again.ended();
  EXPECT_EQ(status, 0) << output;
  expect_twenty_results(cohort);
  EXPECT_EQ(node->jobs(), 21) << "twenty studies and one attempt more";
  const auto before = cohort.results();
  EXPECT_EQ(gantry(cohort.command("--executor slurm")).status, 0);
  EXPECT_EQ(node->jobs(), 21);
  EXPECT_EQ(cohort.results(), before);
}

TEST(CohortRun, says_what_is_wrong_with_what_it_was_given) {
  const TemporaryFolder folder;
  const std::string base = folder.path().string(), out = base + "/out", study = base + "/study.nii";
  write_study(study, 1);
  const auto expect = [&](const std::string& arguments, int status, const std::string& message) {
    const auto result = gantry("cohort run " + arguments);
    EXPECT_EQ(result.status, status) << arguments;
    EXPECT_EQ(result.output, "gantry: " + message + "\n");
  };
  expect(study, 2, "cohort run: -o OUT is required (--help shows what it takes)");
  EXPECT_EQ(gantry("cohort run -o " + out).status, 2);
  expect(base + "/nowhere -o " + out, 3, "'nowhere': no such file or folder");
  expect("'' -o " + out, 3, "'': no such file or folder");
  expect(study + " -o " + out + " --executor cloud", 2, "executor: must be one of local, slurm; got 'cloud'");
  expect(study + " -o " + out + " --jobs 0", 2, "jobs: must be a whole number between 1 and 100000; got 0");
  expect(study + " -o " + out + " --profile no_such", 2,
         "profile: must be one of chest_ct, chest_film, any_ct, head_mr, pet, other; got 'no_such'");
  expect(study + " " + study + " -o " + out, 2, "study.nii: must be given once; is there twice");
  expect(study + " -o " + study, 2, "output: must be a folder; a file of this name is there");
  expect(study + " -o " + base, 2, "output: must lie outside the studies, and they outside of it; got study.nii");
  expect(base + " -o " + out, 2, "output: must lie outside the studies, and they outside of it; got " + folder.path().filename().string());
  fs::create_directory(base + "/taken");
  write_atomic(base + "/taken/thesis.txt", "words");
  expect(study + " -o " + base + "/taken", 2, "output: an existing folder must be empty or hold a cohort; has thesis.txt");
  EXPECT_EQ(read_text(base + "/taken/thesis.txt"), "words");
  const auto lost = run_command("PATH=/nowhere " GANTRY_PROGRAM " cohort run " + study + " -o " + out + " --executor slurm");
  EXPECT_EQ(lost.status, 4);
  EXPECT_EQ(lost.output, "gantry: slurm: needs the program sbatch, Debian's package slurm-client; not found\n");
}

TEST(CohortRun, keeps_the_results_of_others_when_a_study_cannot_be_read) {
  const TemporaryFolder folder;
  const Path hostile = folder.path() / "$(touch harm)\n=1+1,\".nii", empty = folder.path() / "empty.nii", out = folder.path() / "out";
  write_study(hostile, 1);
  write_atomic(empty, "");
  const std::string command =
      fmt::format("cohort run '{}' '{}' -o '{}' --modality CT --cache off", hostile.string(), empty.string(), out.string());
  const auto [status, output] = gantry(command);
  EXPECT_EQ(status, 4);
  EXPECT_EQ(output, "1 analysed, 0 continued, 1 failed: " + (out / "cohort.csv").string() +
                        "\ngantry: cohort: 1 of 2 studies have no result; cohort.csv says why\n");
  const Json all = parse_json(read_text(out / "cohort.json"));
  EXPECT_EQ(all["studies"][0]["name"], "$(touch harm)_=1+1,\"");
  EXPECT_EQ(all["studies"][0]["state"], "done");
  EXPECT_EQ(all["studies"][1]["state"], "failed");
  EXPECT_NE(all["studies"][1]["reason"].get<std::string>(), "");
  EXPECT_EQ(read_text(out / "cohort.csv").substr(0, 70).find("name,study_uid,state,reason,"), 0U);
  EXPECT_FALSE(fs::exists("harm"));
  // Another profile is another cohort.
  const auto other = gantry(command + " --profile other");
  EXPECT_EQ(other.status, 2);
  EXPECT_EQ(other.output, "gantry: output: holds a cohort that was begun with profile \"\"; got \"other\": take another folder\n");
}

}  // namespace
}  // namespace gantry::cohort_test
