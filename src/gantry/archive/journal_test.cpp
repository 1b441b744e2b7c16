// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/journal.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "gantry/archive/archive_test_support.h"
#include "gantry/base/run.h"

namespace gantry::archive {
namespace {

namespace fs = std::filesystem;
using test::file_of;

constexpr JournalOptions small{.segment_bytes = 1 << 20, .most_segments = 2, .begins_after = 0};

std::string uid_of(int number) { return "1.2.3.1." + std::to_string(number); }

Bytes object(int number, std::size_t pixel_bytes = 8000) { return file_of({.uid = uid_of(number), .pixel_bytes = pixel_bytes}); }

/// Whether a segment has been filled and taken into use.
bool begun(const Path& data) {
  const Path first = data / "journal/0.log";
  std::ifstream file(first, std::ios::binary);
  std::string magic(8, ' ');
  return file.read(magic.data(), 8) && magic == "GTRYJNL1" && fs::file_size(first) == small.segment_bytes;
}

bool journaled(const Path& data, const std::string& uid) {
  for (const auto& entry : fs::directory_iterator(data / "journal")) {
    if (read_text(entry.path()).find(uid + std::string(1, '\0')) != std::string::npos) return true;
  }
  return false;
}

class JournalTest : public testing::Test {
 protected:
  ArchiveOptions options(const Path& data) const { return {.data = data, .journal = small}; }

  /// Stores objects from `first` on until `count` of them have gone through the journal; the number of the next one.
  int fill(Archive& archive, int first, int count) {
    for (int tries = 0; tries < 3000 && !begun(data_); ++tries) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    int number = first;
    for (int found = 0, tries = 0; found < count && tries < 3000; ++tries, ++number) {
      archive.add(object(number));
      found += journaled(data_, uid_of(number)) ? 1 : 0;
    }
    return number;
  }
  Path place_of(const Path& data, int number) const {
    const std::string name = sha256_hex(uid_of(number)).substr(0, 32);
    return data / "instances" / name.substr(0, 2) / (name.substr(2) + ".dcm");
  }
  /// What a loss of power leaves when the disk has not yet got to the files of the objects `from` to `to` - 1.
  Path after_loss_of_power(const Archive& archive, int from, int to) {
    archive.flush();
    const Path copy = folder_.path() / "copy";
    fs::copy(data_, copy, fs::copy_options::recursive);
    for (int number = from; number < to; ++number) {
      if (!journaled(data_, uid_of(number))) continue;
      if (number % 2 == 0) {
        fs::remove(place_of(copy, number));
      } else if (fs::exists(place_of(copy, number))) {
        fs::resize_file(place_of(copy, number), static_cast<std::uint64_t>(number) % 3 * 400);
      }
    }
    return copy;
  }

