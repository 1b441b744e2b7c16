// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/dicomweb.h"

#include <gtest/gtest.h>

#include "gantry/archive/archive_test_support.h"
#include "gantry/archive/http_multipart.h"
#include "gantry/archive/http_test_support.h"
#include "gantry/archive/serve.h"
#include "gantry/catalogue/catalogue.h"

namespace gantry::archive::dicomweb_test {
namespace {

const std::string basic = "Authorization: Basic YWRtaW46dGVzdCBwYXNzd29yZA==\r\n";  // admin:test password
const std::string studies = "/dicom-web/studies";
const std::string instance = studies + "/1.2.3/series/1.2.3.1/instances/1.2.3.1.1";

class DicomWeb : public testing::Test {
 protected:
  DicomWeb() {
    write_atomic(folder_.path() / "password", std::string_view("test password"));
    start({});
  }
  void start(ServeOptions options) {
    server_.reset();
    options.data = folder_.path() / "data";
    options.admin_password_file = folder_.path() / "password";
    options.http_port = 0;
    options.dicom_port = -1;
    server_ = std::make_unique<Server>(options, catalogue());
  }
  Reply ask(std::string_view method, const std::string& target, const std::string& headers = {}, const std::string& body = {}) {
    return TestClient(server_->http_port()).ask(method, target, basic + headers, body);
  }
  Reply get(const std::string& target, const std::string& accept) { return ask("GET", target, "Accept: " + accept + "\r\n"); }
  /// Stores files in one STOW-RS request.
  Reply stow(const std::vector<std::string>& files, const std::string& target = studies) {
    std::string body;
    for (const std::string& file : files) body += "--b\r\nContent-Type: application/dicom\r\n\r\n" + file + "\r\n";
    return ask("POST", target, "Content-Type: multipart/related; type=\"application/dicom\"; boundary=b\r\n", body + "--b--\r\n");
  }

