// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/rest.h"

#include <gtest/gtest.h>

#include <thread>

#include "gantry/archive/archive_test_support.h"
#include "gantry/archive/http_test_support.h"
#include "gantry/archive/serve.h"
#include "gantry/catalogue/catalogue.h"

namespace gantry::archive::rest_test {
namespace {

const std::string basic = "Authorization: Basic YWRtaW46dGVzdCBwYXNzd29yZA==\r\n";  // admin:test password
const std::string json_type = "Content-Type: application/json\r\n";

void write_phantom(const std::string& name, const Path& file) {
  Run run;
  remote_sources(nullptr).resolve(port_info<Image>(), "phantom:" + name, run).write(file, run);
}

double highest_of(const Path& file) {
  Run run;
  const auto voxels = PortType<Image>::read(file, run).as<double>();
  double highest = 0;
  for (const double value : voxels.values()) highest = std::max(highest, value);
  return highest;
}

class Rest : public testing::Test {
 protected:
  Rest() {
    write_atomic(folder_.path() / "password", std::string_view("test password\nsecond line"));
    start();
  }
  void start() {
    ServeOptions options;
    options.data = folder_.path() / "data";
    options.admin_password_file = folder_.path() / "password";
    options.http_port = 0;
    options.dicom_port = -1;
    options.max_body_bytes = 1 << 24;
    options.jobs.workers = 1;
    options.analysis = arrival_;
    server_ = std::make_unique<Server>(options, catalogue());
    client_ = std::make_unique<TestClient>(server_->http_port());
  }
  Reply ask(std::string_view method, const std::string& target, const std::string& headers = {}, const std::string& body = {}) {
    return TestClient(server_->http_port()).ask(method, target, basic + headers, body);
  }
  /// Runs filter.gaussian by a JSON body.
  Reply gaussian(const std::string& body) { return ask("POST", "/api/v1/operations/filter.gaussian/runs", json_type, body); }
  Json ended(const Reply& accepted) {
    return ask("GET", "/api/v1/jobs/" + accepted.json().at("id").get<std::string>() + "?wait=60").json();
  }

