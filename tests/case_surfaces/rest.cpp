// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <cmath>

#include "gantry/archive/http_test_support.h"
#include "gantry/archive/serve.h"
#include "gantry/catalogue/catalogue.h"
#include "surface.h"

namespace gantry::cases {

namespace {

const char* const login = "Authorization: Basic YWRtaW46dGVzdCBwYXNzd29yZA==\r\n";  // admin:test password

/// One server for all cases of the process.
int port_of_server() {
  static const TemporaryFolder folder;
  static const archive::Server server = [] {
    write_atomic(folder.path() / "password", std::string_view("test password\n"));
    archive::ServeOptions options;
    options.data = folder.path() / "data";
    options.admin_password_file = folder.path() / "password";
    options.http_port = 0;
    options.dicom_port = -1;
    return archive::Server(std::move(options), catalogue());
  }();
  return server.http_port();
}

/// The form of a run: parameters as JSON, those that JSON cannot say (nan) as fields of their own.
std::string form_of(const Step& step, const Operation& operation) {
  std::string body;
  const auto field = [&body](const std::string& name, const std::string& text) {
    body += fmt::format("--case\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n{}\r\n", name, text);
  };
  for (const auto& [port, reference] : step.inputs) field(port, reference);
  Json parameters = parameters_of(step, operation), formats = Json::object();
  for (const auto& [name, text] : step.parameters) {
    if (!parameters[name].is_number_float() || std::isfinite(parameters[name].get<double>())) continue;
    parameters.erase(name);
    field(name, text);
  }
  field("parameters", parameters.dump());
  for (const PortDescription& port : operation.info().outputs) formats[port.name] = exchange_ending(*port.type);
  field("formats", formats.dump());
  return body + "--case--\r\n";
}

}  // namespace

Outcome through_rest(const Step& step, const Operation& operation) {
  try {
    archive::TestClient client(port_of_server());
    const std::string headers = std::string(login) + "Content-Type: multipart/form-data; boundary=case\r\n";
    archive::Reply reply = client.ask("POST", "/api/v1/operations/" + step.operation + "/runs", headers, form_of(step, operation));
    Json job = reply.json();
    if (reply.status != 202) return {{}, job.at("error").at("message").get<std::string>()};
    const std::string address = "/api/v1/jobs/" + job.at("id").get<std::string>();
    job = client.ask("GET", address + "?wait=60", login).json();
    if (job.at("state") != "done")
      return {{}, job.at("error").is_null() ? "the job has not ended" : job.at("error").at("message").get<std::string>()};
    const TemporaryFolder folder;
    Outcome outcome;
    Run run;
    const auto fetch = [&](const std::string& name, const Path& file) {
      for (const Json& output : job.at("outputs")) {
        if (output.at("name") == name)
          write_atomic(file, std::string_view(client.ask("GET", output.at("href").get<std::string>(), login).body));
      }
      return std::filesystem::exists(file);
    };
    for (const PortDescription& port : operation.info().outputs) {
      const Path file = folder.path() / (port.name + exchange_ending(*port.type));
      if (port.type == &port_info<Labels>()) fetch(port.name + ".json", folder.path() / (port.name + ".json"));
      if (fetch(port.name, file)) outcome.outputs[port.name].push_back(Value(*port.type, port.type->read(file, run)));
    }
    client.ask("DELETE", address, login);
    return outcome;
  } catch (const Error& error) {
    return {{}, error.message()};
  }
}

}  // namespace gantry::cases
