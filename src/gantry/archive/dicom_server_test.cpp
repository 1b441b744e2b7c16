// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/dicom_server.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <thread>

#include "gantry/archive/dicom_server_test_support.h"
#include "gantry/base/text.h"
#include "gantry/dicom/network/identifier.h"
#include "gantry/dicom/network/scu.h"
#include "gantry/dicom/network/services.h"

namespace gantry::archive::dicom_server_test {
namespace {

namespace fs = std::filesystem;
namespace network = dicom::network;
using test::file_of;
using test::has_dcmtk;
using test::Node;
using test::Object;
using test::write_study;

/// The data sets of all files below a folder, by SOP Instance UID.
std::map<std::string, Bytes> data_sets_below(const Path& folder) {
  std::map<std::string, Bytes> all;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const Bytes file = read_bytes(entry.path());
    const auto meta = dicom::read_file_meta(file);
    if (meta) all[meta->sop_instance_uid] = Bytes(file.begin() + static_cast<std::ptrdiff_t>(meta->data_set), file.end());
  }
  return all;
}

TEST(DicomServer, answers_echoscu) {
  if (!has_dcmtk()) GTEST_SKIP() << "the dcmtk package is not installed";
  const Node node;
  EXPECT_EQ(run_command(node.at("echoscu")).status, 0);
  const auto [status, text] = run_command(fmt::format("echoscu -v -aec SOMEBODY 127.0.0.1 {}", node.server->port()));
  EXPECT_NE(status, 0);
  EXPECT_NE(text.find("Called AE Title Not Recognized"), std::string::npos) << text;
}

TEST(DicomServer, stores_what_storescu_sends_byte_by_byte) {
  if (!has_dcmtk()) GTEST_SKIP() << "the dcmtk package is not installed";
  const Node node;
  write_study(node.folder.path() / "in", 5);
  const auto [status, text] = run_command(node.at("storescu") + " +sd " + (node.folder.path() / "in").string());
  EXPECT_EQ(status, 0) << text;
  EXPECT_EQ(node.archive.statistics().instances, 10);
  EXPECT_EQ(data_sets_below(node.folder.path() / "data/instances"), data_sets_below(node.folder.path() / "in"));
}

TEST(DicomServer, tells_storescu_why_an_object_is_refused) {
  if (!has_dcmtk()) GTEST_SKIP() << "the dcmtk package is not installed";
  const Node node;
  Object object;
  object.study_uid = "";
  write_atomic(node.folder.path() / "bad.dcm", file_of(object));
  const auto [status, text] = run_command(node.at("storescu -d") + " " + (node.folder.path() / "bad.dcm").string());
  EXPECT_NE(text.find("StudyInstanceUID: must be there"), std::string::npos) << text;
  EXPECT_EQ(node.archive.statistics().instances, 0);
}

TEST(DicomServer, tells_storescu_that_the_disk_is_full_and_keeps_nothing_of_the_object) {
  if (!has_dcmtk()) GTEST_SKIP() << "the dcmtk package is not installed";
  const TemporaryFolder folder;
  Archive archive({.data = folder.path() / "data", .min_free_bytes = std::uint64_t{1} << 60});
  DicomServer server(archive, {.port = 0});
  server.start();
  write_study(folder.path() / "in", 1);
  const auto [status, text] =
      run_command(fmt::format("storescu -v -aec GANTRY 127.0.0.1 {} +sd {}", server.port(), (folder.path() / "in").string()));
  EXPECT_NE(lower(text).find("resources"), std::string::npos) << status << text;
  EXPECT_EQ(archive.statistics().instances, 0);
  EXPECT_TRUE(fs::is_empty(folder.path() / "data/incoming"));
}

TEST(DicomServer, answers_findscu_at_every_level) {
  if (!has_dcmtk()) GTEST_SKIP() << "the dcmtk package is not installed";
  const Node node;
  write_study(node.folder.path() / "in", 3);
  ASSERT_EQ(run_command(node.at("storescu") + " +sd " + (node.folder.path() / "in").string()).status, 0);
  const auto query = [&](const std::string& keys) { return run_command(node.at("findscu") + " " + keys).output; };
  const auto count = [](const std::string& text) {
    std::size_t n = 0;
    for (std::size_t at = text.find("Find Response:"); at != std::string::npos; at = text.find("Find Response:", at + 1)) ++n;
    return n;
  };
  const std::string all = query(
      "-S -k QueryRetrieveLevel=STUDY -k 'PatientName=m?ller*' -k StudyInstanceUID -k ModalitiesInStudy "
      "-k NumberOfStudyRelatedInstances -k StudyDate=20240101-20241231");
  EXPECT_EQ(count(all), 1U) << all;
  EXPECT_NE(all.find("[Müller^Jörg ]"), std::string::npos) << all;
  EXPECT_TRUE(all.find("CT\\MR") != std::string::npos || all.find("MR\\CT") != std::string::npos) << all;
  EXPECT_NE(all.find("NumberOfStudyRelatedInstances"), std::string::npos) << all;
  EXPECT_EQ(count(query("-P -k QueryRetrieveLevel=PATIENT -k PatientID")), 1U);
  EXPECT_EQ(count(query("-S -k QueryRetrieveLevel=SERIES -k StudyInstanceUID=1.2.3 -k SeriesInstanceUID")), 2U);
  EXPECT_EQ(count(query("-S -k QueryRetrieveLevel=IMAGE -k SeriesInstanceUID=1.2.3.1 -k SOPInstanceUID")), 3U);
  EXPECT_NE(
      run_command(node.at("findscu -d") + " -S -k QueryRetrieveLevel=PATIENT -k PatientID").output.find("QueryRetrieveLevel: must be"),
      std::string::npos);
  EXPECT_NE(run_command(node.at("findscu -d") + " -S -k QueryRetrieveLevel=STUDY -k StudyDate=1-2-3").output.find("query: a range must be"),
            std::string::npos);
}

TEST(DicomServer, gives_getscu_and_movescu_what_was_stored) {
  if (!has_dcmtk()) GTEST_SKIP() << "the dcmtk package is not installed";
  const TemporaryFolder out;
  // movescu listens itself; the port is taken before it starts, and given up just then.
  std::uint16_t free_port = 0;
  { free_port = network::Listener("127.0.0.1", 0).port(); }
  DicomServerOptions options;
  options.nodes = {{"MOVESCU", "127.0.0.1", free_port}};
  const Node node(options);
  write_study(node.folder.path() / "in", 4, 300000);
  ASSERT_EQ(run_command(node.at("storescu") + " +sd " + (node.folder.path() / "in").string()).status, 0);
  const auto stored = data_sets_below(node.folder.path() / "in");
  for (const std::string& tool : {std::string("getscu"), fmt::format("movescu +P {} -aet MOVESCU -aem MOVESCU", free_port)}) {
    const Path folder = out.path() / tool.substr(0, 4);
    fs::create_directories(folder);
    const auto [status, text] =
        run_command(node.at(tool) + " -S -k QueryRetrieveLevel=STUDY -k StudyInstanceUID=1.2.3 -od " + folder.string());
    EXPECT_EQ(status, 0) << text;
    EXPECT_EQ(data_sets_below(folder), stored) << tool << text;
  }
  const std::string unknown =
      run_command(node.at("movescu -v -aem NOBODY") + " -S -k QueryRetrieveLevel=STUDY -k StudyInstanceUID=1.2.3").output;
  EXPECT_NE(unknown.find("MoveDestinationUnknown"), std::string::npos) << unknown;
}

TEST(DicomServer, stops_a_query_that_is_cancelled) {
  Node node;
  for (int n = 0; n < 5; ++n) {
    Object object;
    object.uid = fmt::format("1.2.3.1.{}", n + 1);
    node.archive.add(file_of(object));
  }
  network::Associate wanted;
  wanted.called_ae_title = "GANTRY";
  wanted.calling_ae_title = "TEST";
  wanted.implementation_class_uid = "1.2.3";
  wanted.contexts.push_back({1, std::string(network::sop_class::study_root_find), {"1.2.840.10008.1.2"}});
  const auto connection = network::Connection::open("127.0.0.1", node.server->port(), network::Duration(60000));
  connection->write(network::encode_associate(network::PduType::associate_request, wanted), network::Duration(60000));
  const auto unit = [&] {
    Bytes head(6);
    EXPECT_TRUE(connection->read(head, network::Duration(60000)));
    std::size_t size = 0;
    for (std::size_t n = 2; n < 6; ++n) size = size << 8 | std::to_integer<std::size_t>(head[n]);
    Bytes rest(size);
    EXPECT_TRUE(size == 0 || connection->read(rest, network::Duration(60000)));
    return rest;
  };
  unit();
  // Request and cancel come in one piece, so that the cancel is there before the first answer.
  Bytes bytes;
  const auto append = [&](bool command, const Bytes& content) {
    const Bytes head = network::encode_data_header(1, command, true, static_cast<std::uint32_t>(content.size()));
    bytes.insert(bytes.end(), head.begin(), head.end());
    bytes.insert(bytes.end(), content.begin(), content.end());
  };
  append(true, network::CommandSet(network::CommandField::find, 5, network::sop_class::study_root_find, true).encode());
  append(false, network::encode_identifier({{0x00080052U, "IMAGE"}, {0x00080018U, ""}}, {true, false}));
  append(true, network::CommandSet(network::CommandField::cancel, 5, {}, false).encode());
  connection->write(bytes, network::Duration(60000));
  const Bytes answer = unit();
  EXPECT_EQ(network::CommandSet::parse(network::parse_data(answer).at(0).bytes).status(), network::status::cancelled);
}

TEST(DicomServer, has_room_for_so_many_and_says_so) {
  DicomServerOptions options;
  options.max_associations = 2;
  const Node node(options);
  network::Proposal proposal;
  proposal.add(network::sop_class::verification, {"1.2.840.10008.1.2"});
  const auto first = network::associate(node.peer(), proposal);
  auto second = network::associate(node.peer(), proposal);
  const Error error = error_of([&] { network::associate(node.peer(), proposal); });
  EXPECT_NE(std::string(error.what()).find("limit of associations"), std::string::npos) << error.what();
  second->association().release();
  second.reset();
  for (int tries = 0; tries < 6000 && node.server->associations() > 1; ++tries) ::poll(nullptr, 0, 10);
  EXPECT_EQ(network::echo(*network::associate(node.peer(), proposal)), 0);
  EXPECT_EQ(network::echo(*first), 0);
}

/// Keeps what a C-GET brings.
class Kept final : public network::ObjectSink {
 public:
  Kept(std::map<std::string, Bytes>& all, std::string uid) : all_(all), uid_(std::move(uid)) {}
  void write(std::span<const std::byte> bytes) override { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  void finish() override { all_[uid_] = std::move(bytes_); }

 private:
  std::map<std::string, Bytes>& all_;
  std::string uid_;
  Bytes bytes_;
};

TEST(DicomServer, serves_our_own_client) {
  DicomServerOptions options;
  const Node destination;
  options.nodes = {{"GANTRY", "127.0.0.1", destination.server->port()}};
  const Node node(options);
  const Path in = node.folder.path() / "in";
  write_study(in, 2);
  const std::vector<std::string> syntaxes{std::string(network::transfer_syntax::explicit_little)};
  network::Proposal proposal;
  proposal.add(network::sop_class::verification, syntaxes);
  proposal.add(network::sop_class::study_root_find, {std::string(network::transfer_syntax::implicit_little)});
  proposal.add(network::sop_class::study_root_move, syntaxes);
  for (const char* uid : {"1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"}) proposal.add(uid, syntaxes);
  const auto messenger = network::associate(node.peer(), proposal);
  EXPECT_EQ(network::echo(*messenger), 0);
  for (const auto& entry : fs::directory_iterator(in))
    EXPECT_EQ(network::store(*messenger, entry.path(), dicom::read_file_meta(entry.path()), 7).status, 0);
  std::vector<std::string> names;
  EXPECT_EQ(network::find(*messenger, "SERIES", {{0x00100010U, "MÜLLER*"}, {0x0020000EU, ""}},
                          [&](const dicom::DataSet& set) {
                            names.push_back(set.text(0x00100010U).value_or(""));
                            return true;
                          }),
            0);
  EXPECT_EQ(names, std::vector<std::string>(2, "Müller^Jörg"));
  const auto moved = network::move(*messenger, "STUDY", {{0x0020000DU, "1.2.3"}}, "GANTRY", [](const network::Retrieval&) {});
  EXPECT_EQ(moved.status, 0);
  EXPECT_EQ(moved.completed, 4);
  messenger->association().release();
  EXPECT_EQ(destination.archive.statistics().instances, 4);
}

TEST(DicomServer, brings_objects_into_the_transfer_syntax_that_a_get_asks_for) {
  Node node;
  node.archive.add(file_of(Object{}));
  std::map<std::string, Bytes> got;
  network::Proposal proposal;
  const std::vector<std::string> implicit{std::string(network::transfer_syntax::implicit_little)};
  proposal.add(network::sop_class::study_root_get, implicit);
  proposal.add("1.2.840.10008.5.1.4.1.1.2", implicit);
  proposal.add_scp_role("1.2.840.10008.5.1.4.1.1.2");
  const auto messenger = network::associate(node.peer(), proposal);
  std::string syntax;
  const auto result = network::get(
      *messenger, "STUDY", {{0x0020000DU, "1.2.3"}},
      [&](const network::IncomingObject& object) {
        syntax = object.transfer_syntax_uid;
        return std::make_unique<Kept>(got, object.sop_instance_uid);
      },
      [](const network::IncomingObject&, const Error& error) { ADD_FAILURE() << error.what(); });
  messenger->association().release();
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(syntax, network::transfer_syntax::implicit_little);
  const network::OwnedDataSet set(got.at("1.2.3.1.1"), syntax);
  EXPECT_EQ(set.set().text(0x00100010U), "Doe^Jane");
  EXPECT_EQ(set.set().integer(0x00280010U), 4);
  EXPECT_EQ(set.set().find(0x7FE00010U)->length, 32U);
}

TEST(DicomServer, reports_a_get_that_nothing_can_be_sent_for) {
  Node node;
  node.archive.add(file_of(Object{}));
  network::Proposal proposal;
  const std::vector<std::string> implicit{std::string(network::transfer_syntax::implicit_little)};
  proposal.add(network::sop_class::study_root_get, implicit);
  const auto messenger = network::associate(node.peer(), proposal);
  const auto none = [](const network::IncomingObject&) { return std::unique_ptr<network::ObjectSink>(); };
  const auto refused = [](const network::IncomingObject&, const Error&) {};
  const auto result = network::get(*messenger, "STUDY", {{0x0020000DU, "1.2.3"}}, none, refused);
  EXPECT_EQ(result.status, 0xA702);
  EXPECT_EQ(result.failed, 1);
  EXPECT_EQ(network::get(*messenger, "STUDY", {{0x0020000DU, ""}}, none, refused).status, network::status::does_not_match);
  EXPECT_EQ(network::get(*messenger, "STUDY", {{0x0020000DU, "9.9"}}, none, refused).status, 0);
  messenger->association().release();
}

TEST(DicomServer, loses_nothing_acknowledged_when_it_is_killed_under_load) {
  if (!has_dcmtk()) GTEST_SKIP() << "the dcmtk package is not installed";
  const TemporaryFolder folder;
  write_study(folder.path() / "in", 150, 100000);
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Archive archive({folder.path() / "data"});
    DicomServerOptions options;
    options.port = 0;
    DicomServer server(archive, options);
    server.start();
    const std::uint16_t port = server.port();
    if (::write(pipe[1], &port, sizeof(port)) != sizeof(port)) ::_exit(1);
    for (;;) ::pause();
  }
  ::close(pipe[1]);
  std::uint16_t port = 0;
  ASSERT_EQ(::read(pipe[0], &port, sizeof(port)), static_cast<ssize_t>(sizeof(port)));
  ::close(pipe[0]);
  const std::string log = (folder.path() / "log").string();
  std::thread sender(
      [&] { run_command(fmt::format("storescu -v -aec GANTRY 127.0.0.1 {} +sd {} > {}", port, (folder.path() / "in").string(), log)); });
  const auto acknowledged = [&] {
    std::set<std::string> names;
    std::string last;
    std::ifstream lines(log);
    for (std::string line; std::getline(lines, line);) {
      if (const std::size_t at = line.find("Sending file: "); at != std::string::npos) last = line.substr(at + 14);
      if (line.find("Received Store Response (Success)") != std::string::npos) names.insert(last);
    }
    return names;
  };
  for (int tries = 0; tries < 15000 && acknowledged().size() < 40; ++tries) ::poll(nullptr, 0, 20);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  sender.join();
  const std::set<std::string> promised = acknowledged();
  EXPECT_GE(promised.size(), 40U);
  Archive archive({folder.path() / "data"});
  for (const std::string& name : promised) {
    const Bytes file = read_bytes(name);
    const auto record = archive.instance(dicom::read_file_meta(file)->sop_instance_uid);
    ASSERT_TRUE(record) << name;
  }
  gantry::Run run;
  EXPECT_TRUE(archive.verify(run).empty());
}

}  // namespace
}  // namespace gantry::archive::dicom_server_test
