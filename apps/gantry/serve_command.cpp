// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "command_line.h"
#include "commands.h"
#include "gantry/archive/audit.h"
#include "gantry/archive/serve.h"
#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/catalogue/catalogue.h"
#include "session.h"

namespace gantry::cli {

int serve(const Words& arguments) {
  CommandLine command("serve",
                      "Runs the server: archive, REST and DICOMweb interface, jobs. Answers on this machine only; ends on SIGTERM.");
  std::string configuration, data, http_port, dicom_port, password_file;
  bool document = false, analyze = false;
  command.option("--config", configuration, "Settings (TOML)", "FILE");
  command.option("--data", data, "Folder of the archive (default: $XDG_DATA_HOME/gantry)", "DIR");
  command.option("--http-port", http_port, "Port of HTTP (default 8080; 0 = any free one)", "N");
  command.option("--dicom-port", dicom_port, "Port of DICOM (default 11112; 0 = any free one, -1 = none)", "N");
  command.option("--admin-password-file", password_file, "File whose first line becomes admin's password", "FILE");
  command.flag("--analyze-on-arrival", analyze, "Analyse each study that arrives; its results join it");
  command.flag("--openapi", document, "Print the OpenAPI document and end");
  command.example("gantry serve --data /srv/gantry");
  Session session(command);
  if (!command.parse(arguments)) return 0;
  if (document) {
    print(archive::openapi_document(catalogue()));
    return 0;
  }
  archive::ServeOptions options;
  if (!configuration.empty()) archive::read_configuration(configuration, options);
  if (!data.empty()) options.data = data;
  if (!http_port.empty()) options.http_port = static_cast<int>(whole_number("http-port", http_port, 0, 65535));
  if (!dicom_port.empty()) options.dicom_port = static_cast<int>(whole_number("dicom-port", dicom_port, -1, 65535));
  if (!password_file.empty()) options.admin_password_file = password_file;
  if (analyze) options.analysis.on_arrival = true;
  archive::serve(options, catalogue());
  return 0;
}

int verify_audit(const Words& arguments) {
  CommandLine command("audit verify", "Checks that no line of a server's audit log was changed, removed or added.");
  std::string data;
  command.positional("DATA", data, "Folder of the server's data");
  command.example("gantry audit verify /srv/gantry");
  Session session(command);
  if (!command.parse(arguments)) return 0;
  const archive::AuditVerification result = archive::Audit::verify(Path(data) / "server/audit.log");
  if (session.json()) {
    print(Json{{"lines", result.lines}, {"last_hash", result.last_hash}, {"problem", result.problem}});
  } else if (result.problem.empty()) {
    print(fmt::format("{} lines, whole; last hash {}\n", result.lines, result.last_hash));
  }
  if (!result.problem.empty()) throw Error(ErrorCode::unreadable, "audit log: " + result.problem);
  return 0;
}

}  // namespace gantry::cli
