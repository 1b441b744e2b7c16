// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/archive.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "gantry/archive/archive_test_support.h"

namespace gantry::archive::archive_test {
namespace {

namespace fs = std::filesystem;
using test::file_of;
using test::Object;

ArchiveOptions in(const TemporaryFolder& folder) {
  ArchiveOptions options;
  options.data = folder.path() / "data";
  return options;
}

std::vector<std::string> uids(const Archive& archive, const Query& query, dicom::Tag tag = 0x0020000DU) {
  std::vector<std::string> found;
  for (const Attributes& match : archive.find(query)) found.push_back(match.at(tag));
  return found;
}

Query studies(std::string keyword, std::string value) {
  Query query;
  query.match = {{std::move(keyword), std::move(value)}};
  return query;
}

std::size_t matches(const Archive& archive, std::string keyword, std::string value) {
  return archive.find(studies(std::move(keyword), std::move(value))).size();
}

TEST(Archive, gives_back_the_bytes_that_it_was_given) {
  const TemporaryFolder folder;
  Archive archive(in(folder));
  const Bytes file = file_of(Object{});
  const Added added = archive.add(file, "SENDER");
  EXPECT_FALSE(added.already_there);
  EXPECT_EQ(added.record.study_uid, "1.2.3");
  EXPECT_EQ(added.record.size, file.size());
  EXPECT_EQ(read_bytes(archive.file_of("1.2.3.1.1")), file);
  EXPECT_EQ(archive.header_of("1.2.3.1.1")->root.text(0x00100020U), "P1");
}

TEST(Archive, is_the_same_after_it_is_opened_again) {
  const TemporaryFolder folder;
  {
    Archive archive(in(folder));
    archive.add(file_of(Object{}));
  }
  Archive archive(in(folder));
  EXPECT_EQ(archive.statistics().instances, 1);
  EXPECT_EQ(archive.instances("1.2.3").size(), 1U);
}

TEST(Archive, takes_the_same_object_twice_but_not_another_one_under_its_uid) {
  const TemporaryFolder folder;
  Archive archive(in(folder));
  Object object;
  archive.add(file_of(object));
  EXPECT_TRUE(archive.add(file_of(object)).already_there);
  archive.flush();
  EXPECT_TRUE(archive.add(file_of(object)).already_there);
  object.patient_name = "Roe^John";
  EXPECT_EQ(error_of([&] { archive.add(file_of(object)); }).code(), ErrorCode::refused);
  EXPECT_EQ(archive.statistics().instances, 1);
}

TEST(Archive, refuses_missing_and_malformed_uids_by_name) {
  const TemporaryFolder folder;
  Archive archive(in(folder));
  const auto refusal = [&](auto change) {
    Object object;
    change(object);
    const Error error = error_of([&] { archive.add(file_of(object)); });
    EXPECT_EQ(error.code(), ErrorCode::refused);
    return std::string(error.what());
  };
  EXPECT_NE(refusal([](Object& o) { o.study_uid = ""; }).find("StudyInstanceUID"), std::string::npos);
  EXPECT_NE(refusal([](Object& o) { o.series_uid = "1..2"; }).find("SeriesInstanceUID"), std::string::npos);
  EXPECT_NE(refusal([](Object& o) { o.uid = "../../etc/passwd"; }).find("SOPInstanceUID"), std::string::npos);
  EXPECT_NE(refusal([](Object& o) { o.sop_class = "x"; }).find("SOPClassUID"), std::string::npos);
  EXPECT_EQ(archive.statistics().instances, 0);
  EXPECT_TRUE(fs::is_empty(folder.path() / "data/incoming"));
}

TEST(Archive, refuses_what_is_no_dicom_file_and_what_is_cut_off_anywhere) {
  const TemporaryFolder folder;
  Archive archive(in(folder));
  const Bytes file = file_of(Object{});
  // What ends behind the series UID or one of the four elements of 10 bytes between it and the pixels is an object, only without pixels.
  const std::size_t pixels = file.size() - 32 - 12;
  for (std::size_t size = 0; size < file.size(); ++size) {
    if (size <= pixels && size + 40 >= pixels && (pixels - size) % 10 == 0) continue;
    const auto code = error_of([&] { archive.add(std::span(file).first(size)); }).code();
    EXPECT_TRUE(code == ErrorCode::refused || code == ErrorCode::unreadable) << size;
  }
  EXPECT_EQ(archive.statistics().instances, 0);
  const Bytes text(2000, std::byte{'a'});
  EXPECT_EQ(error_of([&] { archive.add(text); }).code(), ErrorCode::refused);
  ArchiveOptions small = in(folder);
  small.data = folder.path() / "small";
  small.max_object_bytes = 300;
  EXPECT_EQ(error_of([&] { Archive(small).add(file); }).code(), ErrorCode::refused);
}

TEST(Archive, is_held_by_one_process_at_a_time) {
  const TemporaryFolder folder;
  const Archive archive(in(folder));
  EXPECT_EQ(error_of([&] { const Archive second(in(folder)); }).code(), ErrorCode::refused);
  ArchiveOptions absent = in(folder);
  absent.data = folder.path() / "nothing";
  absent.must_exist = true;
  EXPECT_EQ(error_of([&] { const Archive none(absent); }).code(), ErrorCode::not_found);
}

TEST(Archive, matches_as_the_standard_says) {
  const TemporaryFolder folder;
  Archive archive(in(folder));
  const auto put = [&](const char* study, const char* name, const char* date, const char* time, const char* modality) {
    Object o;
    o.study_uid = study;
    o.series_uid = std::string(study) + ".1";
    o.uid = std::string(study) + ".1.1";
    o.patient_name = name;
    o.patient_id = study;
    o.study_date = date;
    o.study_time = time;
    o.modality = modality;
    o.character_set = "ISO_IR 192";
    archive.add(file_of(o));
  };
  put("1.1", "Doe^Jane", "20240101", "080000", "CT");
  put("1.2", "DOE^JOHN^^", "20240615", "120059.5", "MR");
  put("1.3", "Yamada^Tarou=山田^太郎=やまだ^たろう", "20250101", "235959", "CT");
  put("1.4", "[odd]^name", "", "", "US");
  EXPECT_EQ(matches(archive, "PatientName", ""), 4U);
  EXPECT_EQ(matches(archive, "PatientName", "*"), 4U);
  EXPECT_EQ(matches(archive, "PatientName", "doe^*"), 2U);
  EXPECT_EQ(matches(archive, "PatientName", "Doe^John"), 1U);
  EXPECT_EQ(matches(archive, "PatientName", "doe^j?ne"), 1U);
  EXPECT_EQ(matches(archive, "PatientName", "山田^*"), 1U);
  EXPECT_EQ(matches(archive, "PatientName", "YAMADA^TAROU"), 1U);
  EXPECT_EQ(matches(archive, "PatientName", "[odd]*"), 1U);
  EXPECT_EQ(matches(archive, "PatientName", "[a-z]*"), 0U);
  EXPECT_EQ(matches(archive, "StudyDate", "20240101"), 1U);
  EXPECT_EQ(matches(archive, "StudyDate", "20240101-20241231"), 2U);
  EXPECT_EQ(matches(archive, "StudyDate", "20240201-"), 2U);
  EXPECT_EQ(matches(archive, "StudyDate", "-20240201"), 1U);
  EXPECT_EQ(matches(archive, "StudyTime", "1200-1200"), 1U);
  EXPECT_EQ(matches(archive, "StudyTime", "1200"), 1U);
  EXPECT_EQ(matches(archive, "StudyInstanceUID", "1.1\\1.3\\9.9"), 2U);
  EXPECT_EQ(matches(archive, "00100020", "1.4"), 1U);
  EXPECT_EQ(matches(archive, "ModalitiesInStudy", "CT"), 2U);
  EXPECT_EQ(matches(archive, "ModalitiesInStudy", "CT\\US"), 3U);
  EXPECT_EQ(matches(archive, "ModalitiesInStudy", "X*"), 0U);
  EXPECT_EQ(matches(archive, "PatientID", "' OR 1=1 --"), 0U);
  Query fuzzy = studies("PatientName", "jan doe");
  fuzzy.fuzzy_names = true;
  EXPECT_EQ(uids(archive, fuzzy), std::vector<std::string>{"1.1"});
  Query newest;
  newest.newest_first = true;
  newest.offset = 1;
  newest.limit = 2;
  EXPECT_EQ(uids(archive, newest), (std::vector<std::string>{"1.2", "1.1"}));
  EXPECT_EQ(archive.count(newest), 4);
  for (const char* bad : {"2024-2025-2026", "-", "yesterday", "20240101-x"}) {
    EXPECT_EQ(error_of([&] { matches(archive, "StudyDate", bad); }).code(), ErrorCode::parameter) << bad;
  }
  EXPECT_EQ(error_of([&] { matches(archive, "NoSuchKey", "1"); }).code(), ErrorCode::parameter);
}

TEST(Archive, counts_and_lists_at_every_level) {
  const TemporaryFolder folder;
  Archive archive(in(folder));
  for (int n = 1; n <= 12; ++n) {
    Object o;
    o.number = std::to_string(13 - n);
    o.series_uid = n % 2 == 0 ? "1.2.3.1" : "1.2.3.2";
    o.modality = n % 2 == 0 ? "CT" : "SEG";
    o.uid = "1.2.3.9." + std::to_string(n);
    archive.add(file_of(o));
  }
  Object other;
  other.study_uid = "1.9";
  other.uid = "1.9.1.1";
  other.study_date = "20250101";
  archive.add(file_of(other));  // the series UID of another study: kept apart
  Query query;
  query.level = Level::patient;
  std::vector<Attributes> found = archive.find(query);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].at(0x00201200U), "2");
  EXPECT_EQ(found[0].at(0x00201202U), "3");
  EXPECT_EQ(found[0].at(0x00201204U), "13");
  query = studies("StudyInstanceUID", "1.2.3");
  found = archive.find(query);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].at(0x00201206U), "2");
  EXPECT_EQ(found[0].at(0x00201208U), "12");
  EXPECT_EQ(found[0].at(0x00080061U), "SEG\\CT");
  query.level = Level::series;
  EXPECT_EQ(uids(archive, query, 0x0020000EU), (std::vector<std::string>{"1.2.3.2", "1.2.3.1"}));
  query.level = Level::instance;
  query.match.push_back({"SeriesInstanceUID", "1.2.3.1"});
  EXPECT_EQ(uids(archive, query, 0x00200013U), (std::vector<std::string>{"1", "3", "5", "7", "9", "11"}));
  const Json json = to_json(archive.find(query)[0]);
  EXPECT_EQ(json["00100010"]["Value"][0]["Alphabetic"], "Doe^Jane");
  EXPECT_EQ(json["00280010"]["Value"][0], 4);
  EXPECT_EQ(json["00083002"]["Value"][0], "1.2.840.10008.1.2.1");
  const Statistics sums = archive.statistics();
  EXPECT_EQ(sums.patients, 1);
  EXPECT_EQ(sums.studies, 2);
  EXPECT_EQ(sums.series, 3);
  EXPECT_EQ(sums.instances, 13);
}