  TemporaryFolder folder_;
  ArrivalOptions arrival_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<TestClient> client_;
};

std::string part(const std::string& name, const std::string& content, const std::string& file_name = {}) {
  return fmt::format("--b\r\nContent-Disposition: form-data; name=\"{}\"{}\r\n\r\n{}\r\n", name,
                     file_name.empty() ? "" : "; filename=\"" + file_name + "\"", content);
}
const std::string form_type = "Content-Type: multipart/form-data; boundary=b\r\n";

TEST_F(Rest, closes_every_route_of_its_document_without_a_login) {
  const Json document = client_->ask("GET", "/api/v1/openapi.json").json();
  int open = 0, closed = 0;
  for (const auto& [path, methods] : document.at("paths").items()) {
    std::string target = path;
    for (std::size_t at; (at = target.find('{')) != std::string::npos;) target.replace(at, target.find('}') - at + 1, "x");
    for (const auto& [method, operation] : methods.items()) {
      std::string name = method;
      for (char& c : name) c = static_cast<char>(std::toupper(c));
      const bool is_open = operation.contains("security") && operation["security"].empty();
      const Reply reply = TestClient(server_->http_port()).ask(name, target);
      (is_open ? open : closed) += 1;
      if (path == "/api/v1/login") continue;
      EXPECT_EQ(reply.status == 401, !is_open) << name << " " << path << " " << reply.status;
      EXPECT_NE(ask(name, target).status, 401) << name << " " << path;
    }
  }
  EXPECT_EQ(open, 3);
  EXPECT_GT(closed, 20);
  EXPECT_EQ(client_->ask("GET", "/api/v1/unknown").status, 401);
  EXPECT_EQ(client_->ask("POST", "/api/v1/login", json_type, R"({"user":"admin","password":"wrong wrong"})").status, 401);
}

TEST_F(Rest, begins_and_ends_sessions) {
  const Reply reply = client_->ask("POST", "/api/v1/login", json_type, R"({"user":"admin","password":"test password"})");
  ASSERT_EQ(reply.status, 200);
  const std::string cookie = reply.headers.find("set-cookie").value_or("");
  EXPECT_NE(cookie.find("HttpOnly"), std::string::npos);
  EXPECT_NE(cookie.find("SameSite=Strict"), std::string::npos);
  const std::string header = "Cookie: " + cookie.substr(0, cookie.find(';')) + "\r\n";
  EXPECT_EQ(client_->ask("GET", "/api/v1/session", header).json()["user"], "admin");
  EXPECT_EQ(client_->ask("POST", "/api/v1/logout", header + "Origin: http://evil.example\r\n").status, 403);
  EXPECT_EQ(client_->ask("POST", "/api/v1/logout", header + "Origin: http://localhost\r\n").status, 204);
  EXPECT_EQ(client_->ask("GET", "/api/v1/session", header).status, 401);
}

TEST_F(Rest, lets_the_administrator_alone_manage_users) {
  const std::string reader = "Authorization: Basic cmVhZGVyOnRlc3QgcGFzc3dvcmQ=\r\n";  // reader:test password
  const std::string body = R"({"user": "reader", "password": "test password"})";
  const auto ask_as = [&](const std::string& who, std::string_view method, const std::string& target, const std::string& sent = {}) {
    return TestClient(server_->http_port()).ask(method, target, who + json_type, sent).status;
  };
  EXPECT_EQ(ask_as(reader, "GET", "/api/v1/session"), 401);
  EXPECT_EQ(ask_as(basic, "POST", "/api/v1/users", body), 201);
  EXPECT_EQ(ask_as(reader, "GET", "/api/v1/operations"), 200);
  EXPECT_EQ(ask_as(reader, "GET", "/api/v1/users"), 403);
  EXPECT_EQ(ask_as(reader, "POST", "/api/v1/users", R"({"user": "friend", "password": "test password"})"), 403);
  EXPECT_EQ(ask_as(reader, "POST", "/api/v1/users/reader/password", body), 403);
  EXPECT_EQ(ask_as(reader, "DELETE", "/api/v1/users/admin"), 403);
  EXPECT_EQ(ask("GET", "/api/v1/users").json(), (Json{{"users", {"admin", "reader"}}}));
  EXPECT_EQ(ask_as(basic, "POST", "/api/v1/users/reader/password", R"({"password": "another password"})"), 204);
  EXPECT_EQ(ask_as(reader, "GET", "/api/v1/session"), 401);
  EXPECT_EQ(ask_as(basic, "DELETE", "/api/v1/users/admin"), 409);
  EXPECT_EQ(ask_as(basic, "DELETE", "/api/v1/users/reader"), 204);
  EXPECT_EQ(ask_as(basic, "DELETE", "/api/v1/users/reader"), 404);
}

TEST_F(Rest, lists_operations_as_they_are_declared) {
  const Json all = ask("GET", "/api/v1/operations").json().at("operations");
  EXPECT_EQ(all.size(), catalogue().operations().size());
  const Json one = ask("GET", "/api/v1/operations/filter.gaussian").json();
  EXPECT_EQ(one["parameters"]["properties"]["sigma"]["maximum"], 100);
  EXPECT_EQ(one["inputs"][0]["type"], "image");
  const Reply unknown = ask("GET", "/api/v1/operations/filter.gausian");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_NE(unknown.body.find("filter.gaussian"), std::string::npos);
}

TEST_F(Rest, shows_the_installed_models) {
  const Json models = ask("GET", "/api/v1/models").json().at("models");
  const auto film = std::find_if(models.begin(), models.end(), [](const Json& model) { return model["name"] == "cxr_pneumonia"; });
  ASSERT_NE(film, models.end());
  const Json one = ask("GET", "/api/v1/models/cxr_pneumonia").json();
  EXPECT_EQ(one["sha256"], (*film)["sha256"]);
  EXPECT_EQ(one["card"], read_text(find_resource("models/cxr_pneumonia/card.md")));
  EXPECT_EQ(ask("GET", "/api/v1/models/cxr").status, 404);
  EXPECT_EQ(ask("GET", "/api/v1/models/%2e%2e%2fprofiles").status, 400);
  EXPECT_EQ(ask("DELETE", "/api/v1/models/cxr_pneumonia").status, 405);
}

TEST_F(Rest, shows_the_rules_for_what_arrives_and_what_they_decide) {
  EXPECT_EQ(ask("GET", "/api/v1/arrival").json(),
            Json::parse(R"({"profile": "", "language": "en", "on_arrival": false, "quiet_seconds": 30.0, "rules": []})"));
  server_.reset();
  {
    Archive archive({.data = folder_.path() / "data"});
    archive.add(test::file_of({.study_uid = "1.2.3", .uid = "1.2.3.1", .study_date = "20240103", .modality = "CT"}));
    archive.add(test::file_of({.study_uid = "1.2.4", .uid = "1.2.4.1", .study_date = "20240102", .modality = "MR"}));
    archive.add(test::file_of({.study_uid = "1.2.5", .uid = "1.2.5.1", .study_date = "20240101", .modality = "DX"}));
  }
  arrival_.rules = {{.modality = "MR", .analyze = false}, {.modality = "CT", .order = {"chest_ct", "zh"}}};
  start();
  const Json rules = ask("GET", "/api/v1/arrival").json().at("rules");
  EXPECT_EQ(rules, Json::parse(R"([{"profile": "", "language": "en", "modality": "MR", "description": "", "analyze": false},
                                   {"profile": "chest_ct", "language": "zh", "modality": "CT", "description": "", "analyze": true}])"));
  const Json studies = ask("GET", "/api/v1/arrival/studies").json().at("studies");
  EXPECT_EQ(studies, Json::parse(R"([{"profile": "chest_ct", "language": "zh", "study_uid": "1.2.3", "rule": 1, "analyze": true},
                                     {"profile": "", "language": "", "study_uid": "1.2.4", "rule": 0, "analyze": false},
                                     {"profile": "", "language": "", "study_uid": "1.2.5", "rule": null, "analyze": false}])"));
  EXPECT_EQ(ask("GET", "/api/v1/arrival/studies?limit=1").json().at("studies").size(), 1u);
  for (const char* limit : {"0", "-1", "x", "1.5", "", "nan"})
    EXPECT_EQ(ask("GET", std::string("/api/v1/arrival/studies?limit=") + limit).status, 422) << limit;
}

TEST_F(Rest, runs_an_operation_on_an_upload) {
  write_phantom("impulse", folder_.path() / "in.nii.gz");
  const std::string body =
      part("image", read_text(folder_.path() / "in.nii.gz"), "../../in.NII.GZ") + part("parameters", R"({"sigma": 2})") + "--b--\r\n";
  const Reply accepted = ask("POST", "/api/v1/operations/filter.gaussian/runs", form_type, body);
  ASSERT_EQ(accepted.status, 202) << accepted.body;
  EXPECT_EQ(accepted.headers.find("location"), "/api/v1/jobs/" + accepted.json()["id"].get<std::string>());
  const Json job = ended(accepted);
  ASSERT_EQ(job["state"], "done") << job;
  ASSERT_EQ(job["outputs"][0]["name"], "smoothed");
  const Reply result = ask("GET", job["outputs"][0]["href"].get<std::string>());
  write_atomic(folder_.path() / "out.nii.gz", std::string_view(result.body));
  EXPECT_NEAR(highest_of(folder_.path() / "out.nii.gz"), 0.00794, 5e-5);
  // The uploads are gone, the results stay through a restart, and go when they are removed.
  const Path jobs = folder_.path() / "data/server/jobs" / job["id"].get<std::string>();
  EXPECT_FALSE(std::filesystem::exists(jobs / "inputs"));
  server_.reset();
  start();
  EXPECT_EQ(ask("GET", job["outputs"][0]["href"].get<std::string>()).body, result.body);
  EXPECT_EQ(ask("DELETE", "/api/v1/jobs/" + job["id"].get<std::string>()).status, 204);
  EXPECT_EQ(ask("GET", "/api/v1/jobs/" + job["id"].get<std::string>()).status, 404);
  EXPECT_FALSE(std::filesystem::exists(jobs));
}

TEST_F(Rest, runs_an_operation_on_a_series_of_the_archive) {
  server_.reset();
  {
    Archive archive({.data = folder_.path() / "data"});
    for (int k = 0; k < 2; ++k) {
      dicom::test::Slice slice{.uid = fmt::format("1.2.3.{}", k + 1), .position = fmt::format("0\\0\\{}", 3 * k), .instance = k + 1};
      slice.slope = "2";
      slice.intercept = "-10";
      for (std::uint16_t& value : slice.pixels) value = static_cast<std::uint16_t>(value + 10 * k);
      Bytes file = dicom::write_file_meta(slice.sop_class, slice.uid, "1.2.840.10008.1.2.1");
      const std::string set = dicom::test::slice_set(slice).bytes();
      const auto bytes = std::as_bytes(std::span(set));
      file.insert(file.end(), bytes.begin(), bytes.end());
      archive.add(file);
    }
  }
  start();
  const Json failed = ended(gaussian(R"({"inputs": {"image": "archive:9.9.9"}})"));
  EXPECT_EQ(failed["error"]["code"], "not_found");
  EXPECT_EQ(failed["error"]["status"], 404);
  const Json job =
      ended(gaussian(R"({"inputs": {"image": "archive:1.2/1.2.3"}, "parameters": {"sigma": 1}, "formats": {"smoothed": ".nrrd"}})"));
  ASSERT_EQ(job["state"], "done") << job;
  write_atomic(folder_.path() / "out.nrrd", std::string_view(ask("GET", job["outputs"][0]["href"].get<std::string>()).body));
  gantry::Run run;
  const Image found = PortType<Image>::read(folder_.path() / "out.nrrd", run);
  // Rows lie 2 mm apart, columns 0.5 mm, slices 3 mm; pixels 1 to 6 and 11 to 16, times 2, less 10.
  Voxels<float> stored(Grid({3, 2, 2}, {0.5, 2, 3}));
  for (std::int64_t n = 0; n < 12; ++n) stored[n] = static_cast<float>(2 * (n % 6 + 1 + 10 * (n / 6)) - 10);
  const Arguments expected = catalogue().at("filter.gaussian").run({{"image", {Value(Image(std::move(stored)))}}}, {{"sigma", 1}}, run);
  const Image& smoothed = expected.at("smoothed").front().as<Image>();
  ASSERT_TRUE(found.grid().same_space(smoothed.grid()));
  const VoxelView<float> here = found.as<float>(), there = smoothed.as<float>();
  for (std::int64_t n = 0; n < 12; ++n) EXPECT_NEAR(here[n], there[n], 1e-4) << n;
  EXPECT_GT(std::abs(here[0] + 8), 0.5);  // it is smoothed indeed
}

TEST_F(Rest, refuses_bad_input_with_the_status_of_the_error_table) {
  const auto status = [&](const std::string& body) { return gaussian(body).status; };
  EXPECT_EQ(status(R"({"inputs": {"image": "phantom:sphere"}, "parameters": {"sigma": -1}})"), 422);
  EXPECT_EQ(status(R"({"inputs": {"image": "phantom:sphere"}, "parameters": {"sigma": NaN}})"), 400);
  EXPECT_EQ(status(R"({"inputs": {"image": "phantom:sphere"}, "parameters": {"sigma": 1e999}})"), 400);
  EXPECT_EQ(status(R"({"inputs": {"image": "phantom:sphere"}, "parameters": {"sigma": null}})"), 422);
  EXPECT_EQ(status(R"({"inputs": {"image": "phantom:sphere"}, "parameters": {"sigmo": 1}})"), 422);
  EXPECT_EQ(status(R"({"inputs": {"image": "phantom:sphere"}, "parameters": [1]})"), 422);
  EXPECT_EQ(status(R"({"inputs": {"image": "phantom:sphere"}, "other": 1})"), 422);
  EXPECT_EQ(status(R"({"inputs": {"image": "phantom:sphere"}, "formats": {"smoothed": ".exe"}})"), 422);
  EXPECT_EQ(status(R"({"inputs": {"image": ["phantom:sphere", "phantom:box"]}})"), 400);
  EXPECT_EQ(status(R"({"inputs": {}})"), 400);
  EXPECT_EQ(status(R"({"inputs": 3})"), 400);
  EXPECT_EQ(status("[]"), 400);
  EXPECT_EQ(status("{"), 400);
  EXPECT_EQ(status(std::string(200, '[')), 400);
  EXPECT_EQ(status("\xff"), 400);
  for (const char* path : {"/etc/passwd", "../x.nii", "file:///etc/passwd", "http://127.0.0.1/x"})
    EXPECT_EQ(status(fmt::format(R"({{"inputs": {{"image": "{}"}}}})", path)), 403) << path;
  EXPECT_EQ(ask("POST", "/api/v1/operations/filter.nothing/runs", json_type, "{}").status, 404);
  EXPECT_EQ(ask("POST", "/api/v1/operations/filter.gaussian/runs", "", "x").status, 400);
  EXPECT_EQ(ask("PUT", "/api/v1/operations", "", "").status, 405);
  EXPECT_EQ(ask("GET", "/api/v1/jobs/none?wait=nan").status, 422);
  EXPECT_EQ(ask("GET", "/api/v1/jobs/none").status, 404);
  EXPECT_EQ(ask("DELETE", "/api/v1/jobs/none").status, 404);
  EXPECT_EQ(ask("GET", "/api/v1/jobs/none/outputs/..%2f..%2fx").status, 400);
  EXPECT_EQ(ask("POST", "/api/v1/analyze", form_type, part("study", "x", "a.dcm") + part("language", "xx") + "--b--\r\n").status, 422);
  EXPECT_EQ(ask("POST", "/api/v1/analyze", form_type, part("study", "/etc") + "--b--\r\n").status, 403);
  EXPECT_EQ(ask("POST", "/api/v1/tokens", json_type, R"({"label": 3})").status, 400);
}

TEST_F(Rest, refuses_malformed_truncated_and_oversized_uploads_and_keeps_nothing_of_them) {
  const std::string target = "/api/v1/operations/filter.gaussian/runs";
  EXPECT_EQ(ask("POST", target, form_type, part("image", "data", "a.nii")).status, 400);
  EXPECT_EQ(ask("POST", target, form_type, "no boundary").status, 400);
  EXPECT_EQ(ask("POST", target, "Content-Type: multipart/form-data\r\n", part("image", "x", "a.nii") + "--b--").status, 400);
  EXPECT_EQ(ask("POST", target, form_type, part("nonsense", "data", "a.nii") + "--b--\r\n").status, 422);
  EXPECT_EQ(ask("POST", target, form_type, part("image", "\xff\xfe") + "--b--\r\n").status, 400);
  EXPECT_EQ(ask("POST", target, form_type, part("parameters", std::string(2 << 20, 'x')) + "--b--\r\n").status, 400);
  TestClient oversized(server_->http_port()), truncated(server_->http_port());
  oversized.send(fmt::format("POST {} HTTP/1.1\r\nHost: x\r\n{}{}Content-Length: 99999999\r\n\r\n", target, basic, form_type));
  EXPECT_EQ(oversized.receive().status, 413);
  truncated.send(fmt::format("POST {} HTTP/1.1\r\nHost: x\r\n{}{}Content-Length: 1000000\r\n\r\n{}", target, basic, form_type,
                             part("image", "data", "a.nii")));
  truncated.finish();
  EXPECT_EQ(truncated.receive().status, 400);
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path() / "data/server/jobs"));
  // What is no image is the job's failure, with the table's words.
  const Json job = ended(ask("POST", target, form_type, part("image", "no image", "a.nii") + "--b--\r\n"));
  EXPECT_EQ(job["state"], "failed");
  EXPECT_EQ(job["error"]["code"], "refused");
  EXPECT_EQ(job["error"]["status"], 409);
}