  TemporaryFolder folder_;
  std::unique_ptr<Server> server_;
};

std::string text_of(const Bytes& bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// The object of a test as a file.
std::string file_of(int study, int number, std::string_view syntax = "1.2.840.10008.1.2.1") {
  test::Object object;
  object.study_uid = fmt::format("1.2.{}", study);
  object.series_uid = object.study_uid + ".1";
  object.uid = fmt::format("{}.{}", object.series_uid, number);
  object.number = std::to_string(number);
  object.patient_id = fmt::format("P{}", study);
  return text_of(test::file_of(object, syntax));
}

/// The parts of a multipart answer.
std::vector<std::string> parts_of(const Reply& reply) {
  TextStream stream(reply.body);
  Multipart parts(stream, parse_header_value(reply.headers.find("content-type").value_or("")).parameters["boundary"]);
  std::vector<std::string> contents;
  while (parts.next()) contents.push_back(read_all(parts.content(), 1 << 24));
  return contents;
}

TEST_F(DicomWeb, gives_back_bit_for_bit_what_was_stored) {
  const std::string first = file_of(3, 1), second = file_of(3, 2);
  const Reply stored = stow({first, second});
  ASSERT_EQ(stored.status, 200) << stored.body;
  EXPECT_EQ(stored.json()["00081199"]["Value"].size(), 2u);
  EXPECT_EQ(stored.json()["00081190"]["Value"][0], studies + "/1.2.3");
  EXPECT_EQ(get(instance, "application/dicom").body, first);
  EXPECT_EQ(parts_of(get(studies + "/1.2.3", "multipart/related; type=\"application/dicom\"; transfer-syntax=*")),
            (std::vector<std::string>{first, second}));
  EXPECT_EQ(parts_of(get(studies + "/1.2.3/series/1.2.3.1", "*/*")).size(), 2u);
  EXPECT_EQ(get(instance, "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.90").status, 406);
  EXPECT_EQ(get(studies + "/1.2.3", "text/html").status, 406);
  EXPECT_EQ(get(studies + "/9.9", "*/*").status, 404);
  EXPECT_EQ(get(studies + "/9.9/series/1.2.3.1/instances/1.2.3.1.1", "*/*").status, 404);
}

TEST_F(DicomWeb, searches_with_paging_wildcards_and_lists) {
  std::vector<std::string> files;
  for (int study = 1; study <= 5; ++study) files.push_back(file_of(study, 1));
  ASSERT_EQ(stow(files).status, 200);
  const auto count = [&](const std::string& target) {
    const Reply reply = ask("GET", target);
    return reply.status == 200 ? static_cast<int>(reply.json().size()) : -reply.status;
  };
  EXPECT_EQ(count(studies), 5);
  EXPECT_EQ(count(studies + "?limit=2"), 2);
  EXPECT_EQ(count(studies + "?limit=2&offset=4"), 1);
  EXPECT_EQ(count(studies + "?PatientID=P3"), 1);
  EXPECT_EQ(count(studies + "?00100020=P3"), 1);
  EXPECT_EQ(count(studies + "?PatientName=*doe*"), 5);
  EXPECT_EQ(count(studies + "?StudyInstanceUID=1.2.3,1.2.4"), 2);
  EXPECT_EQ(count(studies + "?StudyDate=20240101-20241231"), 5);
  EXPECT_EQ(count(studies + "?StudyDate=20250101-"), 0);
  EXPECT_EQ(count(studies + "?ModalitiesInStudy=CT&includefield=all&includefield=00081030%2CModality&fuzzymatching=false"), 5);
  EXPECT_EQ(count(studies + "/1.2.3/series"), 1);
  EXPECT_EQ(count(studies + "/1.2.3/series/1.2.3.1/instances"), 1);
  EXPECT_EQ(count("/dicom-web/instances?PatientID=P3"), 1);
  EXPECT_EQ(count("/dicom-web/series"), 5);
  EXPECT_EQ(count(studies + "?limit=0"), 0);
  for (const char* query : {"?limit=-1", "?limit=x", "?offset=1e3", "?NoSuchAttribute=1"}) EXPECT_EQ(count(studies + query), -400) << query;
  EXPECT_EQ(count(studies + "?StudyDate=20250101-x"), -422);
  EXPECT_TRUE(ask("GET", studies + "?limit=2").headers.find("warning"));
  EXPECT_FALSE(ask("GET", studies + "?limit=5").headers.find("warning"));
  const Json row = ask("GET", studies + "?PatientID=P3").json()[0];
  EXPECT_EQ(row["00081190"]["Value"][0], studies + "/1.2.3");
  EXPECT_EQ(row["00100010"]["Value"][0]["Alphabetic"], "Doe^Jane");
  EXPECT_EQ(row["00201208"]["Value"][0], 1);
  EXPECT_EQ(get(studies, "application/json;q=0.5, text/html").headers.find("content-type"), "application/json");
  EXPECT_EQ(get(studies, "text/html").status, 406);
}

TEST_F(DicomWeb, links_pixels_in_the_metadata_and_gives_frames_as_stored) {
  ASSERT_EQ(stow({file_of(3, 1)}).status, 200);
  const Json metadata = get(instance + "/metadata", "application/dicom+json").json();
  ASSERT_EQ(metadata.size(), 1u);
  EXPECT_EQ(metadata[0]["00280010"]["Value"][0], 4);
  EXPECT_EQ(metadata[0]["00083002"]["Value"][0], "1.2.840.10008.1.2.1");
  const std::string link = metadata[0]["7FE00010"]["BulkDataURI"];
  EXPECT_EQ(link, instance + "/bulkdata/7FE00010");
  const std::string pixels(32, 'x');
  EXPECT_EQ(parts_of(get(link, "*/*")), std::vector<std::string>{pixels});
  for (const char* accept :
       {"multipart/related; type=\"application/octet-stream\"; transfer-syntax=\"*\"",
        "multipart/related; transfer-syntax=*; type=application/octet-stream", "multipart/related; type=\"application/octet-stream\"",
        "*/*", "image/jpeg, multipart/related; type=\"application/octet-stream\"; transfer-syntax=1.2.840.10008.1.2.1"}) {
    const Reply frame = get(instance + "/frames/1", accept);
    ASSERT_EQ(frame.status, 200) << accept;
    EXPECT_EQ(parts_of(frame), std::vector<std::string>{pixels}) << accept;
    EXPECT_NE(frame.body.find("transfer-syntax=1.2.840.10008.1.2.1"), std::string::npos);
  }
  EXPECT_EQ(get(instance + "/frames/1", "application/octet-stream").body, pixels);
  EXPECT_EQ(get(instance + "/frames/1", "multipart/related; type=\"image/jls\"").status, 406);
  EXPECT_EQ(get(instance + "/frames/2", "*/*").status, 404);
  for (const char* frames : {"0", "-1", "x", "1,,2", ",", "99999999999999999999"})
    EXPECT_EQ(get(instance + "/frames/" + frames, "*/*").status, 400) << frames;
  EXPECT_EQ(get(instance + "/bulkdata/00100010/1", "*/*").status, 404);
  EXPECT_EQ(get(instance + "/bulkdata/none", "*/*").status, 404);
}

TEST_F(DicomWeb, renders_pictures_in_the_form_that_is_asked_for) {
  ASSERT_EQ(stow({file_of(3, 1)}).status, 200);
  EXPECT_EQ(get(instance + "/rendered", "image/png").body.substr(1, 3), "PNG");
  EXPECT_EQ(get(instance + "/rendered?accept=image%2Fjpeg", "*/*").headers.find("content-type"), "image/jpeg");
  EXPECT_EQ(get(instance + "/thumbnail", "*/*").status, 200);
  EXPECT_EQ(get(studies + "/1.2.3/series/1.2.3.1/thumbnail", "*/*").status, 200);
  EXPECT_EQ(get(instance + "/frames/1/rendered?window=10,20,linear&viewport=2,2", "image/png").status, 200);
  EXPECT_EQ(get(instance + "/rendered", "image/gif").status, 406);
  for (const char* query : {"?window=x", "?window=1", "?window=1,nan", "?window=1,0", "?viewport=0,1", "?viewport=1"})
    EXPECT_EQ(get(instance + "/rendered" + query, "*/*").status, 400) << query;
}

TEST_F(DicomWeb, says_which_objects_it_refused) {
  std::string cut = file_of(3, 2);
  cut.resize(cut.size() - 20);
  const Reply mixed = stow({file_of(3, 1), "no dicom", cut});
  EXPECT_EQ(mixed.status, 202);
  EXPECT_EQ(mixed.json()["00081199"]["Value"].size(), 1u);
  ASSERT_EQ(mixed.json()["00081198"]["Value"].size(), 2u);
  EXPECT_EQ(mixed.json()["00081198"]["Value"][0]["00091002"]["Value"][0], 2);  // the part of the request
  EXPECT_EQ(mixed.json()["00081198"]["Value"][1]["00091002"]["Value"][0], 3);
  EXPECT_EQ(stow({"no dicom"}).status, 409);
  EXPECT_EQ(stow({}).status, 400);
  EXPECT_EQ(stow({file_of(4, 1)}, studies + "/1.2.3").status, 409);
  EXPECT_EQ(ask("GET", studies).json().size(), 1u);
  EXPECT_EQ(stow({file_of(4, 1)}, studies + "/1.2.4").status, 200);
  EXPECT_EQ(ask("POST", studies, "Content-Type: application/dicom\r\n", file_of(5, 1)).status, 415);
  EXPECT_EQ(ask("POST", studies, "Content-Type: multipart/related; boundary=b\r\n", "--b\r\n\r\ncut off").status, 400);
  EXPECT_EQ(ask("POST", studies, "Content-Type: multipart/related\r\n", "--b--").status, 400);
}

TEST_F(DicomWeb, says_when_the_disk_is_full_and_keeps_what_it_has) {
  ASSERT_EQ(stow({file_of(3, 1)}).status, 200);
  start({.min_free_bytes = std::uint64_t{1} << 60});
  const Reply full = stow({file_of(3, 2), file_of(3, 3)});
  EXPECT_EQ(full.status, error_info(ErrorCode::disk_full).http_status);
  ASSERT_EQ(full.json()["00081198"]["Value"].size(), 2u) << full.body;
  EXPECT_EQ(full.json()["00081198"]["Value"][0]["00081197"]["Value"][0], 0xA700);
  EXPECT_EQ(get(instance, "application/dicom").body, file_of(3, 1));
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path() / "data/incoming"));
  start({});
  EXPECT_EQ(stow({file_of(3, 2)}).status, 200);
}

TEST_F(DicomWeb, refuses_uploads_that_end_too_early_and_keeps_nothing_of_them) {
  const std::string begin = "--b\r\nContent-Type: application/dicom\r\n\r\n" + file_of(3, 1).substr(0, 500);
  TestClient client(server_->http_port());
  client.send(
      fmt::format("POST {} HTTP/1.1\r\nHost: x\r\n{}Content-Type: multipart/related; boundary=b\r\nContent-Length: 100000\r\n\r\n{}",
                  studies, basic, begin));
  client.finish();
  EXPECT_EQ(client.receive().status, 400);
  EXPECT_EQ(ask("GET", studies).json().size(), 0u);
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path() / "data/incoming"));
}

