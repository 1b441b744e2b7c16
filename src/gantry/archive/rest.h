// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/archive/analyses.h"
#include "gantry/archive/archive.h"
#include "gantry/archive/audit.h"
#include "gantry/archive/auth.h"
#include "gantry/archive/http_router.h"
#include "gantry/archive/jobs.h"
#include "gantry/operation/catalogue.h"
#include "gantry/operation/sources.h"

namespace gantry::archive {

/// What the routes work with. The document of the routes needs the catalogue alone; handlers need the rest.
struct Services {
  const Catalogue* catalogue = nullptr;
  Accounts* accounts = nullptr;
  Audit* audit = nullptr;
  Jobs* jobs = nullptr;
  Archive* archive = nullptr;
  Analyses* analyses = nullptr;
  const ArrivalOptions* arrival = nullptr;
};

/// Login, logout, who asks, password, tokens, health: below /api/v1.
void add_account_routes(Router& router, const Services& services);
/// The list of operations, each operation's declaration, and one route a declared operation that runs it as a job. No code here knows any
/// operation.
void add_operation_routes(Router& router, const Services& services);
/// The main job on uploads or a study of the archive.
void add_analysis_route(Router& router, const Services& services);
/// The analyses of the archive's studies: the latest result of one, its files, and starting one.
void add_study_analysis_routes(Router& router, const Services& services);
/// The segmentations of a study as versions of annotations, with who made them and what each changed.
void add_annotation_routes(Router& router, const Services& services);
/// The rules for studies that arrive, and what they say of those that are there.
void add_arrival_routes(Router& router, const Services& services);
/// The trained models that are installed, with their cards.
void add_model_routes(Router& router);
/// State, cancellation and results of jobs.
void add_job_routes(Router& router, const Services& services);

/// A multipart form, or a JSON object of the same members: files go to `folder` under names of our own with the ending of what was sent.
struct Form {
  std::map<std::string, std::vector<std::string>> texts;
  std::map<std::string, std::vector<Path>> files;
};
/// Reads the body of a request. Error(usage) for what is malformed, more than 1 MiB of text, or more than 10,000 files.
Form read_form(Request& request, const Path& folder);
/// JSON out of a request: Error(usage) where it is malformed.
Json json_of_request(std::string_view text, std::string_view name = "body");

/// `profile` and `language` of a request for an analysis, checked.
AnalysisOrder order_of(const Form& form);
/// A file that may show what somebody else's files say, or the range of it that is asked for: it gets no rights of this server's pages.
Response foreign_file(const Request& request, const Path& file);

/// Where inputs may come from: `phantom:NAME` and `archive:STUDY[/SERIES[/INSTANCE]]`, never a path.
Sources remote_sources(Archive* archive);
/// The files behind `STUDY[/SERIES[/INSTANCE]]`, linked into `folder`. Error(not_found).
void link_archived(const Archive& archive, const std::string& reference, const Path& folder);

/// Members of the OpenAPI operations: a JSON body and an answer with a schema (or a reference by name to the document's components).
Json json_body(const Json& schema);
Json json_answer(std::string_view description, const Json& schema);
Json schema_reference(std::string_view name);

}  // namespace gantry::archive