TEST(Archive, forgets_what_is_removed_and_keeps_the_counts_right) {
  const TemporaryFolder folder;
  Archive archive(in(folder));
  for (int n = 1; n <= 4; ++n) {
    Object o;
    o.series_uid = n == 4 ? "1.2.3.2" : "1.2.3.1";
    o.modality = n == 4 ? "SR" : "CT";
    o.uid = "1.2.3.1." + std::to_string(n);
    archive.add(file_of(o));
  }
  EXPECT_EQ(archive.remove("1.2.3", "1.2.3.1", "1.2.3.1.2"), 1);
  EXPECT_EQ(archive.find({})[0].at(0x00201208U), "3");
  EXPECT_EQ(error_of([&] { archive.file_of("1.2.3.1.2"); }).code(), ErrorCode::not_found);
  EXPECT_EQ(archive.remove("1.2.3", "1.2.3.1"), 2);
  EXPECT_EQ(archive.find({})[0].at(0x00080061U), "SR");
  EXPECT_EQ(archive.remove("1.2.3"), 1);
  EXPECT_TRUE(archive.find({}).empty());
  gantry::Run run;
  EXPECT_TRUE(archive.verify(run).empty());
}

TEST(Archive, finds_damage_and_keeps_it_in_mind_when_the_index_is_made_anew) {
  const TemporaryFolder folder;
  Archive archive(in(folder));
  for (int n = 1; n <= 3; ++n) {
    Object o;
    o.uid = "1.2.3.1." + std::to_string(n);
    archive.add(file_of(o));
  }
  gantry::Run run;
  EXPECT_TRUE(archive.verify(run).empty());
  const Path changed = archive.file_of("1.2.3.1.1");
  std::fstream(changed, std::ios::in | std::ios::out | std::ios::binary).seekp(-2, std::ios::end).put('?');
  fs::remove(archive.file_of("1.2.3.1.3"));
  std::vector<Damage> damages = archive.verify(run);
  ASSERT_EQ(damages.size(), 2U);
  EXPECT_EQ(damages[0].sop_instance_uid, "1.2.3.1.1");
  EXPECT_EQ(damages[1].reason, "the file is missing");
  damages = archive.reindex(run);
  ASSERT_EQ(damages.size(), 1U);
  EXPECT_EQ(archive.statistics().instances, 2);
  EXPECT_EQ(archive.verify(run).size(), 1U);
}

