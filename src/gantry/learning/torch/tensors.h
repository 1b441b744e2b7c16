// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <torch/torch.h>

#include <string>
#include <string_view>

#include "gantry/bundle/safetensors.h"

namespace gantry::learning {

/// The values as a float32 tensor of LibTorch; a copy. Throws Error(parameter) when count and shape disagree.
torch::Tensor to_torch(const bundle::Tensor& tensor);
/// The values of a LibTorch tensor of any type and layout as float32; a copy.
bundle::Tensor from_torch(const torch::Tensor& tensor);

/// Runs `body` with `threads` threads of LibTorch in the calling thread; what LibTorch throws leaves as Error(not_possible), or
/// Error(out_of_memory), with `subject` and LibTorch's first line.
template <class Body>
auto with_torch(std::string_view subject, int threads, Body&& body) -> decltype(body());

/// Sets the number of threads that LibTorch, OpenMP and OpenBLAS use for calls from this thread.
void use_threads(int threads);
/// Throws the Error that stands for an exception of LibTorch.
[[noreturn]] void rethrow_torch(std::string_view subject, const std::string& what);

template <class Body>
auto with_torch(std::string_view subject, int threads, Body&& body) -> decltype(body()) {
  use_threads(threads);
  try {
    return body();
  } catch (const c10::Error& error) {
    rethrow_torch(subject, error.what_without_backtrace());
  }
}

}  // namespace gantry::learning
