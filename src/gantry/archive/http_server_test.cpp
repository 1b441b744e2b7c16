// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/http_server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "gantry/archive/http_test_support.h"
#include "gantry/base/test_support.h"

namespace gantry::archive::http_server_test {
namespace {

HttpServerOptions quick_options() {
  HttpServerOptions options;
  options.port = 0;
  options.idle_seconds = options.header_seconds = options.stall_seconds = 60;
  options.grace_seconds = 120;
  options.max_body_bytes = 1 << 30;
  return options;
}

/// Says what it was sent.
Response echo(Request& request) {
  const std::string body = read_all(*request.body, 1 << 20);
  return text_response(fmt::format("{} {} {}", request.method, request.path_text(), body));
}

/// Resident memory of this process in bytes.
std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t pages = 0, resident = 0;
  file >> pages >> resident;
  return resident * 4096;
}

TEST(HttpServer, answers_several_requests_on_one_connection) {
  HttpServer server(quick_options(), echo);
  TestClient client(server.port());
  EXPECT_EQ(client.ask("GET", "/a").body, "GET /a ");
  EXPECT_EQ(client.ask("POST", "/b", "", "content").body, "POST /b content");
  const Reply head = client.ask("HEAD", "/c");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.find("content-length"), "8");
  client.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(client.receive().body, "GET /1 ");
  const Reply last = client.receive();
  EXPECT_EQ(last.body, "GET /2 ");
  EXPECT_EQ(last.headers.find("connection"), "close");
  EXPECT_EQ(client.receive().status, 0);
}