TEST_F(Rest, cancels_a_job_that_waits) {
  for (int n = 0; n < 3; ++n)
    ASSERT_EQ(ask("POST", "/api/v1/operations/filter.median/runs", json_type, R"({"inputs": {"image": "phantom:noise"}})").status, 202);
  const Json last = gaussian(R"({"inputs": {"image": "phantom:sphere"}})").json();
  const std::string address = "/api/v1/jobs/" + last["id"].get<std::string>();
  EXPECT_EQ(ask("DELETE", address).status, 204);
  EXPECT_EQ(ask("GET", address).status, 404);
}

// The search is so wide that the job takes a minute or more.
TEST_F(Rest, shows_how_far_a_job_is_and_cancels_it_while_it_runs) {
  const Reply accepted = ask("POST", "/api/v1/operations/filter.nlm/runs", json_type,
                             R"({"inputs": {"image": "phantom:noise"}, "parameters": {"search_radius": 10, "patch_radius": 3}})");
  ASSERT_EQ(accepted.status, 202) << accepted.body;
  const std::string address = "/api/v1/jobs/" + accepted.json()["id"].get<std::string>();
  Json job;
  for (int n = 0; n < 6000; ++n) {
    job = ask("GET", address).json();
    if (job["progress"].get<double>() > 0) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(job["state"], "running") << job;
  EXPECT_GT(job["progress"].get<double>(), 0);
  EXPECT_LT(job["progress"].get<double>(), 1);
  EXPECT_EQ(ask("DELETE", address).status, 204);
  job = ask("GET", address + "?wait=60").json();
  EXPECT_EQ(job["state"], "cancelled") << job;
  EXPECT_EQ(job["error"]["code"], "cancelled");
  EXPECT_LT(job["progress"].get<double>(), 1);
  EXPECT_TRUE(job["outputs"].empty());
  EXPECT_EQ(ask("GET", address + "/outputs/filtered").status, 404);
}

TEST_F(Rest, stops_soon_although_somebody_waits_for_a_job) {
  Reply reply;
  std::thread waiting;
  for (int n = 0; n < 4; ++n) {
    const Reply accepted = ask("POST", "/api/v1/operations/filter.median/runs", json_type,
                               R"({"inputs": {"image": "phantom:noise"}, "parameters": {"radius": 2}})");
    ASSERT_EQ(accepted.status, 202) << accepted.body;
    if (n == 3)
      waiting = std::thread([&reply, port = server_->http_port(), id = accepted.json()["id"].get<std::string>()] {
        reply = TestClient(port).ask("GET", "/api/v1/jobs/" + id + "?wait=60", basic);
      });
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const auto begin = std::chrono::steady_clock::now();
  server_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30));
  waiting.join();
  // What had not ended counts as failed after the next start.
  start();
  for (const Json& job : ask("GET", "/api/v1/jobs").json().at("jobs")) EXPECT_NE(job["state"], "queued");
}

