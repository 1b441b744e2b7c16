// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/base/error.h"

#include <array>

namespace gantry {

namespace {

constexpr std::array error_table{
    ErrorInfo{ErrorCode::usage, "usage", 2, 400, 0x0110, "UsageError"},
    ErrorInfo{ErrorCode::parameter, "parameter", 2, 422, 0x0115, "ParameterError"},
    ErrorInfo{ErrorCode::not_found, "not_found", 3, 404, 0x0112, "NotFoundError"},
    ErrorInfo{ErrorCode::unreadable, "unreadable", 3, 415, 0xC000, "UnreadableError"},
    ErrorInfo{ErrorCode::refused, "refused", 3, 409, 0x0124, "RefusedError"},
    ErrorInfo{ErrorCode::not_possible, "not_possible", 4, 422, 0xA900, "NotPossibleError"},
    ErrorInfo{ErrorCode::out_of_memory, "out_of_memory", 5, 507, 0xA700, "OutOfMemoryError"},
    ErrorInfo{ErrorCode::disk_full, "disk_full", 5, 507, 0xA700, "DiskFullError"},
    ErrorInfo{ErrorCode::time_limit, "time_limit", 5, 504, 0xA702, "TimeLimitError"},
    ErrorInfo{ErrorCode::peer, "peer", 6, 502, 0x0122, "PeerError"},
    ErrorInfo{ErrorCode::not_permitted, "not_permitted", 7, 403, 0x0124, "NotPermittedError"},
    ErrorInfo{ErrorCode::cancelled, "cancelled", 130, 499, 0xFE00, "CancelledError"},
    ErrorInfo{ErrorCode::internal, "internal", 70, 500, 0x0110, "InternalError"},
};

}  // namespace

const ErrorInfo& error_info(ErrorCode code) { return error_table[static_cast<std::size_t>(code)]; }

Error::Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)), text_(message_) {}

Error& Error::within(std::string outer) {
  text_ = outer + ": " + text_;
  context_.insert(context_.begin(), std::move(outer));
  return *this;
}

}  // namespace gantry
