// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/torch/tensors.h"

#include <fmt/format.h>

#include <dlfcn.h>

#include "gantry/base/error.h"

namespace gantry::learning {

torch::Tensor to_torch(const bundle::Tensor& tensor) {
  std::int64_t count = 1;
  for (const std::int64_t size : tensor.shape) count *= size;
  if (count != static_cast<std::int64_t>(tensor.values.size()))
    throw Error(ErrorCode::parameter, fmt::format("tensor: must hold as many values as its shape; got {}", tensor.values.size()));
  torch::Tensor result = torch::empty(tensor.shape, torch::kFloat32);
  std::copy(tensor.values.begin(), tensor.values.end(), result.data_ptr<float>());
  return result;
}

bundle::Tensor from_torch(const torch::Tensor& tensor) {
  const torch::Tensor flat = tensor.detach().to(torch::kCPU, torch::kFloat32).contiguous();
  const float* values = flat.data_ptr<float>();
  return {flat.sizes().vec(), std::vector<float>(values, values + flat.numel())};
}

void use_threads(int threads) {
  at::set_num_threads(threads);
  using Set = void(int);
  // OpenBLAS has a pool of its own, which LibTorch does not set. Its products decide nothing by themselves; one thread keeps their bits.
  static auto* const set_blas = [] {
    void* library = ::dlopen("libblas.so.3", RTLD_LAZY | RTLD_NOLOAD);
    return library ? reinterpret_cast<Set*>(::dlsym(library, "openblas_set_num_threads")) : nullptr;
  }();
  if (set_blas) set_blas(1);
}

void rethrow_torch(std::string_view subject, const std::string& what) {
  const std::string first = what.substr(0, what.find('\n'));
  const bool memory = first.find("memory") != std::string::npos && first.find("alloc") != std::string::npos;
  throw Error(memory ? ErrorCode::out_of_memory : ErrorCode::not_possible, fmt::format("{}: {}", subject, first));
}

}  // namespace gantry::learning
