// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "sandbox.h"

#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <initializer_list>

namespace {

constexpr rlim_t processor_seconds = 600;
constexpr rlim_t open_files = 16;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;  // sanitizers reserve terabytes and call what the filter forbids
#else
constexpr bool sanitized = false;
#endif

void limit(__rlimit_resource resource, rlim_t value) {
  rlimit wanted{value, value};
  rlimit present{};
  if (::getrlimit(resource, &present) == 0 && present.rlim_max != RLIM_INFINITY && present.rlim_max < value)
    wanted = {present.rlim_max, present.rlim_max};
  ::setrlimit(resource, &wanted);
}

bool load_filter() {
  scmp_filter_ctx filter = ::seccomp_init(SCMP_ACT_KILL_PROCESS);
  if (!filter) return false;
  bool good = true;
  for (const int call :
       {SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(futex),
        SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(clock_gettime), SCMP_SYS(gettid),
        SCMP_SYS(getpid), SCMP_SYS(tgkill), SCMP_SYS(sched_yield), SCMP_SYS(getrandom), SCMP_SYS(restart_syscall)}) {
    good = good && ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0) == 0;
  }
  // Memory may be mapped, but never become executable.
  for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)})
    good = good && ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) == 0;
  // Libraries that look for a file find none.
  good = good && ::seccomp_rule_add(filter, SCMP_ACT_ERRNO(1), SCMP_SYS(newfstatat), 0) == 0;
  good = good && ::seccomp_rule_add(filter, SCMP_ACT_ERRNO(1), SCMP_SYS(openat), 0) == 0;
  good = good && ::seccomp_load(filter) == 0;
  ::seccomp_release(filter);
  return good;
}

}  // namespace

bool enter_sandbox(unsigned long long memory_bytes) {
  if (!sanitized) limit(RLIMIT_AS, memory_bytes);
  limit(RLIMIT_CPU, processor_seconds);
  limit(RLIMIT_NOFILE, open_files);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, 0);
  ::prctl(PR_SET_DUMPABLE, 0);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  return !sanitized && load_filter();
}
