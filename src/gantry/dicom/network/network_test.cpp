// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "gantry/base/test_support.h"
#include "gantry/dicom/network/dimse.h"
#include "gantry/dicom/network/identifier.h"
#include "gantry/dicom/network/part10.h"
#include "gantry/dicom/network/scu.h"
#include "gantry/dicom/network/services.h"
#include "gantry/dicom/test_objects.h"

namespace gantry::dicom::network::network_test {
namespace {

constexpr std::string_view verification = sop_class::verification;

Associate proposal() {
  Associate all;
  all.called_ae_title = "CALLED";
  all.calling_ae_title = "CALLING";
  all.contexts.push_back({1, std::string(verification), {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1"}, ContextResult::accepted});
  all.contexts.push_back({3, "1.2.840.10008.5.1.4.1.1.2", {"1.2.840.10008.1.2.1"}, ContextResult::accepted});
  all.max_pdu = 16384;
  all.implementation_class_uid = "1.2.3";
  all.implementation_version_name = "TEST";
  all.roles.push_back({"1.2.840.10008.5.1.4.1.1.2", true, true});
  return all;
}

Bytes content_of(const Bytes& unit) { return Bytes(unit.begin() + 6, unit.end()); }

Bytes bytes_of(std::initializer_list<int> values) {
  Bytes out;
  for (const int value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}

TEST(Pdu, reads_back_what_it_wrote) {
  const Bytes unit = encode_associate(PduType::associate_request, proposal());
  const Associate read = parse_associate(PduType::associate_request, content_of(unit));
  EXPECT_EQ(read.called_ae_title, "CALLED");
  EXPECT_EQ(read.calling_ae_title, "CALLING");
  ASSERT_EQ(read.contexts.size(), 2U);
  EXPECT_EQ(read.contexts[0].transfer_syntaxes.size(), 2U);
  EXPECT_EQ(read.contexts[1].abstract_syntax, "1.2.840.10008.5.1.4.1.1.2");
  EXPECT_EQ(read.max_pdu, 16384U);
  ASSERT_EQ(read.roles.size(), 1U);
  EXPECT_TRUE(read.roles[0].scp);
}

TEST(Pdu, writes_the_bytes_of_the_standard) {
  // PS3.8 tables 9-21, 9-24 and 9-26.
  EXPECT_EQ(encode_reject({1, 1, 7}), bytes_of({3, 0, 0, 0, 0, 4, 0, 1, 1, 7}));
  EXPECT_EQ(encode_release(PduType::release_request), bytes_of({5, 0, 0, 0, 0, 4, 0, 0, 0, 0}));
  EXPECT_EQ(encode_abort(2, 6), bytes_of({7, 0, 0, 0, 0, 4, 0, 0, 2, 6}));
  EXPECT_EQ(encode_data_header(5, true, true, 10), bytes_of({4, 0, 0, 0, 0, 16, 0, 0, 0, 12, 5, 3}));
}

TEST(Pdu, refuses_every_truncation_and_survives_every_changed_byte) {
  const Bytes content = content_of(encode_associate(PduType::associate_request, proposal()));
  for (std::size_t size = 0; size < content.size(); ++size) {
    try {
      parse_associate(PduType::associate_request, std::span(content).first(size));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::peer);
    }
  }
  for (std::size_t at = 0; at < content.size(); ++at) {
    for (const int value : {0x00, 0x01, 0x7F, 0x80, 0xFF}) {
      Bytes changed = content;
      changed[at] = static_cast<std::byte>(value);
      for (const PduType type : {PduType::associate_request, PduType::associate_accept}) {
        try {
          EXPECT_LE(parse_associate(type, changed).contexts.size(), 128U);
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), ErrorCode::peer);
        }
      }
    }
  }
}

TEST(Pdu, refuses_contexts_that_are_even_twice_there_or_too_many) {
  const auto refusal = [](const Associate& associate) {
    return std::string(error_of([&] {
                         parse_associate(PduType::associate_request, content_of(encode_associate(PduType::associate_request, associate)));
                       }).what());
  };
  Associate even = proposal();
  even.contexts[0].id = 2;
  EXPECT_NE(refusal(even).find("odd"), std::string::npos);
  Associate twice = proposal();
  twice.contexts[0].id = 3;
  EXPECT_NE(refusal(twice).find("once"), std::string::npos);
  Associate many = proposal();
  many.contexts[0].transfer_syntaxes.assign(65, "1.2.840.10008.1.2");
  EXPECT_NE(refusal(many).find("at most 64"), std::string::npos);
  Associate none = proposal();
  none.contexts[0].abstract_syntax = "not a uid";
  EXPECT_NE(refusal(none).find("must hold a UID"), std::string::npos);
  Associate crowd = proposal();
  crowd.contexts.assign(129, crowd.contexts[0]);
  EXPECT_EQ(error_of([&] { encode_associate(PduType::associate_request, crowd); }).code(), ErrorCode::parameter);
  for (const char* title : {"", "   ", "seventeen letters", "back\\slash"}) {
    Associate wrong = proposal();
    wrong.called_ae_title = title;
    EXPECT_EQ(error_of([&] { encode_associate(PduType::associate_request, wrong); }).code(), ErrorCode::parameter) << title;
  }
}

TEST(Pdu, refuses_fragments_whose_lengths_do_not_fit) {
  EXPECT_EQ(parse_data(bytes_of({0, 0, 0, 3, 1, 3, 9})).at(0).bytes.size(), 1U);
  EXPECT_EQ(error_of([] { parse_data(bytes_of({0, 0, 0, 4, 1, 3, 9})); }).code(), ErrorCode::peer);
  EXPECT_EQ(error_of([] { parse_data(bytes_of({0, 0, 0, 1, 1})); }).code(), ErrorCode::peer);
  EXPECT_EQ(error_of([] { parse_data(bytes_of({0xFF, 0xFF, 0xFF, 0xFF, 1, 3})); }).code(), ErrorCode::peer);
  EXPECT_EQ(error_of([] { parse_data(bytes_of({0, 0})); }).code(), ErrorCode::peer);
}

TEST(CommandSet, reads_back_what_it_wrote_and_refuses_every_truncation) {
  CommandSet command(CommandField::store, 77, "1.2.840.10008.5.1.4.1.1.2", true);
  command.set_uid(element::affected_sop_instance, "1.2.3");
  const Bytes bytes = command.encode();
  const CommandSet read = CommandSet::parse(bytes);
  EXPECT_EQ(read.field(), 0x0001);
  EXPECT_EQ(read.number(element::message_id), 77);
  EXPECT_EQ(read.text(element::affected_sop_instance), "1.2.3");
  EXPECT_TRUE(read.has_data());
  const CommandSet response = CommandSet::parse(read.response(0xA700).encode());
  EXPECT_EQ(response.field(), 0x8001);
  EXPECT_EQ(response.number(element::message_id_responded), 77);
  EXPECT_EQ(response.status(), 0xA700);
  EXPECT_FALSE(response.has_data());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    try {
      CommandSet::parse(std::span(bytes).first(size));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::peer);
    }
  }
  EXPECT_EQ(error_of([] { CommandSet::parse(Bytes(70000)); }).code(), ErrorCode::peer);
  EXPECT_EQ(error_of([] { CommandSet::parse(bytes_of({8, 0, 0, 0, 0, 0, 0, 0})); }).code(), ErrorCode::peer);
}

TEST(Identifier, is_read_back_in_every_encoding) {
  const Identifier keys{{0x00080020U, "20240101-"}, {0x00080061U, "CT\\MR"}, {0x00100010U, "Müller^Jörg=山田"},
                        {0x0020000DU, "1.2.3"},     {0x00280010U, "512"},    {0x00081140U, ""},
                        {0x00280011U, "many"}};
  for (const Encoding encoding : {Encoding{true, false}, Encoding{false, false}, Encoding{false, true}}) {
    const Bytes bytes = encode_identifier(keys, encoding);
    const DataSet set = parse_item(bytes, encoding, nullptr);
    EXPECT_EQ(set.text(0x00080005U), "ISO_IR 192");
    EXPECT_EQ(set.text(0x00080061U), "CT\\MR");
    EXPECT_EQ(set.text(0x00100010U), "Müller^Jörg=山田");
    EXPECT_EQ(set.integer(0x00280010U), 512);
    ASSERT_NE(set.find(0x00280011U), nullptr);
    EXPECT_EQ(set.find(0x00280011U)->length, 0U);
    ASSERT_NE(set.find(0x00081140U), nullptr);
  }
  EXPECT_EQ(parse_item(encode_identifier({{0x00100010U, "Doe"}}, {}), {}, nullptr).find(0x00080005U), nullptr);
}

TEST(Identifier, is_the_same_after_two_recodings) {
  test::Writer item({false, false});
  item.text(0x00080104U, "LO", "meaning").us(0x00281101U, 16);
  test::Writer writer({false, false});
  writer.text(0x00080060U, "CS", "CT").sequence(0x00081140U, {item, item}, true).text(0x00100010U, "PN", "Doe^Jane");
  writer.us(0x00280010U, 7).words(0x7FE00010U, "OW", {1, 2, 3, 40000});
  const auto* first = reinterpret_cast<const std::byte*>(writer.bytes().data());
  const Bytes original(first, first + writer.bytes().size());
  for (const Encoding other : {Encoding{true, false}, Encoding{false, true}}) {
    const Bytes there = recode(parse_item(original, {false, false}, nullptr), other);
    EXPECT_NE(there, original);
    const Bytes back = recode(parse_item(there, other, nullptr), {false, false});
    EXPECT_EQ(back, original);
  }
}

TEST(Part10, finds_the_data_set_and_refuses_every_truncation) {
  const Bytes file = write_file_meta("1.2.840.10008.5.1.4.1.1.2", "1.2.3", "1.2.840.10008.1.2", "SENDER");
  Bytes whole = file;
  whole.resize(whole.size() + 8);  // of a data set: group 0000
  const auto meta = read_file_meta(whole);
  ASSERT_TRUE(meta);
  EXPECT_EQ(meta->data_set, file.size());
  EXPECT_EQ(meta->transfer_syntax_uid, "1.2.840.10008.1.2");
  for (std::size_t size = 0; size < file.size() + 8; ++size) EXPECT_FALSE(read_file_meta(std::span(whole).first(size))) << size;
  EXPECT_EQ(error_of([] { read_file_meta(Bytes(200)); }).code(), ErrorCode::refused);
  EXPECT_TRUE(is_uid("1.2.840.10008"));
  for (const char* wrong : {"", ".1", "1.", "1..2", "1.a", "1.2/3"}) EXPECT_FALSE(is_uid(wrong)) << wrong;
  EXPECT_FALSE(is_uid(std::string(65, '1')));
}

TEST(Peer, is_read_from_text) {
  const Peer full = parse_peer("PACS@10.0.0.5:11112");
  EXPECT_EQ(full.called_ae_title, "PACS");
  EXPECT_EQ(full.host, "10.0.0.5");
  EXPECT_EQ(full.port, 11112);
  EXPECT_EQ(parse_peer("[::1]:104").host, "::1");
  EXPECT_EQ(parse_peer("host").port, 104);
  for (const char* wrong : {"", "A@", "host:0", "host:70000", "host:x"}) {
    EXPECT_EQ(error_of([&] { parse_peer(wrong); }).code(), ErrorCode::parameter) << wrong;
  }
}

/// An acceptor of verification in a thread; keeps the text of what ended the association.
class Acceptor {
 public:
  explicit Acceptor(Limits limits = {}) : thread_([this, limits] { run(limits); }) {}
  ~Acceptor() { thread_.join(); }
  std::unique_ptr<Connection> connect() { return Connection::open("127.0.0.1", listener_.port(), Duration(2000)); }
  std::uint16_t port() const { return listener_.port(); }
  std::string ending() {
    while (!done_) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return ending_;
  }

