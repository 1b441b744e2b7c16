// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gantry/base/error.h"
#include "gantry/base/files.h"
#include "gantry/base/hash.h"
#include "gantry/base/json.h"
#include "gantry/base/random.h"
#include "gantry/base/run.h"
#include "gantry/base/table.h"
#include "gantry/base/text.h"

namespace gantry::base_test {
namespace {

TEST(Error, reads_from_the_outside_in) {
  try {
    with_context("study 4", [] { with_context("slice 12", [] { throw Error(ErrorCode::unreadable, "rows: must be positive; got 0"); }); });
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "study 4: slice 12: rows: must be positive; got 0");
    EXPECT_EQ(error.message(), "rows: must be positive; got 0");
    EXPECT_EQ(error.context(), (std::vector<std::string>{"study 4", "slice 12"}));
    EXPECT_EQ(error_info(error.code()).exit_status, 3);
  }
}

TEST(Error, has_one_row_for_each_code_in_the_order_of_the_enumeration) {
  for (int code = 0; code <= static_cast<int>(ErrorCode::internal); ++code) {
    EXPECT_EQ(static_cast<int>(error_info(static_cast<ErrorCode>(code)).code), code);
  }
  EXPECT_EQ(error_info(ErrorCode::cancelled).exit_status, 130);
  EXPECT_EQ(error_info(ErrorCode::internal).exit_status, 70);
}

TEST(Run, stops_everything_under_it_when_cancelled) {
  gantry::Run run;
  const gantry::Run part = run.part(0.2, 0.4);
  EXPECT_NO_THROW(part.check());
  run.cancel();
  EXPECT_THROW(part.check(), Error);
}

TEST(Run, maps_the_progress_of_a_part_into_its_range) {
  std::vector<double> seen;
  RunOptions options;
  options.progress = [&](double fraction, std::string_view) { seen.push_back(fraction); };
  const gantry::Run run(options);
  gantry::Run inner = run.part(0.5, 1.0).part(0.0, 0.5);
  inner.progress(0.5);
  inner.progress(7);
  EXPECT_EQ(seen, (std::vector<double>{0.625, 0.75}));
}

TEST(Run, keeps_a_repeated_warning_once) {
  gantry::Run run;
  run.warn("a");
  run.warn("b");
  run.warn("a");
  EXPECT_EQ(run.warnings(), (std::vector<std::string>{"a", "b"}));
}

TEST(Json, refuses_depth_garbage_and_trailing_bytes) {
  EXPECT_EQ(parse_json(R"({"b": 1, "a": [2]})").dump(), R"({"b":1,"a":[2]})");
  EXPECT_THROW(parse_json(std::string(100, '[') + std::string(100, ']')), Error);
  EXPECT_THROW(parse_json("{} x"), Error);
  EXPECT_THROW(parse_json("{\"a\": \"\xff\"}"), Error);
  EXPECT_THROW(parse_json(""), Error);
}

TEST(Text, splits_trims_and_finds_the_nearest_word) {
  EXPECT_EQ(split("a,,b", ','), (std::vector<std::string>{"a", "", "b"}));
  EXPECT_EQ(trim(std::string_view(" x \0", 4)), "x");
  EXPECT_EQ(nearest_word("gausian", {"median", "gaussian"}), "gaussian");
  EXPECT_EQ(nearest_word("xyz", {"median", "gaussian"}), "");
  EXPECT_EQ(escape_html("<a&\"'>"), "&lt;a&amp;&quot;&#39;&gt;");
}

TEST(Text, parses_whole_numbers_only) {
  EXPECT_EQ(parse_double("1.5e2"), 150.0);
  EXPECT_EQ(parse_double("+2"), 2.0);
  EXPECT_FALSE(parse_double("1.5x"));
  EXPECT_FALSE(parse_double(""));
  EXPECT_FALSE(parse_integer("1.5"));
  EXPECT_EQ(shortest(0.1), "0.1");
}

TEST(Text, knows_utf8) {
  EXPECT_TRUE(is_utf8("肺 Ω"));
  EXPECT_FALSE(is_utf8("\xc0\xaf"));          // overlong
  EXPECT_FALSE(is_utf8("\xed\xa0\x80"));      // surrogate
  EXPECT_FALSE(is_utf8("\xf4\x90\x80\x80"));  // beyond U+10FFFF
  EXPECT_EQ(to_valid_utf8("a\xff"
                          "b"),
            "a\xEF\xBF\xBD"
            "b");
}

TEST(Hash, gives_the_published_digest) {
  // FIPS 180-4, example of one block.
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Hash, makes_uids_that_dicom_accepts) {
  const std::string uid = derived_uid("abc");
  EXPECT_EQ(uid, derived_uid("abc"));
  EXPECT_NE(uid, derived_uid("abd"));
  EXPECT_LE(uid.size(), 64u);
  EXPECT_TRUE(uid.starts_with("2.25."));
  EXPECT_NE(uid[5], '0');
}

TEST(Random, has_the_moments_of_its_distributions) {
  const Random random(7);
  double sum = 0, squares = 0, counts = 0;
  constexpr int n = 200000;
  for (int c = 0; c < n; ++c) {
    const double x = random.normal(static_cast<std::uint64_t>(c));
    sum += x;
    squares += x * x;
    counts += random.poisson(static_cast<std::uint64_t>(c), 4.0);
  }
  EXPECT_NEAR(sum / n, 0.0, 0.01);
  EXPECT_NEAR(squares / n, 1.0, 0.02);
  EXPECT_NEAR(counts / n, 4.0, 0.03);
  EXPECT_NE(Random(7, 1).bits(0), Random(7, 2).bits(0));
}

TEST(Table, writes_rfc_4180) {
  Table table({"name", "value"});
  table.add({std::string("a,\"b\""), 0.5});
  table.add({Table::Cell(), 3.0});
  EXPECT_EQ(table.to_csv(), "name,value\n\"a,\"\"b\"\"\",0.5\n,3\n");
  EXPECT_THROW(table.add({1.0}), Error);
}

TEST(Files, writes_whole_files_or_nothing) {
  const TemporaryFolder folder;
  const Path file = folder.path() / "a.txt";
  write_atomic(file, "first");
  write_atomic(file, "second");
  EXPECT_EQ(read_text(file), "second");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
  EXPECT_THROW(write_atomic(folder.path() / "none" / "a.txt", "x"), Error);
}

TEST(Files, says_what_is_wrong_with_a_file) {
  const TemporaryFolder folder;
  try {
    read_bytes(folder.path() / "missing");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
  }
  EXPECT_THROW(read_bytes(folder.path()), Error);
  write_atomic(folder.path() / "a", "12345");
  EXPECT_THROW(read_bytes(folder.path() / "a", 4), Error);
}

TEST(StagedFolder, leaves_the_destination_untouched_without_commit) {
  const TemporaryFolder folder;
  const Path out = folder.path() / "out";
  {
    StagedFolder staged(out);
    write_atomic(staged.path() / "a", "old");
    staged.commit();
  }
  {
    StagedFolder staged(out);
    write_atomic(staged.path() / "a", "new");
  }
  EXPECT_EQ(read_text(out / "a"), "old");
  {
    StagedFolder staged(out);
    write_atomic(staged.path() / "b", "newer");
    staged.commit();
  }
  EXPECT_FALSE(std::filesystem::exists(out / "a"));
  EXPECT_EQ(read_text(out / "b"), "newer");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(StagedFolder, clears_what_a_killed_run_left) {
  const TemporaryFolder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    StagedFolder staged(folder.path() / "out");
    write_atomic(staged.path() / "a", "x");
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
  { const StagedFolder staged(folder.path() / "out"); }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 0);
}

}  // namespace
}  // namespace gantry::base_test
