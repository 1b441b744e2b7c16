// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/models.h"
#include "gantry/archive/rest.h"
#include "gantry/base/text.h"

namespace gantry::archive {

void add_model_routes(Router& router) {
  const auto models = std::make_shared<Models>(find_resource("models"), find_resource("profiles"));
  router.add({"GET",
              "/api/v1/models",
              "Lists the trained models that are installed",
              [models](Request&) {
                return json_response({{"models", models->list()}});
              },
              false,
              {{"responses",
                {{"200", json_answer("The models by name",
                                     {{"type", "object"},
                                      {"properties", {{"models", {{"type", "array"}, {"items", schema_reference("Model")}}}}},
                                      {"required", {"models"}}})}}}}});
  const Json card = {
      {"type", "object"},
      {"properties",
       {{"card", {{"type", "string"}, {"description", "The model card, in Markdown"}}},
        {"files", {{"type", "object"}, {"description", "Size and SHA-256 of each file"}, {"additionalProperties", {{"type", "object"}}}}}}},
      {"required", {"card", "files"}}};
  router.add({"GET",
              "/api/v1/models/{name}",
              "Describes a trained model: its card, figures and files",
              [models](Request& request) { return json_response(models->find(request.captures["name"])); },
              false,
              {{"responses",
                {{"200", json_answer("The model", {{"allOf", {schema_reference("Model"), card}}})},
                 {"404", json_answer("There is none of this name", schema_reference("Error"))}}}}});
}

}  // namespace gantry::archive
