// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/analyses.h"

#include <gtest/gtest.h>

#include <thread>

#include "gantry/archive/archive_test_support.h"
#include "gantry/archive/http_test_support.h"
#include "gantry/archive/serve.h"
#include "gantry/archive/store.h"
#include "gantry/catalogue/catalogue.h"
#include "gantry/dicom/iod/write.h"
#include "gantry/image/phantom/phantom.h"

namespace gantry::archive::analyses_test {
namespace {

namespace fs = std::filesystem;
const std::string basic = "Authorization: Basic YWRtaW46dGVzdCBwYXNzd29yZA==\r\n";  // admin:test password
const std::string json_type = "Content-Type: application/json\r\n";
const std::string study_uid = "1.2.826.0.1.3680043.9.9999.7";

/// The files of a small series of the study: a sphere, `number` tells one series from another.
std::vector<Path> series(const Path& folder, int number, const std::string& modality = "OT") {
  dicom::ImageSeriesSpec spec;
  spec.modality = modality;
  spec.image = phantom("sphere");
  spec.uid_seed = fmt::format("series {}", number);
  spec.attributes = {{"StudyInstanceUID", study_uid},
                     {"PatientID", "P1"},
                     {"StudyDescription", "Chest follow-up"},
                     {"SeriesNumber", std::to_string(number)}};
  Run run;
  dicom::write_image_series(folder, spec, run);
  std::vector<Path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

class StudyAnalyses : public testing::Test {
 protected:
  StudyAnalyses() { write_atomic(folder_.path() / "password", std::string_view("test password\n")); }
  void start(ArrivalOptions analysis) {
    ServeOptions options;
    options.data = folder_.path() / "data";
    options.admin_password_file = folder_.path() / "password";
    options.http_port = 0;
    options.dicom_port = -1;
    options.jobs.workers = 1;
    options.analysis = std::move(analysis);
    server_ = std::make_unique<Server>(options, catalogue());
  }
  static ArrivalOptions on_arrival(double quiet_seconds = 0.2) {
    ArrivalOptions options;
    options.on_arrival = true;
    options.quiet_seconds = quiet_seconds;
    return options;
  }
  Reply ask(std::string_view method, const std::string& target, const std::string& headers = {}, const std::string& body = {}) {
    return TestClient(server_->http_port()).ask(method, target, basic + headers, body);
  }
  void send(const std::vector<Path>& files) {
    std::string body;
    for (const Path& file : files) body += "--b\r\nContent-Type: application/dicom\r\n\r\n" + read_text(file) + "\r\n";
    const Reply reply = ask("POST", "/dicom-web/studies", "Content-Type: multipart/related; type=\"application/dicom\"; boundary=b\r\n",
                            body + "--b--\r\n");
    ASSERT_EQ(reply.status, 200) << reply.body;
  }
  Json jobs() { return ask("GET", "/api/v1/jobs").json().at("jobs"); }
  /// Waits until `count` jobs have ended and none is under way.
  Json ended_jobs(std::size_t count) {
    for (int n = 0; n < 6000; ++n) {
      const Json all = jobs();
      std::size_t ended = 0;
      for (const Json& job : all) ended += !job.at("ended").is_null();
      if (ended == all.size() && ended >= count) return all;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    ADD_FAILURE() << "the jobs did not end: " << jobs();
    return jobs();
  }
  std::vector<std::string> stored(const std::string& modality) {
    std::vector<std::string> uids;
    const std::string target = "/dicom-web/studies/" + study_uid + "/instances?Modality=" + modality;
    const Reply reply = ask("GET", target);
    if (reply.status == 204) return uids;
    for (const Json& object : reply.json()) uids.push_back(object["00080018"]["Value"][0]);
    std::sort(uids.begin(), uids.end());
    return uids;
  }
  Reply analysis(const std::string& rest = {}) { return ask("GET", "/api/v1/studies/" + study_uid + "/analysis" + rest); }
  Reply order(const std::string& body = {}) {
    return ask("POST", "/api/v1/studies/" + study_uid + "/analysis", body.empty() ? "" : json_type, body);
  }

  TemporaryFolder folder_;
  std::unique_ptr<Server> server_;
};

TEST_F(StudyAnalyses, follow_an_arrival_and_store_their_results_once) {
  start(on_arrival());
  send(series(folder_.path() / "a", 1));
  const Json first = ended_jobs(1);
  ASSERT_EQ(first.size(), 1u) << first;
  EXPECT_EQ(first[0]["state"], "done") << first;
  EXPECT_EQ(first[0]["study_uid"], study_uid);
  EXPECT_EQ(first[0]["trigger"], "arrival");
  const Reply summary = analysis();
  ASSERT_EQ(summary.status, 200) << summary.body;
  EXPECT_EQ(summary.json()["studies"][0]["study_uid"], study_uid);
  const auto images = stored("OT"), reports = stored("SR");
  const std::size_t slices = static_cast<std::size_t>(phantom("sphere").grid().size(2));
  EXPECT_GT(images.size(), slices) << "key images join the study";
  EXPECT_FALSE(reports.empty());
  EXPECT_NE(analysis("/files/report.html").body.find("<html"), std::string::npos);
  EXPECT_EQ(analysis("/files/report.html").headers.find("content-security-policy").value_or("").find("sandbox"), 0u);

  // The results are no arrival: neither now nor after a restart anything follows.
  std::this_thread::sleep_for(std::chrono::milliseconds(800));
  EXPECT_EQ(jobs().size(), 1u);
  server_.reset();
  start(on_arrival());
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  EXPECT_EQ(jobs().size(), 1u);
  // What is there already is no arrival.
  send({folder_.path() / "a/0001.dcm"});
  std::this_thread::sleep_for(std::chrono::milliseconds(600));
  EXPECT_EQ(jobs().size(), 1u);

  // By hand: the same objects again, so that nothing is stored twice.
  EXPECT_EQ(order().status, 202);
  EXPECT_EQ(ended_jobs(2).size(), 2u);
  EXPECT_EQ(stored("OT"), images);
  EXPECT_EQ(stored("SR"), reports);

  // A new series: another analysis.
  send(series(folder_.path() / "b", 2));
  const Json third = ended_jobs(3);
  ASSERT_EQ(third.size(), 3u);
  EXPECT_EQ(third[0]["trigger"], "arrival");
  EXPECT_EQ(analysis().json()["studies"][0]["series"].size(), 2u);
  EXPECT_EQ(stored("SR").size(), 2 * reports.size());
}

TEST_F(StudyAnalyses, in_another_language_put_their_objects_in_place_of_the_former_ones) {
  start({});
  send(series(folder_.path() / "a", 1));
  EXPECT_EQ(analysis().status, 404);
  EXPECT_EQ(jobs().size(), 0u) << "off unless the settings say otherwise";
  const Reply accepted = order();
  ASSERT_EQ(accepted.status, 202) << accepted.body;
  EXPECT_EQ(accepted.headers.find("location"), "/api/v1/jobs/" + accepted.json()["id"].get<std::string>());
  EXPECT_EQ(ended_jobs(1)[0]["state"], "done");
  const auto images = stored("OT"), reports = stored("SR");
  EXPECT_EQ(order(R"({"language": "zh"})").status, 202);
  EXPECT_EQ(ended_jobs(2)[0]["state"], "done");
  EXPECT_EQ(stored("OT").size(), images.size());
  EXPECT_EQ(stored("SR").size(), reports.size());
  EXPECT_NE(stored("SR"), reports);
  EXPECT_EQ(analysis().json()["language"], "zh");
}

TEST_F(StudyAnalyses, are_done_after_a_restart_when_they_had_not_ended) {
  start(on_arrival(3600));
  send(series(folder_.path() / "a", 1));
  for (int n = 0; n < 1200 && analysis().body.find("has not ended") == std::string::npos; ++n)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_NE(analysis().body.find("has not ended"), std::string::npos);
  EXPECT_EQ(jobs().size(), 0u);
  server_.reset();
  start(on_arrival(3600));
  EXPECT_EQ(ended_jobs(1)[0]["state"], "done");
  EXPECT_EQ(analysis().status, 200);
}

TEST_F(StudyAnalyses, follow_the_rules) {
  ArrivalOptions options = on_arrival();
  options.rules = {{.modality = "OT", .analyze = false}, {.modality = "CT", .description = "chest*", .order = {"other", "zh"}}};
  start(options);
  send(series(folder_.path() / "a", 1));
  std::this_thread::sleep_for(std::chrono::milliseconds(700));
  EXPECT_EQ(jobs().size(), 0u);
  EXPECT_EQ(analysis().status, 404);

  ArrivalOptions wrong = on_arrival();
  wrong.rules = {{.order = {"no_such_profile", "en"}}};
  server_.reset();
  EXPECT_EQ(error_of([&] { start(wrong); }).code(), ErrorCode::parameter);
  wrong.rules.clear();
  wrong.order.language = "fr";
  EXPECT_EQ(error_of([&] { start(wrong); }).code(), ErrorCode::parameter);
}

TEST_F(StudyAnalyses, that_fail_are_jobs_with_their_reason) {
  start(on_arrival());
  // Cut off pixels would be refused; a CT without rows and columns is stored and cannot be analysed.
  dicom::test::Writer w;
  w.text(0x00080016U, "UI", "1.2.840.10008.5.1.4.1.1.2").text(0x00080018U, "UI", "1.2.3.4").text(0x00080060U, "CS", "CT");
  w.text(0x0020000DU, "UI", study_uid).text(0x0020000EU, "UI", "1.2.3").text(0x00080070U, "LO", "Gantry");
  Bytes file = dicom::write_file_meta("1.2.840.10008.5.1.4.1.1.2", "1.2.3.4", "1.2.840.10008.1.2.1");
  const auto* first = reinterpret_cast<const std::byte*>(w.bytes().data());
  file.insert(file.end(), first, first + w.bytes().size());
  write_atomic(folder_.path() / "empty.dcm", file);
  send({folder_.path() / "empty.dcm"});
  const Json all = ended_jobs(1);
  ASSERT_EQ(all.size(), 1u);
  if (all[0]["state"] == "failed") {
    EXPECT_FALSE(all[0]["error"]["message"].get<std::string>().empty());
    EXPECT_EQ(analysis().status, 404);
  } else {
    EXPECT_FALSE(analysis().json()["studies"][0]["series"][0]["used"].get<bool>());
  }
}

TEST_F(StudyAnalyses, refuse_bad_requests) {
  start({});
  EXPECT_EQ(order().status, 404);
  EXPECT_EQ(ask("POST", "/api/v1/studies/..%2f..%2fetc/analysis").status, 400);
  EXPECT_EQ(ask("POST", "/api/v1/studies/etc/analysis").status, 404);
  send(series(folder_.path() / "a", 1));
  EXPECT_EQ(order(R"({"language": "fr"})").status, 422);
  EXPECT_EQ(order(R"({"profile": "../../etc/passwd"})").status, 422);
  EXPECT_EQ(order(R"({"study": "1"})").status, 422);
  EXPECT_EQ(order("[]").status, 400);
  EXPECT_EQ(order("{").status, 400);
  EXPECT_EQ(ask("POST", "/api/v1/studies/" + study_uid + "/analysis", "Content-Type: text/plain\r\n", "x").status, 400);
  EXPECT_EQ(jobs().size(), 0u);
  EXPECT_EQ(analysis("/files/report.html").status, 404);
  ASSERT_EQ(order().status, 202);
  ended_jobs(1);
  EXPECT_EQ(analysis("/files/summary.json").status, 200);
  for (const char* path :
       {"", "/", "/../study.json", "/..%2fstudy.json", "/figures", "/figures/..", "/%2fetc%2fpasswd", "//etc/passwd", "/x%00.png"})
    EXPECT_GE(analysis(std::string("/files") + path).status, 400) << path;
  // Links that lead out of the folder are not followed.
  const Path link = fs::directory_iterator(folder_.path() / "data/server/analyses")->path() / "result/link.json";
  fs::create_symlink(folder_.path() / "password", link);
  EXPECT_EQ(analysis("/files/link.json").status, 404);
  fs::remove(link);
  // A study that holds only results holds nothing to analyse.
  const Reply unknown = ask("GET", "/api/v1/studies/9.9/analysis");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(TestClient(server_->http_port()).ask("GET", "/api/v1/studies/" + study_uid + "/analysis").status, 401);
}

TEST(ArrivalRules, choose_by_modality_and_description) {
  const Attributes study{{0x00080061U, "CT\\PT"}, {0x00081030U, "PET/CT Thorax"}};
  ArrivalOptions options;
  options.order.language = "zh";
  EXPECT_EQ(order_for(options, study)->language, "zh");
  options.rules = {{.modality = "MR"}, {.description = "*brain*"}};
  EXPECT_FALSE(order_for(options, study));
  options.rules.push_back({.modality = "PT", .description = "pet*THORAX", .order = {"pet", "en"}});
  EXPECT_EQ(order_for(options, study)->profile, "pet");
  options.rules.insert(options.rules.begin(), {.modality = "CT", .analyze = false});
  EXPECT_FALSE(order_for(options, study));
  EXPECT_FALSE(order_for({.rules = {{.modality = "C"}}}, study));
  EXPECT_FALSE(order_for({.rules = {{.modality = "CT"}}}, {}));
}

TEST(ArrivalRules, know_wildcards) {
  EXPECT_TRUE(fits_pattern("*", ""));
  EXPECT_TRUE(fits_pattern("a*b*c", "AxxBxxbxC"));
  EXPECT_FALSE(fits_pattern("a*b*c", "axxc"));
  EXPECT_TRUE(fits_pattern("?t", "CT"));
  EXPECT_FALSE(fits_pattern("?t", "t"));
  EXPECT_FALSE(fits_pattern("chest", "chest ct"));
  // No pattern takes exponential time.
  EXPECT_FALSE(fits_pattern("*a*a*a*a*a*a*a*a*a*a*a*b", std::string(20000, 'a')));
}

TEST(ArrivalRules, are_read_from_the_settings) {
  const TemporaryFolder folder;
  const Path file = folder.path() / "gantry.toml";
  const auto outcome = [&](std::string_view text) {
    write_atomic(file, text);
    ServeOptions read;
    return error_of([&] { read_configuration(file, read); });
  };
  EXPECT_STREQ(outcome("[[arrival]]\nmodalty = \"CT\"\n").what(),
               "gantry.toml: arrival: rule 1.modalty: is not a setting; did you mean modality?");
  EXPECT_EQ(outcome("arrival = 3\n").code(), ErrorCode::parameter);
  EXPECT_EQ(outcome("arrival = [1]\n").code(), ErrorCode::parameter);
  EXPECT_EQ(outcome("[[arrival]]\nmodality = 3\n").code(), ErrorCode::parameter);
  EXPECT_EQ(outcome("[[arrival]]\nanalyze = \"no\"\n").code(), ErrorCode::parameter);
  EXPECT_EQ(outcome("[analysis]\non_arrival = 1\n").code(), ErrorCode::parameter);
  EXPECT_EQ(outcome("[analysis]\nquiet_seconds = nan\n").code(), ErrorCode::parameter);
  EXPECT_EQ(outcome("[analysis]\nquiet_seconds = -1\n").code(), ErrorCode::parameter);
  write_atomic(file, std::string_view("[analysis]\non_arrival = true\nquiet_seconds = 2.5\nlanguage = \"zh\"\n"
                                      "[[arrival]]\nmodality = \"CT\"\nprofile = \"chest_ct\"\n[[arrival]]\nanalyze = false\n"));
  ServeOptions read;
  read_configuration(file, read);
  EXPECT_TRUE(read.analysis.on_arrival);
  EXPECT_EQ(read.analysis.quiet_seconds, 2.5);
  ASSERT_EQ(read.analysis.rules.size(), 2u);
  EXPECT_EQ(read.analysis.rules[0].order.profile, "chest_ct");
  EXPECT_FALSE(read.analysis.rules[1].analyze);
}

TEST(Archive, tells_a_listener_what_a_crash_kept_from_it) {
  const TemporaryFolder folder;
  const auto uids_of = [](std::vector<std::string>& told) {
    return [&told](std::span<const InstanceRecord> records) {
      for (const InstanceRecord& record : records) told.push_back(record.sop_instance_uid);
    };
  };
  {
    Archive archive({.data = folder.path()});
    std::vector<std::string> told;
    int refusals = 0;
    archive.on_indexed([&](std::span<const InstanceRecord>) {
      if (++refusals == 1) throw Error(ErrorCode::disk_full, "note: no room");
      told.push_back("later");
    });
    archive.add(test::file_of({}));
    for (int n = 0; n < 1200 && told.empty(); ++n) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_EQ(told, std::vector<std::string>{"later"}) << "who could not take it is told again";
  }
  // As after a crash between index and move: the file lies in `incoming`.
  Path placed;
  for (const auto& entry : fs::recursive_directory_iterator(folder.path() / "instances")) {
    if (entry.is_regular_file()) placed = entry.path();
  }
  Fingerprint fingerprint;
  {
    Archive archive({.data = folder.path()});
    const InstanceRecord record = *archive.instance("1.2.3.1.1");
    fingerprint = {record.size, record.sha256};
  }
  fs::rename(placed, folder.path() / "incoming" / fmt::format("x-{}-{}.dcm", fingerprint.size, fingerprint.sha256.substr(0, 32)));
  Archive archive({.data = folder.path()});
  std::vector<std::string> told;
  archive.on_indexed(uids_of(told));
  EXPECT_EQ(told, std::vector<std::string>{"1.2.3.1.1"});
}

}  // namespace
}  // namespace gantry::archive::analyses_test