TEST_F(DicomWeb, survives_odd_accept_headers) {
  ASSERT_EQ(stow({file_of(3, 1)}).status, 200);
  const std::vector<std::string> odd{"",
                                     ",",
                                     ";;;",
                                     "*",
                                     "*/*;q=0",
                                     "*/*;q=nan",
                                     "*/*;q=-1, application/dicom+json;q=1e999",
                                     "multipart/related",
                                     "multipart/related; type=",
                                     "multipart/related; type=\"",
                                     "multipart/related; type=\"application/dicom",
                                     "multipart/related; type=\"application/octet-stream\"; transfer-syntax=",
                                     "application/dicom; transfer-syntax=1.2.3.4.5.6",
                                     "\xff\xfe/\x80",
                                     std::string(6000, 'x'),
                                     [] {
                                       std::string many;
                                       for (int n = 0; n < 1000; ++n) many += "a/b,";
                                       return many;
                                     }()};
  for (const std::string& target :
       {studies, instance, instance + "/metadata", instance + "/frames/1", instance + "/rendered", instance + "/thumbnail"}) {
    for (const std::string& accept : odd) {
      const int status = get(target, accept).status;
      EXPECT_TRUE(status == 200 || status == 400 || status == 406) << target << " " << accept.substr(0, 60) << ": " << status;
    }
  }
}

