// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gantry/base/files.h"
#include "gantry/base/test_tools.h"
#include "gantry/base/text.h"

namespace gantry {

/// A Slurm of one node on this machine with a key, sockets and ports of its own. SLURM_CONF names it to the programs that are started while
/// it lives. Its daemons are children of this process and end with it, however that ends; with the object ends whatever they started.
class SlurmNode {
 public:
  /// Tries other ports when a daemon ends, as it does when another process took its port meanwhile.
  SlurmNode() {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (int attempt = 0; attempt < 3 && !ready_ && ended_; ++attempt) start(attempt);
  }
  ~SlurmNode() {
    end();
    ::unsetenv("SLURM_CONF");
    ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  }
  SlurmNode(const SlurmNode&) = delete;
  SlurmNode& operator=(const SlurmNode&) = delete;
  bool ready() const { return ready_; }
  /// What the daemons say, when they are not.
  const std::string& reason() const { return reason_; }
  /// Jobs that were submitted so far, each of an array counted.
  long long jobs() const {
    const std::string text = run_command("scontrol show config | grep NEXT_JOB_ID").output;
    return parse_integer(trim(text.substr(text.find('=') + 1))).value_or(0) - 1;
  }

 private:
  /// A port on which nobody listens; below those that connections get.
  static int free_port(int first) {
    for (int port = first; port < 30000; ++port) {
      const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_port = htons(static_cast<std::uint16_t>(port));
      const bool free = ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
      ::close(socket);
      if (free) return port;
    }
    return 0;
  }

  void start(int attempt) {
    folder_.emplace();
    const Path& base = folder_->path();
    std::filesystem::permissions(base, std::filesystem::perms(0755));
    for (const char* name : {"state", "spool"}) std::filesystem::create_directory(base / name);
    const int controller = free_port(10000 + 5000 * attempt + ::getpid() % 4000), node = free_port(controller + 1);
    write_atomic(
        base / "slurm.conf",
        fmt::format("ClusterName=gantry\nSlurmctldHost=localhost\nAuthType=auth/munge\nAuthInfo=socket={0}/munge.sock\n"
                    "CredType=cred/munge\nSlurmUser=root\nSlurmctldPort={1}\nSlurmdPort={2}\nStateSaveLocation={0}/state\n"
                    "SlurmdSpoolDir={0}/spool\nSlurmctldPidFile={0}/slurmctld.pid\nSlurmdPidFile={0}/slurmd.pid\n"
                    "SlurmctldLogFile={0}/slurmctld.log\nSlurmdLogFile={0}/slurmd.log\nProctrackType=proctrack/linuxproc\n"
                    "TaskPlugin=task/none\nJobAcctGatherType=jobacct_gather/none\nAccountingStorageType=accounting_storage/none\n"
                    "SelectType=select/cons_tres\nSelectTypeParameters=CR_CPU\nReturnToService=2\nSlurmdParameters=config_overrides\n"
                    "SchedulerParameters=sched_interval=1,sched_min_interval=0,batch_sched_delay=0\nKillWait=2\n"
                    "NodeName=localhost CPUs=2 State=UNKNOWN\nPartitionName=all Nodes=localhost Default=YES State=UP\n",
                    base.string(), controller, node));
    ::setenv("SLURM_CONF", (base / "slurm.conf").c_str(), 1);
    run_command(fmt::format("head -c 1024 /dev/urandom > '{0}/munge.key' && chmod 400 '{0}/munge.key'", base.string()));
    const auto file = [&](const char* option, const char* name) { return fmt::format("--{}={}/{}", option, base.string(), name); };
    daemons_.push_back(spawn({"munged", "--foreground", "--force", file("key-file", "munge.key"), file("socket", "munge.sock"),
                              file("pid-file", "munged.pid"), file("log-file", "munged.log"), file("seed-file", "munged.seed")},
                             base / "munged.out"));
    for (int n = 0; n < 200 && alive() && !std::filesystem::exists(base / "munge.sock"); ++n) ::poll(nullptr, 0, 20);
    daemons_.push_back(spawn({"slurmctld", "-D", "-c"}, base / "slurmctld.out"));
    daemons_.push_back(spawn({"slurmd", "-D", "-N", "localhost"}, base / "slurmd.out"));
    const auto begin = std::chrono::steady_clock::now();
    while (alive() && !ready_ && std::chrono::steady_clock::now() - begin < std::chrono::seconds(60)) {
      ready_ = run_command("sinfo --noheader --format=%T").output.find("idle") != std::string::npos;
      if (!ready_) ::poll(nullptr, 0, 50);
    }
    if (ready_) return;
    ended_ = !alive();
    reason_ = trim(run_command("tail -qn 2 '" + base.string() + "'/*.out").output);
    end();
  }

  /// A daemon in the foreground, as a child that ends with this process.
  static pid_t spawn(const std::vector<std::string>& command, const Path& log) {
    std::vector<char*> words;
    for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    const pid_t process = ::fork();
    if (process != 0) return process;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(output, 1);
    ::dup2(output, 2);
    ::execvp(words[0], words.data());
    ::_exit(127);
  }

  bool alive() const {
    for (const pid_t process : daemons_) {
      siginfo_t ended{};
      if (::waitid(P_PID, static_cast<id_t>(process), &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || ended.si_pid != 0) return false;
    }
    return true;
  }

  /// Kills the daemons, and what they leave behind: it becomes a child of this process.
  void end() {
    for (const pid_t process : daemons_) ::kill(process, SIGKILL);
    daemons_.clear();
    for (pid_t ended = 0; ended >= 0;) {
      const std::string self = std::to_string(::getpid());
      for (const std::string& child : split(run_command("cat /proc/" + self + "/task/" + self + "/children").output, ' ')) {
        if (const auto process = parse_integer(trim(child))) ::kill(static_cast<pid_t>(*process), SIGKILL);
      }
      while ((ended = ::waitpid(-1, nullptr, WNOHANG)) > 0) {
      }
      if (ended == 0) ::poll(nullptr, 0, 10);
    }
    folder_.reset();
  }

  std::optional<TemporaryFolder> folder_;
  std::vector<pid_t> daemons_;
  bool ready_ = false, ended_ = true;
  std::string reason_;
};

/// A Slurm for a test; nullptr where there can be none, with the reason in `why`. With GANTRY_REQUIRE_TEST_TOOLS=1 its programs must be
/// there, but where the daemons do not run (a bare chroot, no rights of root) the test is skipped all the same.
inline std::unique_ptr<SlurmNode> slurm_for_test(std::string& why) {
  for (const char* name : {"munged", "slurmctld", "slurmd", "sbatch"}) {
    why = std::string(name) + " is not installed";
    if (!has_program(name)) return nullptr;
  }
  why = "slurmd needs the rights of root";
  if (::geteuid() != 0) return nullptr;
  auto node = std::make_unique<SlurmNode>();
  why = "Slurm cannot start here: " + node->reason();
  if (!node->ready()) node.reset();
  return node;
}

}  // namespace gantry