 private:
  void run(const Limits& limits) {
    try {
      Messenger messenger(Association::accept(
          listener_.accept(),
          [](const Associate& wanted) -> Association::Decision {
            if (wanted.called_ae_title == "NOBODY") return Refusal{1, 1, 7};
            Associate answer;
            answer.implementation_class_uid = "1.2.3";
            answer.implementation_version_name = "TEST";
            for (const PresentationContext& context : wanted.contexts) {
              answer.contexts.push_back({context.id, "", {context.transfer_syntaxes.front()}, ContextResult::accepted});
            }
            return answer;
          },
          limits));
      while (const auto message = messenger.receive()) {
        messenger.receive_data(*message);
        messenger.send(message->context, message->command.response(0));
      }
      ending_ = "released";
    } catch (const Error& error) {
      ending_ = error.what();
    }
    done_ = true;
  }

  Listener listener_{"127.0.0.1", 0};
  std::string ending_;
  std::atomic<bool> done_{false};
  std::thread thread_;
};

/// The first 10 bytes that come back, or what there was of them.
Bytes answer_of(Connection& connection) {
  Bytes answer(10);
  try {
    if (!connection.read(answer, Duration(3000))) answer.clear();
  } catch (const Error&) {
    answer.clear();
  }
  return answer;
}

TEST(Association, is_agreed_used_and_released) {
  Acceptor acceptor;
  Peer peer;
  peer.port = acceptor.port();
  Proposal contexts;
  contexts.add(verification, {"1.2.840.10008.1.2"});
  const auto messenger = associate(peer, contexts);
  EXPECT_EQ(echo(*messenger), 0);
  EXPECT_EQ(echo(*messenger), 0);
  messenger->association().release();
  EXPECT_EQ(acceptor.ending(), "released");
}

TEST(Association, is_rejected_with_the_reason) {
  Acceptor acceptor;
  Peer peer;
  peer.port = acceptor.port();
  peer.called_ae_title = "NOBODY";
  Proposal contexts;
  contexts.add(verification, {"1.2.840.10008.1.2"});
  const Error error = error_of([&] { associate(peer, contexts); });
  EXPECT_EQ(error.code(), ErrorCode::peer);
  EXPECT_NE(std::string(error.what()).find("called AE title"), std::string::npos);
  EXPECT_NE(acceptor.ending().find("refused"), std::string::npos);
}

TEST(Association, aborts_what_is_no_dicom_and_lengths_that_are_absurd) {
  const std::vector<Bytes> starts{bytes_of({'G', 'E', 'T', ' ', '/', ' ', 'H', 'T', 'T', 'P'}), bytes_of({1, 0, 0xFF, 0xFF, 0xFF, 0xFF}),
                                  bytes_of({4, 0, 0, 0, 0, 6, 0, 0, 0, 2, 1, 3}), bytes_of({5, 0, 0, 0, 0, 4, 0, 0, 0, 0}),
                                  bytes_of({1, 0, 0, 0, 0, 0})};
  for (const Bytes& start : starts) {
    Acceptor acceptor;
    auto connection = acceptor.connect();
    connection->write(start, Duration(1000));
    const Bytes answer = answer_of(*connection);
    if (!answer.empty()) {
      EXPECT_EQ(answer[0], std::byte{7});
    }
    connection.reset();
    EXPECT_NE(acceptor.ending(), "released");
  }
}

TEST(Association, ends_when_the_peer_stays_silent_or_stops_halfway) {
  Limits limits;
  limits.artim = limits.idle = limits.step = Duration(150);
  const Bytes request = encode_associate(PduType::associate_request, proposal());
  for (const std::size_t sent : {std::size_t{0}, std::size_t{3}, request.size() / 2, request.size()}) {
    Acceptor acceptor(limits);
    auto connection = acceptor.connect();
    connection->write(std::span(request).first(sent), Duration(1000));
    EXPECT_NE(acceptor.ending().find("silent"), std::string::npos) << sent;
  }
}

TEST(Association, aborts_messages_that_break_the_protocol) {
  const Bytes request = encode_associate(PduType::associate_request, proposal());
  const auto unit = [](std::uint8_t context, bool command, bool last, const Bytes& bytes) {
    Bytes out = encode_data_header(context, command, last, static_cast<std::uint32_t>(bytes.size()));
    out.insert(out.end(), bytes.begin(), bytes.end());
    return out;
  };
  const Bytes echo_request = CommandSet(CommandField::echo, 1, verification, false).encode();
  Bytes oversized = bytes_of({4, 0, 0x7F, 0xFF, 0xFF, 0xFF});
  const std::vector<std::pair<Bytes, std::string>> cases{
      {unit(9, true, true, echo_request), "accepted presentation context"},
      {unit(1, false, true, echo_request), "must begin with a command"},
      {unit(1, true, true, Bytes(20)), "command"},
      {unit(1, true, false, Bytes(70000)), "65536"},
      {oversized, "may hold"},
      {encode_associate(PduType::associate_request, proposal()), "not due"},
      {bytes_of({4, 0, 0, 0, 0, 6, 0, 0, 0, 200, 1, 3}), "states 200 bytes"},
  };
  for (const auto& [bytes, reason] : cases) {
    Acceptor acceptor;
    auto connection = acceptor.connect();
    connection->write(request, Duration(1000));
    Bytes head(6);
    ASSERT_TRUE(connection->read(head, Duration(2000)));
    ASSERT_EQ(head[0], std::byte{2});
    Bytes rest(std::to_integer<std::size_t>(head[4]) * 256 + std::to_integer<std::size_t>(head[5]));
    ASSERT_TRUE(connection->read(rest, Duration(2000)));
    connection->write(bytes, Duration(1000));
    EXPECT_EQ(answer_of(*connection).at(0), std::byte{7}) << reason;
    connection.reset();
    EXPECT_NE(acceptor.ending().find(reason), std::string::npos) << acceptor.ending();
  }
}

TEST(Association, says_who_cannot_be_reached) {
  std::uint16_t port = 0;
  { port = Listener("127.0.0.1", 0).port(); }
  Peer peer;
  peer.port = port;
  Proposal contexts;
  contexts.add(verification, {"1.2.840.10008.1.2"});
  const Error error = error_of([&] { associate(peer, contexts); });
  EXPECT_EQ(error.code(), ErrorCode::peer);
  EXPECT_NE(std::string(error.what()).find(std::to_string(port)), std::string::npos);
}

}  // namespace
}  // namespace gantry::dicom::network::network_test