TEST_F(DicomWeb, stores_chunked_bodies) {
  const std::string body = "--b\r\nContent-Type: application/dicom\r\n\r\n" + file_of(3, 1) + "\r\n--b--\r\n";
  TestClient client(server_->http_port());
  client.send("POST " + studies + " HTTP/1.1\r\nHost: x\r\n" + basic +
              "Content-Type: multipart/related; boundary=b\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (std::size_t at = 0; at < body.size(); at += 100)
    client.send(fmt::format("{:x}\r\n{}\r\n", std::min<std::size_t>(100, body.size() - at), body.substr(at, 100)));
  client.send("0\r\n\r\n");
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_EQ(ask("GET", studies).json().size(), 1u);
}

TEST(DicomJson, is_the_same_written_directly_and_built) {
  const Attributes attributes{{0x00100010U, "Doe^Jane=\u5f20^\u4e09"},
                              {0x00080061U, "CT\\SR"},
                              {0x00081030U, "a \"b\" \\ c\n"},
                              {0x00201208U, "12"},
                              {0x00101030U, "75.5"},
                              {0x00080050U, ""},
                              {0x00090010U, "x"},
                              {0x00100020U, "\xff"}};
  std::string text;
  append_dicom_json(text, attributes);
  EXPECT_EQ(parse_json(text).dump(), parse_json(to_json(attributes).dump(-1, ' ', false, Json::error_handler_t::replace)).dump());
}

}  // namespace
}  // namespace gantry::archive::dicomweb_test
