// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string_view>

#include "gantry/base/error.h"
#include "gantry/base/files.h"

namespace gantry {

/// Where `relative` lies among the real images of the tests (GANTRY_TEST_DATA; docs/test-data.md). Empty when it is not there, so that the
/// test skips; with GANTRY_REQUIRE_TEST_DATA=1 Error(not_found) instead, so that it fails.
inline Path test_data(const Path& relative = {}) {
  const char* root = std::getenv("GANTRY_TEST_DATA");
  const Path path = root && *root ? Path(root) / relative : Path();
  if (!path.empty() && std::filesystem::exists(path)) return path;
  const char* required = std::getenv("GANTRY_REQUIRE_TEST_DATA");
  if (required && std::string_view(required) == "1") {
    throw Error(ErrorCode::not_found, "test data: must be there with GANTRY_REQUIRE_TEST_DATA=1; missing '" + relative.string() + "'");
  }
  return {};
}

/// The error that `body` throws; a failure when it throws none.
template <class Body>
Error error_of(Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error was thrown";
  return Error(ErrorCode::internal, "none");
}

}  // namespace gantry
