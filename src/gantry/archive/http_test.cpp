// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/http.h"

#include <gtest/gtest.h>

#include "gantry/archive/http_multipart.h"
#include "gantry/archive/http_router.h"
#include "gantry/base/test_support.h"

namespace gantry::archive::http_test {
namespace {

TEST(Http, decodes_escapes_and_refuses_malformed_ones) {
  EXPECT_EQ(percent_decode("a%20b+c"), "a b+c");
  EXPECT_EQ(percent_decode("a%20b+c", true), "a b c");
  EXPECT_EQ(percent_decode("%e4%b8%ad"), "\u4e2d");
  for (const char* text : {"%", "%4", "%zz", "%00", "%ff"}) EXPECT_EQ(percent_decode(text), std::nullopt) << text;
}

TEST(Http, gives_the_segments_of_a_path_and_refuses_ways_out_of_it) {
  EXPECT_EQ(parse_path("/api//v1/jobs/?x=1"), (std::vector<std::string>{"api", "v1", "jobs"}));
  for (const char* target : {"api", "", "/a/../b", "/a/%2e%2e/b", "/./a", "/a%2fb", "http://x/"})
    EXPECT_EQ(parse_path(target), std::nullopt) << target;
}

TEST(Http, reads_queries) {
  const auto fields = parse_query("/x?PatientName=*M%C3%BCller*&includefield=00081030%2C00080060&limit=");
  ASSERT_TRUE(fields);
  EXPECT_EQ(fields->find("PatientName"), "*M\u00fcller*");
  EXPECT_EQ(fields->find("includefield"), "00081030,00080060");
  EXPECT_EQ(fields->find("limit"), "");
  EXPECT_EQ(fields->find("offset"), std::nullopt);
  EXPECT_EQ(parse_query("/x?a=%zz"), std::nullopt);
}

TEST(Http, reads_header_values_with_quoted_parameters) {
  const HeaderValue value = parse_header_value("Multipart/Related; type=\"application/octet-stream\"; transfer-syntax=*; x=\"a;\\\"b\"");
  EXPECT_EQ(value.value, "multipart/related");
  EXPECT_EQ(value.parameters.at("type"), "application/octet-stream");
  EXPECT_EQ(value.parameters.at("transfer-syntax"), "*");
  EXPECT_EQ(value.parameters.at("x"), "a;\"b");
}

TEST(Http, chooses_what_the_client_likes_best) {
  const auto choice = [](const char* accept) {
    Request request;
    if (accept) request.headers.add("accept", accept);
    return negotiate(request, {"application/dicom+json", "application/json"});
  };
  EXPECT_EQ(choice(nullptr), "application/dicom+json");
  EXPECT_EQ(choice("*/*"), "application/dicom+json");
  EXPECT_EQ(choice("application/dicom+json;q=0.2, application/json"), "application/json");
  EXPECT_EQ(choice("text/html, application/*;q=0.1"), "application/dicom+json");
  EXPECT_EQ(choice("text/html"), std::nullopt);
  EXPECT_EQ(choice("application/json;q=0"), std::nullopt);
  EXPECT_EQ(choice(",;,=;q=x"), std::nullopt);
}

/// Gives its text in pieces of a few bytes.
class Trickle : public ByteStream {
 public:
  Trickle(std::string text, std::size_t step) : text_(std::move(text)), step_(step) {}
  std::size_t read(std::span<std::byte> out) override {
    TextStream piece(std::string_view(text_).substr(at_, step_));
    const std::size_t count = piece.read(out);
    at_ += count;
    return count;
  }

 private:
  std::string text_;
  std::size_t step_, at_ = 0;
};

TEST(Multipart, gives_the_same_parts_however_the_bytes_arrive) {
  std::string big(200000, 'x');
  for (std::size_t n = 0; n + 8 < big.size(); n += 97) big.replace(n, 6, "\r\n--b\r");  // Nearly boundaries.
  const std::string body =
      "preamble\r\n--bound\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.nii\"\r\nContent-Type: application/x\r\n\r\n" +
      big + "\r\n--bound \r\ncontent-disposition: form-data; name=\"empty\"\r\n\r\n\r\n--bound\r\n\r\nno headers\r\n--bound--\r\nepilogue";
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, std::size_t{1000000}}) {
    Trickle stream(body, step);
    Multipart parts(stream, "bound");
    ASSERT_TRUE(parts.next());
    EXPECT_EQ(parts.disposition("name"), "image");
    EXPECT_EQ(parts.disposition("filename"), "a.nii");
    EXPECT_TRUE(read_all(parts.content(), 1000000) == big) << step;
    ASSERT_TRUE(parts.next());
    EXPECT_EQ(read_all(parts.content(), 10), "");
    ASSERT_TRUE(parts.next());
    EXPECT_EQ(read_all(parts.content(), 100), "no headers");
    EXPECT_FALSE(parts.next());
    EXPECT_FALSE(parts.next());
  }
}

