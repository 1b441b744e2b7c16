// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/archive/http.h"

namespace gantry::archive {

/// The regular file at `relative` below `folder`, links followed; nullopt when there is none or it lies outside.
std::optional<Path> file_inside(const Path& folder, const std::string& relative);

/// A file of a packaged web application below `folder`; for a path that names none, `index.html`, since the application has addresses of
/// its own. Symbolic links out of the folder are not followed. Error(not_found).
Response static_file(const Request& request, const Path& folder, const std::string& relative);

/// The page at `/` where no console is installed.
Response front_page();

/// Lets the scripts of this page or worker make functions out of text, still of this host alone: the packaged viewer's array library and
/// its decoders do, and draw no masks and no compressed images without. Before `add_page_headers`.
Response& allow_evaluation(Response& response);

/// Headers that every page of this server carries: nothing is loaded from other hosts, no other site may frame it.
void add_page_headers(Response& response);

}  // namespace gantry::archive
