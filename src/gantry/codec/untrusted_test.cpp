// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <unistd.h>

#include <fstream>

#include "gantry/codec/codec_test_support.h"
#include "gantry/codec/worker_pool.h"

namespace gantry::codec::untrusted_test {

namespace {

FrameFormat grey(int rows, int columns) { return {rows, columns, 1, 16, 12, 11, false, "MONOCHROME2"}; }

Path program() { return find_resource("gantry-decode"); }

/// A program of this text in `folder`.
Path script(const Path& folder, std::string_view text) {
  const Path path = folder / "gantry-decode";
  std::ofstream(path) << text;
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  return path;
}

TEST(Untrusted, workers_give_the_same_frames_as_this_process) {
  ASSERT_FALSE(program().empty()) << "gantry-decode has not been built";
  for (const std::string coding : {".5", ".8.1", ".4.50", ".4.70", ".4.80", ".4.90", ".4.201"}) {
    const bool small = coding == ".4.50";
    std::vector<Frame> frames;
    std::vector<Bytes> streams;
    for (int n = 0; n < 5; ++n) {
      FrameFormat format = grey(30 + n, 40);
      format.rows = 34;
      if (small) format.bits_allocated = format.bits_stored = 8, format.high_bit = 7;
      frames.push_back(picture(format));
      frames.back().pixels[0] = static_cast<std::byte>(n);
      streams.push_back(encode(root + coding, frames.back()));
    }
    const std::vector<std::span<const std::byte>> spans(streams.begin(), streams.end());
    gantry::Run run(RunOptions{.threads = 2});
    std::vector<Bytes> found(streams.size());
    decode_untrusted(
        root + coding, spans, frames[0].format, [&](std::size_t n, Frame&& frame) { found[n] = std::move(frame.pixels); }, run);
    for (std::size_t n = 0; n < found.size(); ++n)
      EXPECT_TRUE(found[n] == decode(root + coding, streams[n], frames[0].format).pixels) << coding << ' ' << n;
    EXPECT_TRUE(run.warnings().empty() || run.warnings()[0].find("resource limits") != std::string::npos);
  }
}

TEST(Untrusted, a_bad_frame_is_named_and_the_others_are_decoded) {
  const Frame frame = picture(grey(32, 32));
  const Bytes good = encode(root + ".4.90", frame), bad(100);
  const std::vector<std::span<const std::byte>> streams{good, bad, good, bad, good};
  gantry::Run run;
  std::vector<std::size_t> decoded;
  const Error error = error_of([&] {
    decode_untrusted(
        root + ".4.90", streams, frame.format, [&](std::size_t n, Frame&&) { decoded.push_back(n); }, run);
  });
  EXPECT_EQ(error.code(), ErrorCode::unreadable);
  EXPECT_NE(std::string(error.what()).find("frame 2 (2 of 5 frames failed)"), std::string::npos) << error.what();
  std::ranges::sort(decoded);
  EXPECT_EQ(decoded, (std::vector<std::size_t>{0, 2, 4}));
}

/// Every coding, its valid stream damaged in hundreds of ways: each is decoded or refused, and this process goes on.
TEST(Untrusted, mutated_streams_never_reach_this_process) {
  ASSERT_FALSE(program().empty()) << "gantry-decode has not been built";
  WorkerPool pool(program(), 0.5);
  for (const std::string coding : {".5", ".8.1", ".4.50", ".4.70", ".4.80", ".4.90", ".4.201"}) {
    FrameFormat format = grey(48, 40);
    if (coding == ".4.50") format.bits_allocated = format.bits_stored = 8, format.high_bit = 7;
    const Frame frame = picture(format);
    const Bytes good = encode(root + coding, frame);
    const Random random(17);
    std::vector<Bytes> streams;
    for (std::uint64_t n = 0; n < 150; ++n) {
      Bytes bad = good;
      const std::uint64_t changes = 1 + random.bits(1000 * n) % 4;
      for (std::uint64_t c = 0; c < changes; ++c) {
        // Half of the changes hit the headers.
        const std::size_t range = random.bits(1000 * n + 10 * c + 1) % 2 ? bad.size() : std::min<std::size_t>(bad.size(), 120);
        bad[random.bits(1000 * n + 10 * c + 2) % range] = static_cast<std::byte>(random.bits(1000 * n + 10 * c + 3));
      }
      if (n % 10 == 0) bad.resize(random.bits(1000 * n + 5) % bad.size());
      streams.push_back(std::move(bad));
    }
    const std::vector<std::span<const std::byte>> spans(streams.begin(), streams.end());
    std::size_t decoded = 0;
    gantry::Run run(RunOptions{.threads = 2});
    try {
      decode_with(
          pool, root + coding, spans, format, [&](std::size_t, Frame&& found) { decoded += found.pixels.size() == frame.pixels.size(); },
          run);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::unreadable);
      EXPECT_EQ(error.message().find("what it may not do"), std::string::npos)
          << coding << ": a decoder needs a system call that is forbidden";
    }
    EXPECT_LT(decoded, streams.size()) << coding;
    EXPECT_TRUE(pool.decode(root + coding, good, format, run).pixels == decode(root + coding, good, format).pixels) << coding;
  }
}

/// What a worker greets with, as a shell writes it.
const std::string greeting = "#!/bin/sh\nprintf '\\001\\104\\116\\107\\001\\000\\000\\000' >&3\n";

TEST(Untrusted, hangs_crashes_and_lies_are_named) {
  const TemporaryFolder folder;
  const Frame frame = picture(grey(16, 16));
  const Bytes stream = encode(root + ".5", frame);
  for (const auto& [text, reason] : {std::pair("sleep 60\n", "longer than"), std::pair("kill -SEGV $$\n", "signal 11"),
                                     std::pair("exit 9\n", "status 9"), std::pair("printf hello >&3\nsleep 60\n", "wrong size")}) {
    WorkerPool pool(script(folder.path(), greeting + text), 0.3);
    EXPECT_TRUE(pool.can_start()) << text;
    gantry::Run run;
    const Error error = error_of([&] { pool.decode(root + ".5", stream, frame.format, run); });
    EXPECT_EQ(error.code(), ErrorCode::unreadable);
    EXPECT_NE(error.message().find(reason), std::string::npos) << error.message();
  }
}

TEST(Untrusted, a_cancelled_run_does_not_wait) {
  ASSERT_FALSE(program().empty()) << "gantry-decode has not been built";
  const Frame frame = picture(grey(16, 16));
  const Bytes stream = encode(root + ".5", frame);
  WorkerPool pool(program());
  gantry::Run run;
  run.cancel();
  EXPECT_EQ(error_of([&] { pool.decode(root + ".5", stream, frame.format, run); }).code(), ErrorCode::cancelled);
}

TEST(Untrusted, a_program_that_is_no_decoder_is_refused) {
  const TemporaryFolder folder;
  EXPECT_FALSE(WorkerPool(folder.path() / "missing").can_start());
  EXPECT_FALSE(WorkerPool(script(folder.path(), "#!/bin/sh\nexit 3\n")).can_start());
}

TEST(Untrusted, decodes_here_with_a_warning_when_the_program_is_missing) {
  const TemporaryFolder empty;
  const Frame frame = picture(grey(16, 16));
  const Bytes stream = encode(root + ".4.70", frame);
  const std::vector<std::span<const std::byte>> streams{stream};
  const char* before = std::getenv("GANTRY_HOME");
  const std::string kept = before ? before : "";
  ::setenv("GANTRY_HOME", empty.path().c_str(), 1);
  gantry::Run run;
  Bytes found;
  decode_untrusted(
      root + ".4.70", streams, frame.format, [&](std::size_t, Frame&& decoded) { found = std::move(decoded.pixels); }, run);
  before ? ::setenv("GANTRY_HOME", kept.c_str(), 1) : ::unsetenv("GANTRY_HOME");
  EXPECT_TRUE(found == frame.pixels);
  ASSERT_EQ(run.warnings().size(), 1u);
  EXPECT_NE(run.warnings()[0].find("gantry-decode"), std::string::npos);
}

}  // namespace

}  // namespace gantry::codec::untrusted_test
