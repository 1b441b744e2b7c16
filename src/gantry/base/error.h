// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gantry {

/// What went wrong, in the terms that every surface shares. One table (`error_info`) maps each code to an exit status,
/// an HTTP status, a DIMSE status and a Python exception.
enum class ErrorCode {
  usage,          ///< the request itself is malformed: unknown command, missing argument
  parameter,      ///< a parameter's value breaks its rule
  not_found,      ///< a file, series or archive reference does not exist
  unreadable,     ///< the input exists but cannot be parsed or decoded
  refused,        ///< the input is readable but is refused, with the reason
  not_possible,   ///< the result is not possible for this input
  out_of_memory,  ///< the memory budget or the machine's memory is exhausted
  disk_full,      ///< the output cannot be written for lack of space
  time_limit,     ///< a time limit has passed
  peer,           ///< the other side of a connection failed
  not_permitted,  ///< the caller lacks the right
  cancelled,      ///< the caller asked to stop
  internal,       ///< a defect of Gantry itself
};

/// One row of the error table.
struct ErrorInfo {
  ErrorCode code;
  std::string_view id;      ///< snake_case name, stable in JSON
  int exit_status;          ///< of the command line
  int http_status;          ///< of the REST interface
  unsigned dimse_status;    ///< of a C-STORE or C-FIND response, PS3.7 annex C
  std::string_view python;  ///< exception class of the Python module
};

/// The row of `code`.
const ErrorInfo& error_info(ErrorCode code);

/// The one exception type of Gantry. The message reads "subject: rule; what was found"; `within` adds outer context
/// while the exception unwinds, so that `what()` reads from the outside in: "study x: series 3: rows: must be ...".
class Error : public std::exception {
 public:
  Error(ErrorCode code, std::string message);

  ErrorCode code() const noexcept { return code_; }
  /// The innermost message without its context.
  const std::string& message() const noexcept { return message_; }
  /// Context, outermost first.
  const std::vector<std::string>& context() const noexcept { return context_; }
  /// Adds an outer context and returns the error itself: `throw error.within("slice 12")`.
  Error& within(std::string outer);
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  ErrorCode code_;
  std::string message_;
  std::vector<std::string> context_;
  std::string text_;
};

/// Runs `body`; an Error that leaves it gains `context` as its outer context.
template <class Body>
decltype(auto) with_context(std::string_view context, Body&& body) {
  try {
    return std::forward<Body>(body)();
  } catch (Error& error) {
    error.within(std::string(context));
    throw;
  }
}

}  // namespace gantry