TEST(Archive, makes_a_lost_or_damaged_index_anew) {
  const TemporaryFolder folder;
  const Path index = folder.path() / "data/index.sqlite";
  { Archive(in(folder)).add(file_of(Object{})); }
  fs::remove(index);
  EXPECT_EQ(Archive(in(folder)).statistics().instances, 1);
  fs::remove(index.string() + "-wal");
  std::ofstream(index, std::ios::trunc) << std::string(5000, 'x');
  EXPECT_EQ(Archive(in(folder)).statistics().instances, 1);
}

TEST(Archive, loses_nothing_acknowledged_when_it_is_killed) {
  const TemporaryFolder folder;
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Archive archive(in(folder));
    for (int n = 1;; ++n) {
      Object o;
      o.uid = "1.2.3.1." + std::to_string(n);
      archive.add(file_of(o));
      if (::write(pipe[1], &n, sizeof(n)) != sizeof(n)) ::_exit(1);
    }
  }
  ::close(pipe[1]);
  int acknowledged = 0, n = 0;
  while (acknowledged < 60 && ::read(pipe[0], &n, sizeof(n)) == sizeof(n)) acknowledged = n;
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  while (::read(pipe[0], &n, sizeof(n)) == sizeof(n)) acknowledged = n;
  ::close(pipe[0]);
  // As a crash may leave them: a temporary file, and one whose name was written before its content.
  const Path incoming = folder.path() / "data/incoming";
  std::ofstream(incoming / "1-1.part") << "x";
  std::ofstream(incoming / "00112233445566778899aabbccddeeff-800-00112233445566778899aabbccddeeff.dcm") << "cut";
  Archive archive(in(folder));
  const auto stored = archive.instances("1.2.3");
  EXPECT_GE(static_cast<int>(stored.size()), acknowledged);
  EXPECT_LE(static_cast<int>(stored.size()), acknowledged + 1);
  gantry::Run run;
  EXPECT_TRUE(archive.verify(run).empty());
  EXPECT_TRUE(fs::is_empty(incoming));
}

TEST(Archive, keeps_one_of_many_that_arrive_at_once_under_one_uid) {
  const TemporaryFolder folder;
  Archive archive(in(folder));
  std::atomic<int> stored{0}, known{0}, refused{0};
  std::vector<std::thread> senders;
  for (int n = 0; n < 8; ++n) {
    senders.emplace_back([&, n] {
      Object o;
      o.patient_name = n % 2 == 0 ? "A" : "B";
      try {
        ++(archive.add(file_of(o)).already_there ? known : stored);
      } catch (const Error&) {
        ++refused;
      }
    });
  }
  for (std::thread& sender : senders) sender.join();
  EXPECT_EQ(stored, 1);
  EXPECT_EQ(known, 3);
  EXPECT_EQ(refused, 4);
  EXPECT_EQ(archive.statistics().instances, 1);
}

}  // namespace
}  // namespace gantry::archive::archive_test
