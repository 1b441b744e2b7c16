// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/cohort/tasks.h"

#include <unistd.h>

#include "gantry/base/test_support.h"
#include "gantry/base/test_tools.h"
#include "gantry/base/text.h"
#include "gantry/cohort/results.h"
#include "gantry/cohort/study_names.h"
#include "gantry/cohort/test_slurm.h"

namespace gantry::tasks_test {
namespace {

/// A task of the shell that writes "made" to its result after `script`; $result names it.
Task shell_task(const Path& folder, const std::string& name, const std::string& script) {
  const Path result = folder / (name + ".result");
  return {name,
          {"/bin/sh", "-c", "result='" + result.string() + "'; echo x >> '" + (folder / (name + ".count")).string() + "'; " + script},
          result,
          folder / (name + ".log")};
}
int attempts_made(const Path& folder, const std::string& name) {
  const std::string text = read_text(folder / (name + ".count"));
  return static_cast<int>(std::count(text.begin(), text.end(), 'x'));
}

TEST(Tasks, that_were_killed_are_tried_again_and_those_that_fail_are_not) {
  const TemporaryFolder folder;
  const std::string once = "if [ -e \"$result.seen\" ]; then echo made > \"$result\"; else : > \"$result.seen\"; kill -9 $$; fi";
  const std::vector<Task> tasks{shell_task(folder.path(), "plain", "echo made > \"$result\""), shell_task(folder.path(), "killed", once),
                                shell_task(folder.path(), "refused", "echo first; echo 'input: holds no image' >&2; exit 3"),
                                shell_task(folder.path(), "hopeless", "kill -9 $$")};
  gantry::Run run;
  const auto outcomes = run_tasks(tasks, {.at_once = 2, .attempts = 3}, run);
  EXPECT_EQ(outcomes[0].state, TaskOutcome::State::done);
  EXPECT_EQ(outcomes[0].attempts, 1);
  EXPECT_EQ(outcomes[1].state, TaskOutcome::State::done);
  EXPECT_EQ(outcomes[1].attempts, 2);
  EXPECT_EQ(outcomes[2].state, TaskOutcome::State::failed);
  EXPECT_EQ(outcomes[2].attempts, 1);
  EXPECT_EQ(outcomes[2].reason, "input: holds no image");
  EXPECT_EQ(outcomes[3].state, TaskOutcome::State::failed);
  EXPECT_EQ(outcomes[3].attempts, 3);
  EXPECT_EQ(outcomes[3].reason, "was ended by signal 9");
  // A second run goes on: what is done is not done twice.
  const auto again = run_tasks(tasks, {.attempts = 1}, run);
  EXPECT_EQ(again[0].state, TaskOutcome::State::continued);
  EXPECT_EQ(again[1].state, TaskOutcome::State::continued);
  EXPECT_EQ(attempts_made(folder.path(), "plain"), 1);
  EXPECT_EQ(attempts_made(folder.path(), "killed"), 2);
  EXPECT_EQ(attempts_made(folder.path(), "refused"), 2);
}

TEST(Tasks, end_with_a_cancelled_run) {
  const TemporaryFolder folder;
  const Path pid = folder.path() / "pid";
  RunOptions options;
  gantry::Run* cancelled = nullptr;
  options.progress = [&](double, std::string_view) {
    if (cancelled && std::filesystem::exists(pid)) cancelled->cancel();
  };
  gantry::Run observed(options);
  cancelled = &observed;
  const std::vector<Task> tasks{shell_task(folder.path(), "long", "echo $$ > '" + pid.string() + "'; sleep 600")};
  EXPECT_EQ(error_of([&] { run_tasks(tasks, {}, observed); }).code(), ErrorCode::cancelled);
  const auto process = parse_integer(trim(read_text(pid)));
  ASSERT_TRUE(process);
  EXPECT_NE(::kill(static_cast<pid_t>(*process), 0), 0);
}

TEST(Tasks, whose_program_is_missing_are_an_error) {
  const TemporaryFolder folder;
  gantry::Run run;
  const std::vector<Task> tasks{{"lost", {"/nowhere/program"}, folder.path() / "result", folder.path() / "log"}};
  EXPECT_EQ(error_of([&] { run_tasks(tasks, {}, run); }).code(), ErrorCode::not_possible);
}

TEST(SlurmTasks, are_run_once_each_and_again_when_they_were_killed) {
  std::string why;
  const auto node = slurm_for_test(why);
  if (!node) GTEST_SKIP() << why;
  const TemporaryFolder folder;
  std::vector<Task> tasks;
  for (int n = 0; n < 4; ++n) tasks.push_back(shell_task(folder.path(), "plain " + std::to_string(n), "echo made > \"$result\""));
  tasks.push_back(shell_task(folder.path(), "killed",
                             "if [ -e \"$result.seen\" ]; then echo made > \"$result\"; else : > \"$result.seen\"; kill -9 $$; fi"));
  tasks.push_back(shell_task(folder.path(), "refused", "echo 'input: holds no image'; exit 3"));
  gantry::Run run;
  const auto outcomes = run_tasks_on_slurm(tasks, {.at_once = 2, .attempts = 3}, folder.path(), run);
  for (std::size_t n = 0; n < 4; ++n) {
    EXPECT_EQ(outcomes[n].state, TaskOutcome::State::done) << outcomes[n].reason;
    EXPECT_EQ(attempts_made(folder.path(), tasks[n].name), 1);
  }
  EXPECT_EQ(outcomes[4].state, TaskOutcome::State::done);
  EXPECT_EQ(outcomes[4].attempts, 2);
  EXPECT_EQ(outcomes[5].state, TaskOutcome::State::failed);
  EXPECT_EQ(outcomes[5].attempts, 1);
  EXPECT_EQ(outcomes[5].reason, "input: holds no image");
  EXPECT_EQ(node->jobs(), 7);

  // A cancelled run leaves no job.
  RunOptions settings;
  gantry::Run* cancelled = nullptr;
  const Path pid = folder.path() / "pid";
  settings.progress = [&](double, std::string_view) {
    if (std::filesystem::exists(pid)) cancelled->cancel();
  };
  gantry::Run observed(settings);
  cancelled = &observed;
  const std::vector<Task> endless{shell_task(folder.path(), "endless", "echo $$ > '" + pid.string() + "'; sleep 600")};
  EXPECT_EQ(error_of([&] { run_tasks_on_slurm(endless, {}, folder.path(), observed); }).code(), ErrorCode::cancelled);
  for (int n = 0; n < 600 && !run_command("squeue --noheader").output.empty(); ++n) ::usleep(100000);
  EXPECT_EQ(run_command("squeue --noheader").output, "");
}

TEST(SlurmTasks, without_slurm_are_an_error) {
  const TemporaryFolder folder;
  const char* path = std::getenv("PATH");
  const std::string kept = path ? path : "";
  ::setenv("PATH", "/nowhere", 1);
  gantry::Run run;
  const std::vector<Task> tasks{{"one", {"/bin/true"}, folder.path() / "result", folder.path() / "log"}};
  const Error error = error_of([&] { run_tasks_on_slurm(tasks, {}, folder.path(), run); });
  ::setenv("PATH", kept.c_str(), 1);
  EXPECT_EQ(error.code(), ErrorCode::not_possible);
}

TEST(SlurmTasks, that_slurm_refuses_are_an_error_with_its_words) {
  const TemporaryFolder folder;
  const Path sbatch = folder.path() / "sbatch";
  write_atomic(sbatch, "#!/bin/sh\necho 'sbatch: error: invalid partition specified: none' >&2\nexit 1\n");
  std::filesystem::permissions(sbatch, std::filesystem::perms(0700));
  const char* path = std::getenv("PATH");
  const std::string kept = path ? path : "";
  ::setenv("PATH", folder.path().c_str(), 1);
  gantry::Run run;
  const std::vector<Task> tasks{{"one", {"/bin/true"}, folder.path() / "result", folder.path() / "log"}};
  const Error error = error_of([&] { run_tasks_on_slurm(tasks, {}, folder.path(), run); });
  ::setenv("PATH", kept.c_str(), 1);
  EXPECT_EQ(error.code(), ErrorCode::peer);
  EXPECT_STREQ(error.what(), "slurm: sbatch must take the jobs; it says: sbatch: error: invalid partition specified: none");
}

TEST(FolderLock, lets_one_run_at_a_time_work_in_a_folder) {
  const TemporaryFolder folder;
  {
    const FolderLock lock(folder.path());
    EXPECT_EQ(error_of([&] { FolderLock another(folder.path()); }).code(), ErrorCode::refused);
  }
  const FolderLock later(folder.path());
}

TEST(StudyNames, are_as_long_as_makes_them_differ) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(study_names({"/a/one", "/a/two.nii.gz"}), (Names{"one", "two"}));
  EXPECT_EQ(study_names({"/a/x/dicom", "/a/y/dicom", "/b/three/"}), (Names{"x_dicom", "y_dicom", "three"}));
  EXPECT_EQ(study_names({"/a_b/c", "/a/b_c", "/z/c", "/z/b_c"}), (Names{"a_b_c", "a_b_c_2", "z_c", "z_b_c"}));
  EXPECT_EQ(error_of([] { study_names({"/a/b", "/a/./b/"}); }).code(), ErrorCode::usage);
}

TEST(StudyNames, stay_what_they_were) {
  const std::map<std::string, std::string> known{{path_key("/a/x/dicom"), "dicom"}};
  EXPECT_EQ(study_names({"/a/x/dicom/", "/a/y/dicom", "/a/dicom"}, known), (std::vector<std::string>{"dicom", "y_dicom", "a_dicom"}));
  EXPECT_EQ(study_names({"/b/dicom"}, known), std::vector<std::string>{"dicom_2"});
}

TEST(StudyNames, are_names_of_files_whatever_the_paths_are) {
  const std::vector<std::string> names = study_names({"/a/..hidden", "/a/line\nbreak\x1b[2J", "/a/\xff\xfe", "/a/cohort.csv",
                                                      Path("/a") / std::string(250, 'x'), Path("/b") / std::string(250, 'x'), "/"});
  EXPECT_EQ(names[0], "_..hidden");
  EXPECT_EQ(names[1], "line_break_[2J");
  EXPECT_TRUE(is_utf8(names[2]));
  EXPECT_EQ(names[3], "cohort.csv_2");
  EXPECT_LE(names[4].size(), 120U);
  EXPECT_NE(names[4], names[5]);
  EXPECT_EQ(names[6], "root");
}

TEST(CohortTable, joins_what_was_measured_and_says_what_was_not) {
  const auto summary = [](const Json& findings) { return Json{{"studies", {{{"study_uid", "1.2"}, {"findings", findings}}}}}; };
  const Json volume{{"id", "brain.volume"}, {"value", 1200.5}, {"unit", "mL"}}, score{{"id", "score"}, {"value", nullptr}, {"unit", "1"}};
  const std::vector<CohortEntry> entries{{"a", {TaskOutcome::State::done, 1, ""}, summary(Json::array({volume, score, volume}))},
                                         {"b", {TaskOutcome::State::failed, 3, "was ended by signal 9"}, nullptr},
                                         {"c", {TaskOutcome::State::continued, 0, ""}, Json{{"studies", 7}}}};
  EXPECT_EQ(cohort_table(entries).to_csv(),
            "name,study_uid,state,reason,brain.volume,brain.volume#2\na,1.2,done,,1200.5,1200.5\nb,,failed,was ended by signal 9,,\n"
            "c,,done,,,\n");
  const Json json = cohort_json(entries);
  EXPECT_EQ(json["done"], 2);
  EXPECT_EQ(json["failed"], 1);
  EXPECT_EQ(json["studies"][0]["findings"].size(), 2U);
}

}  // namespace
}  // namespace gantry::tasks_test
