// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>
#include <vector>

#include "gantry/operation/operation.h"

namespace gantry::cli {

using Words = std::vector<std::string>;

/// A command that is no operation.
struct Verb {
  std::string name;  ///< one word, or two: "simulation digital-patient"
  std::string summary;
  int (*run)(const Words& arguments);
};
/// All of them, in the order of the help.
const std::vector<Verb>& verbs();

/// One operation, as its declaration says.
int run_operation(const Operation& operation, const Words& arguments);
/// Option names of an operation's command, for completion.
Words operation_options(const Operation& operation);

int run_pipeline(const Words& arguments);
int list_operations(const Words& arguments);
int print_version(const Words& arguments);
int print_completion(const Words& arguments);
int info(const Words& arguments);
int convert(const Words& arguments);
int analyze(const Words& arguments);
int cohort_run(const Words& arguments);
int digital_patient(const Words& arguments);
int train(const Words& arguments);
int evaluate(const Words& arguments);
int bundle_card(const Words& arguments);
int bundle_info(const Words& arguments);
int bundle_verify(const Words& arguments);
int predict(const Words& arguments);
int bundle_import(const Words& arguments);
int serve(const Words& arguments);
int verify_audit(const Words& arguments);
int dicom_echo(const Words& arguments);
int dicom_store(const Words& arguments);
int dicom_find(const Words& arguments);
int dicom_move(const Words& arguments);
int dicom_get(const Words& arguments);
int archive_import(const Words& arguments);
int archive_export(const Words& arguments);
int archive_verify(const Words& arguments);
int archive_reindex(const Words& arguments);
int archive_stats(const Words& arguments);

}  // namespace gantry::cli
