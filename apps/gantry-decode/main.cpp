// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
/// The worker behind codec::decode_untrusted: decodes one frame after the other inside a sandbox until its socket closes. It is started by
/// Gantry alone, with a socket as descriptor 3 and shared memory as descriptor 4.
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <exception>
#include <new>

#include "gantry/base/error.h"
#include "gantry/codec/decoders.h"
#include "gantry/codec/worker_protocol.h"
#include "sandbox.h"

namespace {

using namespace gantry::codec;

/// One whole packet; false at the end of the connection.
bool receive(void* packet, std::size_t size) {
  for (;;) {
    const ssize_t count = ::read(worker::socket_descriptor, packet, size);
    if (count < 0 && errno == EINTR) continue;
    return count == static_cast<ssize_t>(size);
  }
}

bool send(const void* packet, std::size_t size) { return ::write(worker::socket_descriptor, packet, size) == static_cast<ssize_t>(size); }

/// The shared memory, mapped anew whenever it has grown.
class SharedMemory {
 public:
  std::byte* map(std::size_t size) {
    if (size == size_) return data_;
    if (data_) ::munmap(data_, size_);
    void* address = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, worker::memory_descriptor, 0);
    data_ = address == MAP_FAILED ? nullptr : static_cast<std::byte*>(address);
    size_ = data_ ? size : 0;
    return data_;
  }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

void answer(const worker::Request& request, std::byte* memory, worker::Reply& reply) {
  try {
    if (!memory) throw std::bad_alloc();
    if (request.input_size > request.output_offset || request.output_offset + request.output_size > request.memory_size)
      throw gantry::Error(gantry::ErrorCode::internal, "the request contradicts itself");
    const Frame frame = decode(request.transfer_syntax.view(), {memory, request.input_size}, request.declared.format());
    if (frame.pixels.size() != request.output_size) throw gantry::Error(gantry::ErrorCode::unreadable, "the frame has an unexpected size");
    std::memcpy(memory + request.output_offset, frame.pixels.data(), frame.pixels.size());
    reply.pixel_bytes = frame.pixels.size();
    reply.format.set(frame.format);
    reply.decoded = 1;
  } catch (const gantry::Error& error) {
    reply.message.set(error.what());
  } catch (const std::bad_alloc&) {
    reply.message.set("the decoder needs more memory than it may have");
  } catch (const std::exception& error) {
    reply.message.set(error.what());
  }
}

}  // namespace

int main(int argument_count, char** arguments) {
  const unsigned long long memory_bytes = argument_count == 2 ? std::strtoull(arguments[1], nullptr, 10) : 0;
  if (memory_bytes == 0) return 2;
  prepare_decoders();
  worker::Hello hello{worker::protocol, 0};
  hello.sandboxed = enter_sandbox(memory_bytes) ? 1 : 0;
  if (!send(&hello, sizeof(hello))) return 2;
  SharedMemory memory;
  worker::Request request{};
  while (receive(&request, sizeof(request))) {
    worker::Reply reply{};
    answer(request, memory.map(request.memory_size), reply);
    if (!send(&reply, sizeof(reply))) return 1;
  }
  return 0;
}
