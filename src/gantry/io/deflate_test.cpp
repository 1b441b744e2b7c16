// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/io/deflate.h"

#include <libdeflate.h>
#include <zlib.h>

#include "gantry/io/io_test_support.h"

namespace gantry::io::deflate_test {

namespace {

enum class Content { zeros, noise, text, ramp };

Bytes content_of(Content kind, std::size_t size) {
  Bytes bytes(size);
  const Random random(3);
  for (std::size_t n = 0; n < size; ++n) {
    const std::uint64_t bits = random.bits(n);
    const unsigned value = kind == Content::zeros   ? 0u
                           : kind == Content::noise ? static_cast<unsigned>(bits)
                           : kind == Content::text  ? static_cast<unsigned>("etaoin shrdlu"[bits % 13])
                                                    : static_cast<unsigned>(n / 7 + (bits & 3));
    bytes[n] = static_cast<std::byte>(value);
  }
  return bytes;
}

/// What zlib makes of the stream; it must end with the stream.
Bytes by_zlib(const Bytes& compressed, int window, std::size_t size) {
  Bytes out(size + 1);
  z_stream state{};
  inflateInit2(&state, window);
  state.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(compressed.data()));
  state.avail_in = static_cast<uInt>(compressed.size());
  state.next_out = reinterpret_cast<Bytef*>(out.data());
  state.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(::inflate(&state, Z_FINISH), Z_STREAM_END);
  EXPECT_EQ(state.avail_in, 0u);
  out.resize(state.total_out);
  inflateEnd(&state);
  return out;
}

TEST(Deflate, is_read_by_zlib_as_one_stream) {
  gantry::Run run;
  for (const Content kind : {Content::zeros, Content::noise, Content::text, Content::ramp}) {
    for (const std::size_t size : {0, 1, 1000, 524288, 524289, 1500000}) {
      SCOPED_TRACE(size);
      const Bytes body = content_of(kind, size);
      const Bytes head = content_of(Content::text, 352);
      Bytes both = head;
      both.insert(both.end(), body.begin(), body.end());
      EXPECT_EQ(by_zlib(deflate(head, body, Wrapper::gzip, run), 31, both.size()), both);
      EXPECT_EQ(by_zlib(deflate(head, body, Wrapper::zlib, run), 15, both.size()), both);
      EXPECT_EQ(by_zlib(deflate({}, body, Wrapper::raw, run), -15, body.size()), body);
    }
  }
}

TEST(Deflate, gives_the_same_bytes_for_any_number_of_threads) {
  const Bytes body = content_of(Content::ramp, 1500000);
  const Bytes one = deflate({}, body, Wrapper::gzip, gantry::Run(RunOptions{.threads = 1}));
  EXPECT_EQ(deflate({}, body, Wrapper::gzip, gantry::Run(RunOptions{.threads = 2})), one);
  EXPECT_EQ(deflate({}, body, Wrapper::gzip, gantry::Run(RunOptions{.threads = 5})), one);
}

TEST(Deflate, is_no_larger_than_zlib_at_level_6_but_for_its_block_borders) {
  for (const Content kind : {Content::zeros, Content::noise, Content::text, Content::ramp}) {
    const Bytes body = content_of(kind, 2000000);
    uLongf size = compressBound(body.size());
    Bytes reference(size);
    compress2(reinterpret_cast<Bytef*>(reference.data()), &size, reinterpret_cast<const Bytef*>(body.data()), body.size(), 6);
    const std::size_t blocks = body.size() / (std::size_t{512} << 10) + 1;
    EXPECT_LE(deflate({}, body, Wrapper::zlib, gantry::Run()).size(), size + 64 * blocks);
  }
}

TEST(Inflate, takes_any_part_of_what_deflate_wrote) {
  gantry::Run run;
  const Bytes body = content_of(Content::text, 700000);
  for (const Wrapper wrapper : {Wrapper::gzip, Wrapper::zlib, Wrapper::raw}) {
    const Bytes compressed = deflate({}, body, wrapper, run);
    for (const std::size_t skip : {0, 1, 352, 300000}) {
      for (const std::size_t count : {std::size_t{0}, std::size_t{1000}, body.size() - skip}) {
        Bytes out(count);
        inflate(compressed, wrapper, skip, out, run);
        EXPECT_TRUE(std::equal(out.begin(), out.end(), body.begin() + static_cast<std::ptrdiff_t>(skip)));
      }
    }
    EXPECT_EQ(inflate_head(compressed, wrapper, 100), Bytes(body.begin(), body.begin() + 100));
  }
}

TEST(Inflate, joins_the_members_of_a_gzip_file) {
  gantry::Run run;
  const Bytes body = content_of(Content::text, 500000);
  Bytes compressed;
  for (std::size_t at = 0; at < body.size(); at += 65280) {
    const auto part = std::span(body).subspan(at, std::min<std::size_t>(65280, body.size() - at));
    libdeflate_compressor* compressor = libdeflate_alloc_compressor(6);
    Bytes member(libdeflate_gzip_compress_bound(compressor, part.size()));
    member.resize(libdeflate_gzip_compress(compressor, part.data(), part.size(), member.data(), member.size()));
    libdeflate_free_compressor(compressor);
    compressed.insert(compressed.end(), member.begin(), member.end());
  }
  Bytes whole(body.size());
  inflate(compressed, Wrapper::gzip, 0, whole, run);
  EXPECT_EQ(whole, body);
  Bytes part(200000);  // the stream goes on behind: read piece by piece
  inflate(compressed, Wrapper::gzip, 100000, part, run);
  EXPECT_TRUE(std::equal(part.begin(), part.end(), body.begin() + 100000));
}

TEST(Inflate, ignores_an_index_that_lies) {
  gantry::Run run;
  const Bytes body = content_of(Content::text, 700000);
  const Bytes good = deflate({}, body, Wrapper::gzip, run);
  const Random random(11);
  for (std::uint64_t n = 0; n < 200; ++n) {
    Bytes bad = good;
    const std::size_t at = 10 + random.bits(2 * n) % 34;  // within the extra field
    bad[at] ^= static_cast<std::byte>(1 + random.bits(2 * n + 1) % 255);
    Bytes out(body.size());
    try {
      inflate(bad, Wrapper::gzip, 0, out, run);
      EXPECT_EQ(out, body);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::unreadable);
    }
  }
}

TEST(Inflate, bounds_what_a_bomb_may_produce) {
  gantry::Run run;
  const Bytes bomb = deflate({}, Bytes(std::size_t{64} << 20), Wrapper::gzip, run);
  Bytes out(1000);
  inflate(bomb, Wrapper::gzip, 0, out, run);
  EXPECT_EQ(out, Bytes(1000));
}

TEST(Inflate, never_reads_beyond_damaged_streams) {
  gantry::Run run;
  const Bytes body = content_of(Content::ramp, 40000);
  for (const Wrapper wrapper : {Wrapper::gzip, Wrapper::zlib, Wrapper::raw}) {
    const Bytes good = deflate({}, body, wrapper, run);
    const Random random(13);
    for (std::uint64_t n = 0; n < 300; ++n) {
      Bytes bad = good;
      bad[random.bits(3 * n) % bad.size()] ^= static_cast<std::byte>(1 + random.bits(3 * n + 1) % 255);
      if (n % 3 == 0) bad.resize(random.bits(3 * n + 2) % bad.size());
      Bytes out(body.size());
      try {
        inflate(bad, wrapper, 0, out, run);
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::unreadable);
      }
    }
  }
}

}  // namespace

}  // namespace gantry::io::deflate_test
