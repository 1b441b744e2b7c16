// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/cohort/tasks.h"

#include <signal.h>
#include <unistd.h>

#include "gantry/base/test_support.h"
#include "gantry/base/test_tools.h"
#include "gantry/base/text.h"
#include "gantry/cohort/results.h"

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
  gantry::Run run;
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
}

TEST(Tasks, whose_program_is_missing_are_an_error) {
  const TemporaryFolder folder;
  gantry::Run run;
  const std::vector<Task> tasks{{"lost", {"/nowhere/program"}, folder.path() / "result", folder.path() / "log"}};
  EXPECT_EQ(error_of([&] { run_tasks(tasks, {}, run); }).code(), ErrorCode::not_possible);
}

/// A Slurm of one node on this machine with a key, sockets and ports of its own; ended with the object.
class SlurmNode {
 public:
  SlurmNode() {
    const std::string base = folder_.path().string();
    std::filesystem::permissions(folder_.path(), std::filesystem::perms(0755));
    const int port = 20000 + 2 * static_cast<int>(::getpid() % 10000);
    write_atomic(
        folder_.path() / "slurm.conf",
        fmt::format(
            "ClusterName=gantry\nSlurmctldHost=localhost\nAuthType=auth/munge\nAuthInfo=socket={0}/munge.sock\nCredType=cred/munge\n"
            "SlurmUser=root\nSlurmctldPort={1}\nSlurmdPort={2}\nStateSaveLocation={0}/state\nSlurmdSpoolDir={0}/spool\n"
            "SlurmctldPidFile={0}/slurmctld.pid\nSlurmdPidFile={0}/slurmd.pid\nSlurmctldLogFile={0}/slurmctld.log\nSlurmdLogFile={0}/"
            "slurmd.log\n"
            "ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nJobAcctGatherType=jobacct_gather/none\n"
            "AccountingStorageType=accounting_storage/none\nSelectType=select/cons_tres\nSelectTypeParameters=CR_CPU\nReturnToService=2\n"
            "SchedulerParameters=sched_interval=1\nNodeName=localhost CPUs=1 State=UNKNOWN\nPartitionName=all Nodes=localhost Default=YES "
            "State=UP\n",
            base, port, port + 1));
    ::setenv("SLURM_CONF", (base + "/slurm.conf").c_str(), 1);
    run_command("cd '" + base +
                "' && mkdir state spool && head -c 1024 /dev/urandom > munge.key && chmod 400 munge.key && munged --force --key-file='" +
                base + "/munge.key' --socket='" + base + "/munge.sock' --pid-file='" + base + "/munged.pid' --log-file='" + base +
                "/munged.log' --seed-file='" + base + "/munged.seed' && slurmctld -c && slurmd -N localhost");
    for (int n = 0; n < 100 && !ready_; ++n) {
      ready_ = run_command("sinfo -h -o %T").output.find("idle") != std::string::npos;
      if (!ready_) ::usleep(100000);
    }
  }
  ~SlurmNode() {
    for (const char* name : {"slurmd", "slurmctld", "munged"}) {
      try {
        if (const auto id = parse_integer(trim(read_text(folder_.path() / (std::string(name) + ".pid")))))
          ::kill(static_cast<pid_t>(*id), SIGKILL);
      } catch (const Error&) {
      }
    }
    ::unsetenv("SLURM_CONF");
  }
  bool ready() const { return ready_; }

 private:
  TemporaryFolder folder_;
  bool ready_ = false;
};

TEST(SlurmTasks, are_run_once_each_and_again_when_they_were_killed) {
  for (const char* name : {"munged", "slurmctld", "slurmd", "sbatch"}) {
    if (run_command(std::string("command -v ") + name).status != 0) GTEST_SKIP() << name << " is not installed";
  }
  if (::geteuid() != 0) GTEST_SKIP() << "slurmd needs the rights of root";
  const SlurmNode node;
  if (!node.ready()) GTEST_SKIP() << "slurmd cannot start here";
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

TEST(FolderLock, lets_one_run_at_a_time_work_in_a_folder) {
  const TemporaryFolder folder;
  {
    const FolderLock lock(folder.path());
    EXPECT_EQ(error_of([&] { FolderLock another(folder.path()); }).code(), ErrorCode::refused);
  }
  const FolderLock later(folder.path());
}

TEST(ShortNames, are_as_long_as_makes_them_differ) {
  EXPECT_EQ(short_names({"/a/one", "/a/two"}), (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(short_names({"/a/x/dicom", "/a/y/dicom", "/b/three/"}), (std::vector<std::string>{"x_dicom", "y_dicom", "three"}));
}

TEST(CohortTable, joins_what_was_measured_and_says_what_was_not) {
  const auto summary = [](const Json& findings) { return Json{{"studies", {{{"study_uid", "1.2"}, {"findings", findings}}}}}; };
  const Json volume{{"id", "brain.volume"}, {"value", 1200.5}, {"unit", "mL"}}, score{{"id", "score"}, {"value", nullptr}, {"unit", "1"}};
  const std::vector<CohortEntry> entries{{"a", {TaskOutcome::State::done, 1, ""}, summary(Json::array({volume, score}))},
                                         {"b", {TaskOutcome::State::failed, 3, "was ended by signal 9"}, nullptr},
                                         {"c", {TaskOutcome::State::done, 1, ""}, Json{{"studies", 7}}}};
  EXPECT_EQ(cohort_table(entries).to_csv(),
            "name,study_uid,state,attempts,reason,brain.volume\na,1.2,done,1,,1200.5\nb,,failed,3,was ended by signal 9,\nc,,done,1,,\n");
  const Json json = cohort_json(entries);
  EXPECT_EQ(json["done"], 2);
  EXPECT_EQ(json["failed"], 1);
  EXPECT_EQ(json["studies"][0]["findings"].size(), 1U);
}

}  // namespace
}  // namespace gantry::tasks_test