TEST(Multipart, skips_parts_that_nobody_reads) {
  Trickle stream("--b\r\n\r\nfirst\r\n--b\r\n\r\nsecond\r\n--b--", 3);
  Multipart parts(stream, "b");
  ASSERT_TRUE(parts.next());
  ASSERT_TRUE(parts.next());
  EXPECT_EQ(read_all(parts.content(), 100), "second");
  EXPECT_FALSE(parts.next());
}

TEST(Multipart, refuses_what_is_malformed_or_cut_off) {
  const auto all_parts = [](const std::string& body) {
    return error_of([&] {
             Trickle stream(body, 1000);
             Multipart parts(stream, "b");
             while (parts.next()) read_all(parts.content(), 1000000);
           })
        .code();
  };
  for (const std::string& body :
       {std::string(), std::string("--"), std::string("--b"), std::string("--b\r\n\r\ncut off"), std::string("--b\r\n\r\nx\r\n--b"),
        std::string("--bad\r\n\r\nx\r\n--b--"), std::string("--b\r\nno colon\r\n\r\nx\r\n--b--"),
        std::string("--b\n\nlone line feeds\n--b--"), "--b\r\nlong: " + std::string(20000, 'x') + "\r\n\r\nx\r\n--b--"}) {
    EXPECT_EQ(all_parts(body), ErrorCode::usage) << body.substr(0, 40);
  }
  TextStream none("");
  for (const std::string& boundary : {std::string(), std::string(71, 'b'), std::string("a\r\nb")}) {
    EXPECT_EQ(error_of([&] { Multipart(none, boundary); }).code(), ErrorCode::usage);
  }
  Request request;
  request.body = &none;
  EXPECT_EQ(error_of([&] { Multipart{request}; }).code(), ErrorCode::usage);
  request.headers.add("content-type", "multipart/form-data");
  EXPECT_EQ(error_of([&] { Multipart{request}; }).code(), ErrorCode::usage);
}

Request request_for(const std::string& method, const std::string& target) {
  Request request;
  request.method = method;
  request.path = *parse_path(target);
  return request;
}

TEST(Router, finds_the_most_literal_route_and_captures_segments) {
  Router router;
  const auto echo = [](const char* name) {
    return [name](Request& request) {
      std::string text = name;
      for (const auto& [key, value] : request.captures) text += " " + key + "=" + value;
      return text_response(text);
    };
  };
  router.add({"GET", "/jobs/{id}", "", echo("one")});
  router.add({"GET", "/jobs/all", "", echo("all")});
  router.add({"DELETE", "/jobs/{id}", "", echo("gone")});
  router.add({"GET", "/files/{name...}", "", echo("file")});
  const auto answer = [&](const char* method, const char* target) {
    Request request = request_for(method, target);
    const Response response = router.handle(request);
    return response.body.empty() ? std::to_string(response.status) : std::get<std::string>(response.body.front());
  };
  EXPECT_EQ(answer("GET", "/jobs/7"), "one id=7");
  EXPECT_EQ(answer("HEAD", "/jobs/all"), "all");
  EXPECT_EQ(answer("DELETE", "/jobs/all"), "gone id=all");
  EXPECT_EQ(answer("GET", "/files/a/b.png"), "file name=a/b.png");
  EXPECT_EQ(answer("OPTIONS", "/jobs/7"), "204");
  Request wrong = request_for("PUT", "/jobs/7"), unknown = request_for("GET", "/nothing");
  const Response refused = router.handle(wrong);
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(refused.headers.back().second, "GET, DELETE, HEAD, OPTIONS");
  EXPECT_EQ(router.handle(unknown).status, 404);
}

TEST(Router, asks_the_gate_for_all_but_open_routes) {
  Router router;
  router.add({"GET", "/open", "", [](Request&) { return text_response("open"); }, true});
  router.add({"GET", "/closed", "", [](Request&) { return text_response("closed"); }});
  router.set_gate([](Request&) { return std::optional<Response>(error_response(401, "not_permitted", "login")); });
  for (const auto& [method, target, status] : std::vector<std::tuple<std::string, std::string, int>>{
           {"GET", "/open", 200}, {"GET", "/closed", 401}, {"PUT", "/open", 401}, {"GET", "/unknown", 401}}) {
    Request request = request_for(method, target);
    EXPECT_EQ(router.handle(request).status, status) << method << target;
  }
}

}  // namespace
}  // namespace gantry::archive::http_test
