// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// The commands of the archive and of the DICOM network as a user types them.
#include <gtest/gtest.h>

#include "gantry/base/files.h"
#include "gantry/base/json.h"
#include "gantry/base/test_tools.h"
#include "gantry/base/text.h"
#include "gantry/dicom/network/connection.h"

namespace gantry::archive_test {
namespace {

/// Runs a script in a folder, with the program under test in reach.
CommandResult run_script(const Path& folder, const std::string& script) {
  write_atomic(folder / "script.sh", script);
  return run_command(
      fmt::format("cd '{}' && PATH='{}':$PATH bash -e script.sh", folder.string(), Path(GANTRY_PROGRAM).parent_path().string()));
}

std::string free_port() { return std::to_string(dicom::network::Listener("127.0.0.1", 0).port()); }

TEST(ArchiveGuide, runs_as_it_stands) {
  const TemporaryFolder folder;
  std::string script = "set -m\n";
  const std::string page = read_text(Path(GANTRY_SOURCE) / "docs/guide/archive.md");
  for (std::size_t at = page.find("```sh\n"); at != std::string::npos; at = page.find("```sh\n", at + 1)) {
    script += page.substr(at + 6, page.find("```", at + 6) - at - 6);
  }
  script = replace_all(replace_all(script, "11112", free_port()), "--http-port 8080", "--http-port 0");
  const auto [status, output] = run_script(folder.path(), "trap 'kill %1 2> /dev/null || true' EXIT\n" + script);
  EXPECT_EQ(status, 0) << output;
  EXPECT_NE(output.find("0 damaged"), std::string::npos) << output;
  EXPECT_FALSE(std::filesystem::is_empty(folder.path() / "copy"));
}

TEST(ArchiveCommand, says_what_it_refused_and_why) {
  const TemporaryFolder folder;
  write_atomic(folder.path() / "note.txt", "no DICOM");
  const auto [status, output] = run_script(folder.path(), "gantry archive import --data archive note.txt --json");
  EXPECT_EQ(status, 3) << output;
  const Json json = parse_json(output);
  EXPECT_EQ(json["stored"], 0);
  EXPECT_EQ(json["refused"].size(), 1U);
  EXPECT_EQ(run_script(folder.path(), "gantry archive stats --data nothing").status, 3);
  EXPECT_EQ(run_script(folder.path(), "gantry archive stats").status, 2);
  EXPECT_EQ(run_script(folder.path(), "gantry archive import --data archive missing").status, 3);
}

TEST(DicomCommand, ends_with_the_status_of_a_peer_that_is_not_there) {
  const TemporaryFolder folder;
  const std::string peer = "127.0.0.1:" + free_port();
  EXPECT_EQ(run_script(folder.path(), "gantry dicom echo " + peer).status, 6);
  EXPECT_EQ(run_script(folder.path(), "gantry dicom find " + peer + " --key PatientID").status, 6);
  EXPECT_EQ(run_script(folder.path(), "gantry dicom echo 127.0.0.1:0").status, 2);
  EXPECT_EQ(run_script(folder.path(), "gantry dicom find " + peer + " --key NoSuchKeyword=1").status, 2);
  EXPECT_EQ(run_script(folder.path(), "gantry dicom find " + peer + " --level FRAME").status, 2);
  EXPECT_EQ(run_script(folder.path(), "gantry dicom move " + peer).status, 2);
  write_atomic(folder.path() / "note.txt", "no DICOM");
  EXPECT_EQ(run_script(folder.path(), "gantry dicom store " + peer + " note.txt").status, 3);
}

}  // namespace
}  // namespace gantry::archive_test