  TemporaryFolder folder_;
  Path data_ = folder_.path() / "data";
};

TEST_F(JournalTest, brings_back_what_a_loss_of_power_kept_from_the_disk) {
  Archive archive(options(data_));
  const int end = fill(archive, 1, 30);
  ASSERT_TRUE(journaled(data_, uid_of(end - 1)));
  const Path copy = after_loss_of_power(archive, 1, end);
  EXPECT_FALSE(fs::exists(place_of(copy, (end - 1) / 2 * 2)));
  Archive again(options(copy));
  EXPECT_EQ(again.statistics().instances, end - 1);
  for (int number = 1; number < end; ++number) EXPECT_EQ(read_bytes(again.file_of(uid_of(number))), object(number)) << number;
  gantry::Run run;
  EXPECT_TRUE(again.verify(run).empty());
}

TEST_F(JournalTest, also_when_the_index_was_lost) {
  Archive archive(options(data_));
  const int end = fill(archive, 1, 10);
  const Path copy = after_loss_of_power(archive, 1, end);
  for (const char* ending : {"", "-wal", "-shm"}) fs::remove(copy / (std::string("index.sqlite") + ending));
  Archive again(options(copy));
  EXPECT_EQ(again.statistics().instances, end - 1);
  gantry::Run run;
  EXPECT_TRUE(again.verify(run).empty());
}

TEST_F(JournalTest, brings_back_nothing_that_was_removed_unless_it_came_again) {
  Archive archive(options(data_));
  const int end = fill(archive, 1, 6);
  const std::string gone = uid_of(end - 1), back = uid_of(end - 2);
  EXPECT_EQ(archive.remove("1.2.3", {}, gone), 1);
  EXPECT_EQ(archive.remove("1.2.3", {}, back), 1);
  archive.add(object(end - 2));
  const Path copy = after_loss_of_power(archive, 1, end);
  Archive again(options(copy));
  EXPECT_FALSE(again.instance(gone));
  EXPECT_TRUE(again.instance(back));
  EXPECT_EQ(again.statistics().instances, end - 2);
  gantry::Run run;
  EXPECT_TRUE(again.verify(run).empty());
}

TEST_F(JournalTest, goes_by_the_digest_of_each_record_and_by_no_foreign_file) {
  Archive archive(options(data_));
  const int end = fill(archive, 1, 8);
  const Path copy = after_loss_of_power(archive, 1, end);
  write_atomic(copy / "journal/9.log", std::string_view("GTRYJNL1 and nothing more"));
  // The last record was being written when the power went: never acknowledged, so that it may go, but nothing before it.
  std::string text = read_text(copy / "journal/0.log");
  const std::size_t last = text.rfind(uid_of(end - 1) + std::string(1, '\0'));
  ASSERT_NE(last, std::string::npos);
  text[last + 200] = static_cast<char>(text[last + 200] + 1);
  write_atomic(copy / "journal/0.log", std::string_view(text));
  fs::remove(place_of(copy, end - 1));
  Archive again(options(copy));
  gantry::Run run;
  const auto damages = again.verify(run);
  ASSERT_EQ(damages.size(), 1u);
  EXPECT_EQ(damages[0].sop_instance_uid, uid_of(end - 1));
  EXPECT_FALSE(fs::exists(copy / "journal/9.log"));
}

TEST_F(JournalTest, uses_its_segments_again_and_empties_them_at_the_end) {
  {
    Archive archive(options(data_));
    const int end = fill(archive, 1, 5);
    for (int number = end; number < end + 60; ++number) archive.add(object(number, 80000));
    EXPECT_EQ(archive.statistics().instances, end + 59);
  }
  std::uint64_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(data_ / "journal")) bytes += entry.file_size();
  EXPECT_LE(bytes, 2 * small.segment_bytes);
  Journal journal(data_ / "journal", small, [] {});
  EXPECT_TRUE(journal.recover().empty());
}

TEST_F(JournalTest, stores_what_several_send_at_once) {
  {
    Archive archive(options(data_));
    const int end = fill(archive, 1, 3);
    std::vector<std::thread> senders;
    for (int sender = 0; sender < 4; ++sender) {
      senders.emplace_back([&, sender] {
        for (int n = 0; n < 40; ++n) archive.add(object(end + sender * 40 + n, 20000));
      });
    }
    for (std::thread& one : senders) one.join();
    EXPECT_EQ(archive.statistics().instances, end + 159);
  }
  Archive again(options(data_));
  gantry::Run run;
  EXPECT_TRUE(again.verify(run).empty());
}

TEST_F(JournalTest, leaves_large_objects_to_their_own_files) {
  Archive archive(options(data_));
  const int end = fill(archive, 1, 1);
  const Bytes large = object(end, 3 << 20);
  archive.add(large);
  EXPECT_FALSE(journaled(data_, uid_of(end)));
  EXPECT_EQ(read_bytes(archive.file_of(uid_of(end))), large);
}

TEST_F(JournalTest, loses_nothing_acknowledged_when_the_process_is_killed) {
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Archive archive(options(data_));
    int left = 100;
    for (int n = 1; left > 0; ++n) {
      archive.add(object(n));
      if (::write(pipe[1], &n, sizeof(n)) != sizeof(n)) ::_exit(1);
      if (begun(data_)) --left;
    }
    for (;;) ::pause();
  }
  ::close(pipe[1]);
  int acknowledged = 0, n = 0;
  while (acknowledged < 3000 && ::read(pipe[0], &n, sizeof(n)) == sizeof(n)) {
    acknowledged = n;
    if (begun(data_) && journaled(data_, uid_of(n))) break;
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  while (::read(pipe[0], &n, sizeof(n)) == sizeof(n)) acknowledged = n;
  ::close(pipe[0]);
  Archive archive(options(data_));
  const auto stored = archive.instances("1.2.3");
  EXPECT_GE(static_cast<int>(stored.size()), acknowledged);
  EXPECT_LE(static_cast<int>(stored.size()), acknowledged + 1);
  gantry::Run run;
  EXPECT_TRUE(archive.verify(run).empty());
}

}  // namespace
}  // namespace gantry::archive
