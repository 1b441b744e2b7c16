// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <gtest/gtest.h>

#include "gantry/archive/archive_test_support.h"
#include "gantry/archive/http_test_support.h"
#include "gantry/archive/serve.h"
#include "gantry/catalogue/catalogue.h"
#include "gantry/operation/dicom_port.h"

namespace gantry::archive::annotations_test {
namespace {

const std::string basic = "Authorization: Basic YWRtaW46dGVzdCBwYXNzd29yZA==\r\n";  // admin:test password
const std::string study = "1.2.826.0.1.3680043.9.9999.16";

class Annotations : public testing::Test {
 protected:
  Annotations() {
    write_atomic(folder_.path() / "password", std::string_view("test password\n"));
    start();
  }
  void start() {
    ServeOptions options;
    options.data = folder_.path() / "data";
    options.admin_password_file = folder_.path() / "password";
    options.http_port = 0;
    options.dicom_port = -1;
    server_ = std::make_unique<Server>(options, catalogue());
  }
  Reply ask(const std::string& target, const std::string& headers = basic) {
    return TestClient(server_->http_port()).ask("GET", target, headers);
  }
  Reply annotations(const std::string& query = {}) { return ask("/api/v1/studies/" + study + "/annotations" + query); }
  void send(const std::string& file) {
    const std::string body = "--b\r\nContent-Type: application/dicom\r\n\r\n" + file + "\r\n--b--\r\n";
    const Reply reply =
        TestClient(server_->http_port())
            .ask("POST", "/dicom-web/studies", basic + "Content-Type: multipart/related; type=\"application/dicom\"; boundary=b\r\n", body);
    ASSERT_EQ(reply.status, 200) << reply.body;
  }
  static std::string text_of(const DicomFiles::File& file) {
    return {reinterpret_cast<const char*>(file.bytes->data()), file.bytes->size()};
  }
  /// The object without a creator, as viewers store it.
  static std::string nameless(const DicomFiles::File& file) {
    std::string bytes = text_of(file);
    const std::size_t at = bytes.find(std::string("\x70\x00\x84\x00PN", 6));
    const auto length = static_cast<std::size_t>(static_cast<unsigned char>(bytes[at + 6]));
    return bytes.replace(at + 8, length, std::string(length, ' '));
  }

  TemporaryFolder folder_;
  std::unique_ptr<Server> server_;
};

TEST_F(Annotations, edited_and_stored_come_back_as_version_two_with_author_and_difference) {
  const DicomFiles files = phantom_dicom("versions");
  send(text_of(files.files[0]));
  EXPECT_EQ(annotations().json()["annotations"][0]["versions"].size(), 1u);
  send(nameless(files.files[1]));
  const Reply reply = annotations();
  ASSERT_EQ(reply.status, 200) << reply.body;
  const Json answer = reply.json();
  ASSERT_EQ(answer["annotations"].size(), 1u) << answer;
  const Json& versions = answer["annotations"][0]["versions"];
  ASSERT_EQ(versions.size(), 2u);
  EXPECT_EQ(versions[0]["author"], "Gantry");
  EXPECT_EQ(versions[0]["stored_by"], "admin");
  EXPECT_EQ(versions[1]["version"], 2);
  EXPECT_EQ(versions[1]["author"], "admin") << "who stored it, where the object names nobody";
  EXPECT_EQ(versions[1]["former"], 1);
  EXPECT_EQ(versions[1]["origin"]["kind"], "manual");
  EXPECT_FALSE(versions[1]["arrived"].is_null());
  const Json& moved = versions[1]["change"]["segments"][0];
  EXPECT_EQ(moved["dice"], 0.8);
  EXPECT_NEAR(moved["added_ml"].get<double>(), 0.2, 1e-12);
  EXPECT_NEAR(moved["removed_ml"].get<double>(), 0.2, 1e-12);
  EXPECT_EQ(annotations().body, reply.body) << "out of the cache";

  send(text_of(files.files[2]));
  const Json third = annotations().json();
  EXPECT_EQ(third["annotations"][0]["versions"][2]["author"], "Reader^Ben");
  EXPECT_EQ(third["annotations"][0]["agreement"].size(), 3u);
  EXPECT_EQ(annotations("?limit=2").json()["left_out"], 1);

  // Who stored what outlives a new index.
  server_.reset();
  {
    Archive archive({.data = folder_.path() / "data"});
    gantry::Run run;
    EXPECT_TRUE(archive.reindex(run).empty());
  }
  start();
  EXPECT_EQ(annotations().json(), third);
}

TEST_F(Annotations, are_closed_and_bear_with_what_is_wrong) {
  EXPECT_EQ(ask("/api/v1/studies/" + study + "/annotations", "").status, 401);
  EXPECT_EQ(annotations().status, 404);
  EXPECT_EQ(ask("/api/v1/studies/%27%20OR%201=1--/annotations").status, 404);
  // A segmentation without segments, of the same study.
  test::Object empty;
  empty.study_uid = study;
  empty.sop_class = "1.2.840.10008.5.1.4.1.1.66.4";
  const Bytes file = test::file_of(empty);
  send(std::string(reinterpret_cast<const char*>(file.data()), file.size()));
  send(text_of(phantom_dicom("versions").files[0]));
  const Json answer = annotations().json();
  EXPECT_EQ(answer["annotations"].size(), 1u);
  ASSERT_EQ(answer["unreadable"].size(), 1u);
  EXPECT_NE(answer["unreadable"][0]["reason"].get<std::string>().find("SegmentSequence"), std::string::npos);
  for (const char* limit : {"0", "-1", "x", "1e3", ""}) EXPECT_EQ(annotations(std::string("?limit=") + limit).status, 422) << limit;
  EXPECT_EQ(annotations("?limit=999999999").status, 200);
}

}  // namespace
}  // namespace gantry::archive::annotations_test