TEST(Server, refuses_a_second_one_on_its_data_and_wrong_settings) {
  const TemporaryFolder folder;
  ServeOptions options;
  options.data = folder.path() / "data";
  options.http_port = 0;
  options.dicom_port = -1;
  const Server server(options, catalogue());
  EXPECT_TRUE(server.new_password());
  EXPECT_EQ(error_of([&] { Server(options, catalogue()); }).code(), ErrorCode::refused);

  const Path file = folder.path() / "gantry.toml";
  const auto outcome = [&](std::string_view text) {
    write_atomic(file, text);
    ServeOptions read;
    return error_of([&] { read_configuration(file, read); });
  };
  EXPECT_EQ(outcome("data = [").code(), ErrorCode::unreadable);
  EXPECT_STREQ(outcome("[http]\nprot = 1\n").what(), "gantry.toml: http.prot: is not a setting; did you mean http.port?");
  EXPECT_EQ(outcome("[http]\nport = 70000\n").code(), ErrorCode::parameter);
  EXPECT_EQ(outcome("[http]\nport = \"80\"\n").code(), ErrorCode::parameter);
  EXPECT_EQ(outcome("data = 3\n").code(), ErrorCode::parameter);
  write_atomic(file, std::string_view("data = \"here\"\n[http]\nport = 81\n[jobs]\nworkers = 3\nmemory_mib = 2\n"
                                      "[dicom]\nnodes = [\"PACS@192.0.2.7:104\"]\n"));
  ServeOptions read;
  read_configuration(file, read);
  EXPECT_EQ(read.data, folder.path() / "here");
  EXPECT_EQ(read.http_port, 81);
  ASSERT_EQ(read.nodes.size(), 1u);
  EXPECT_EQ(read.nodes[0].host, "192.0.2.7");
  EXPECT_EQ(outcome("[dicom]\nnodes = [3]\n").code(), ErrorCode::parameter);
  EXPECT_EQ(read.jobs.workers, 3);
  EXPECT_EQ(read.jobs.memory_bytes, std::uint64_t{2} << 20);
}

}  // namespace
}  // namespace gantry::archive::rest_test
