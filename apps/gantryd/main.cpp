// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// gantryd: the server, the same as `gantry serve`; with --inbox instead a watcher of a folder.
#include <algorithm>
#include <cstdio>

#include "../gantry/commands.h"
#include "gantry/base/error.h"
#include "inbox.h"

int main(int count, char** words) {
  using namespace gantry;
  try {
    const std::vector<std::string> arguments(words + 1, words + count);
    const auto given = [&](const char* word) { return std::find(arguments.begin(), arguments.end(), word) != arguments.end(); };
    if (given("--inbox") || given("--results")) {
      watch_inbox(arguments);
      return 0;
    }
    const int status = cli::serve(arguments);
    if (given("--help") || given("-h")) std::fputs(("\nOr, without a network:\n" + std::string(inbox_help())).c_str(), stdout);
    return status;
  } catch (const Error& error) {
    std::fprintf(stderr, "gantryd: %s\n", error.what());
    return error_info(error.code()).exit_status;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "gantryd: unexpected: %s\n", failure.what());
    return error_info(ErrorCode::internal).exit_status;
  }
}