TEST(HttpServer, reads_chunked_bodies_and_says_continue) {
  HttpServer server(quick_options(), echo);
  TestClient client(server.port());
  client.send("PUT /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(client.receive().body, "PUT /x abcde");
  client.send("PUT /y HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.receive().status, 100);
  client.send("ok");
  EXPECT_EQ(client.receive().body, "PUT /y ok");
}

TEST(HttpServer, sends_files_and_ranges_of_them) {
  const TemporaryFolder folder;
  std::string content(300000, '\0');
  for (std::size_t n = 0; n < content.size(); ++n) content[n] = static_cast<char>(n * 7 + n / 256);
  write_atomic(folder.path() / "a.bin", content);
  HttpServer server(quick_options(), [&](Request& request) {
    if (request.path.empty()) {
      Response response = text_response("head ");
      response.body.emplace_back(FileRange{folder.path() / "a.bin", 100, 200000});
      response.body.emplace_back(" tail");
      return response;
    }
    return file_response(request, folder.path() / request.path.front(), "application/x");
  });
  TestClient client(server.port());
  EXPECT_TRUE(client.ask("GET", "/a.bin").body == content);
  EXPECT_TRUE(client.ask("GET", "/").body == "head " + content.substr(100, 200000) + " tail");
  const Reply part = client.ask("GET", "/a.bin", "Range: bytes=10-19\r\n");
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, content.substr(10, 10));
  EXPECT_EQ(part.headers.find("content-range"), "bytes 10-19/300000");
  EXPECT_EQ(client.ask("GET", "/a.bin", "Range: bytes=-5\r\n").body, content.substr(299995));
  EXPECT_EQ(client.ask("GET", "/a.bin", "Range: bytes=299990-\r\n").body, content.substr(299990));
  EXPECT_EQ(client.ask("GET", "/a.bin", "Range: bytes=300000-\r\n").status, 416);
  EXPECT_EQ(client.ask("GET", "/a.bin", "Range: bytes=9-3\r\n").status, 416);
  EXPECT_EQ(client.ask("GET", "/a.bin", "Range: lines=1-2\r\n").status, 200);
  EXPECT_EQ(client.ask("GET", "/missing").status, 404);
}

TEST(HttpServer, gives_errors_the_status_of_the_table) {
  HttpServer server(quick_options(), [](Request& request) -> Response {
    if (request.path.front() == "own") throw std::runtime_error("secret");
    throw Error(ErrorCode::parameter, "sigma: must be small");
  });
  TestClient client(server.port());
  const Reply refused = client.ask("GET", "/x");
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(refused.json()["error"]["code"], "parameter");
  EXPECT_EQ(refused.json()["error"]["message"], "sigma: must be small");
  const Reply defect = client.ask("GET", "/own");
  EXPECT_EQ(defect.status, 500);
  EXPECT_EQ(defect.body.find("secret"), std::string::npos);
}

TEST(HttpServer, refuses_malformed_requests) {
  HttpServer server(quick_options(), echo);
  const auto status = [&](const std::string& bytes) {
    TestClient client(server.port());
    client.send(bytes);
    client.finish();
    return client.receive().status;
  };
  EXPECT_EQ(status("nonsense\r\n\r\n"), 400);
  EXPECT_EQ(status("GET / HTTP/9.9\r\n\r\n"), 400);
  EXPECT_EQ(status("GET /../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
  EXPECT_EQ(status("GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
  EXPECT_EQ(status("GET / HTTP/1.1\r\nBad Header\r\n\r\n"), 400);
  EXPECT_EQ(status("GET / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400);
  EXPECT_EQ(status("GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"), 400);
  EXPECT_EQ(status("GET /" + std::string(70000, 'x') + " HTTP/1.1\r\n\r\n"), 431);
  EXPECT_EQ(status("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999\r\n\r\n"), 413);
  EXPECT_EQ(status("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nshort"), 400);
  EXPECT_EQ(status("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), 400);
  EXPECT_EQ(status("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n" + std::string(2000000, 'x')), 400);
  EXPECT_EQ(status(""), 0);
}

TEST(HttpServer, ends_connections_that_stall) {
  HttpServerOptions options = quick_options();
  options.header_seconds = options.stall_seconds = 1;
  HttpServer server(options, echo);
  TestClient head(server.port()), body(server.port());
  head.send("GET / HTT");
  body.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nshort");
  EXPECT_EQ(head.receive().status, 408);
  EXPECT_EQ(body.receive().status, 408);
}

TEST(HttpServer, refuses_connections_beyond_its_limit) {
  HttpServerOptions options = quick_options();
  options.max_connections = 2;
  HttpServer server(options, echo);
  TestClient first(server.port()), second(server.port());
  EXPECT_EQ(first.ask("GET", "/").status, 200);
  EXPECT_EQ(second.ask("GET", "/").status, 200);
  TestClient third(server.port());
  EXPECT_EQ(third.receive().status, 503);
}

TEST(HttpServer, moves_a_large_body_both_ways_in_bounded_memory) {
  const TemporaryFolder folder;
  const Path file = folder.path() / "large";
  HttpServerOptions options = quick_options();
  HttpServer server(options, [&](Request& request) {
    if (request.method != "PUT") return file_response(request, file, "application/x");
    return text_response(std::to_string(save(*request.body, file)));
  });
  constexpr std::uint64_t size = std::uint64_t{256} << 20;
  TestClient client(server.port());
  const std::string piece(1 << 20, 'p');
  const std::uint64_t before = resident_bytes();
  client.send(fmt::format("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", size));
  for (std::uint64_t sent = 0; sent < size; sent += piece.size()) ASSERT_TRUE(client.send(piece));
  EXPECT_EQ(client.receive().body, std::to_string(size));
  EXPECT_LT(resident_bytes(), before + (std::uint64_t{16} << 20));
  EXPECT_EQ(std::filesystem::file_size(file), size);
  EXPECT_EQ(client.ask("HEAD", "/").headers.find("content-length"), std::to_string(size));
}

TEST(HttpServer, lets_a_request_under_way_end_before_it_stops) {
  std::atomic<bool> begun{false};
  HttpServer server(quick_options(), [&](Request&) {
    begun = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    return text_response("done");
  });
  const int port = server.port();
  TestClient idle(port), client(port);
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  while (!begun) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  const auto start = std::chrono::steady_clock::now();
  server.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
  EXPECT_EQ(client.receive().body, "done");
  EXPECT_EQ(idle.receive().status, 0);
}

TEST(HttpServer, says_when_its_port_is_taken) {
  HttpServer server(quick_options(), echo);
  HttpServerOptions options = quick_options();
  options.port = server.port();
  EXPECT_EQ(error_of([&] { HttpServer second(options, echo); }).code(), ErrorCode::peer);
  options.address = "not an address";
  EXPECT_EQ(error_of([&] { HttpServer second(options, echo); }).code(), ErrorCode::parameter);
}

}  // namespace
}  // namespace gantry::archive::http_server_test
