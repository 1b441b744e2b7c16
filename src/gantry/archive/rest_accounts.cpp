// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/rest.h"
#include "gantry/base/text.h"
#include "gantry/base/version.h"

namespace gantry::archive {

namespace {

constexpr std::size_t most_body = 8192;

/// A member of a JSON object that must be text.
std::string text_member(const Json& json, const char* name, std::size_t most = 1000) {
  if (!json.is_object() || !json.contains(name) || !json[name].is_string())
    throw Error(ErrorCode::usage, fmt::format("{}: is needed, as text", name));
  std::string text = json[name].get<std::string>();
  if (text.size() > most) throw Error(ErrorCode::usage, fmt::format("{}: must have at most {} bytes; got {}", name, most, text.size()));
  return text;
}

Json body_of(Request& request) { return json_of_request(read_all(*request.body, most_body)); }

std::string session_cookie(const std::string& secret, const char* more = "") {
  return fmt::format("gantry_session={}; Path=/; HttpOnly; SameSite=Strict{}", secret, more);
}

Json token_json(const Accounts::Token& token) { return {{"id", token.id}, {"label", token.label}, {"created", token.created}}; }

Json text_schema(std::string_view words) { return {{"type", "string"}, {"description", words}}; }

Json object_schema(const Json& properties, const Json& required) {
  return {{"type", "object"}, {"properties", properties}, {"required", required}};
}

Json nothing(std::string_view words) { return {{"description", words}}; }

Response log_in(Request& request, const Services& services) {
  const Json body = body_of(request);
  const std::string user = text_member(body, "user", 100), password = text_member(body, "password");
  switch (services.accounts->check(user, password, request.address)) {
    case Accounts::Check::right: {
      services.audit->record(user, "login", "ok", "", request.address);
      Response response = json_response({{"user", user}});
      return response.header("Set-Cookie", session_cookie(services.accounts->begin_session(user))).header("Cache-Control", "no-store");
    }
    case Accounts::Check::too_many: {
      Response response = error_response(429, "not_permitted", "login: too many tries; wait a minute");
      return response.header("Retry-After", "60");
    }
    default:
      // A wrong user name may be a password typed into the wrong field: it is not written down.
      services.audit->record("", "login", "not_permitted", "", request.address);
      return error_response(401, "not_permitted", "login: user or password is not right");
  }
}

Response change_password(Request& request, const Services& services) {
  const Json body = body_of(request);
  const std::string user = request.principal.user;
  services.accounts->change_password(user, text_member(body, "password"), text_member(body, "new_password", 2000), request.address);
  services.audit->record(user, "change_password", "ok", "", request.address);
  Response response{.status = 204};
  if (request.principal.by_cookie) response.header("Set-Cookie", session_cookie(services.accounts->begin_session(user)));
  return response;
}

Response add_token(Request& request, const Services& services) {
  const auto [token, secret] = services.accounts->add_token(request.principal.user, text_member(body_of(request), "label", 100));
  services.audit->record(request.principal.user, "add_token", "ok", token.id, request.address);
  Json json = token_json(token);
  json["token"] = secret;
  Response response = json_response(json, 201);
  return response.header("Cache-Control", "no-store");
}

void require_administrator(const Request& request) {
  if (request.principal.user != Accounts::administrator)
    throw Error(ErrorCode::not_permitted, fmt::format("users: only {} manages them", Accounts::administrator));
}

/// The routes with which the administrator manages the users.
void add_user_routes(Router& router, const Services& services) {
  const Json password = {{"type", "string"}, {"format", "password"}, {"minLength", 8}};
  const Json name = {{"type", "string"}, {"pattern", "^[a-z0-9._-]{1,64}$"}};
  router.add({"GET",
              "/api/v1/users",
              "Lists the users (administrator only)",
              [services](Request& request) {
                require_administrator(request);
                return json_response({{"users", services.accounts->users()}});
              },
              false,
              {{"responses",
                {{"200", json_answer("Their names", object_schema({{"users", {{"type", "array"}, {"items", name}}}}, {"users"}))}}}}});
  router.add({"POST",
              "/api/v1/users",
              "Adds a user (administrator only)",
              [services](Request& request) {
                require_administrator(request);
                const Json body = body_of(request);
                const std::string user = text_member(body, "user", 100);
                services.accounts->add_user(user, text_member(body, "password", 2000));
                services.audit->record(request.principal.user, "add_user", "ok", user, request.address);
                return json_response({{"user", user}}, 201);
              },
              false,
              {{"requestBody", json_body(object_schema({{"user", name}, {"password", password}}, {"user", "password"}))},
               {"responses", {{"201", json_answer("Added", object_schema({{"user", name}}, {"user"}))}}}}});
  router.add(
      {"POST",
       "/api/v1/users/{user}/password",
       "Sets another user's password and ends the sessions (administrator only)",
       [services](Request& request) {
         require_administrator(request);
         const std::string user = request.captures["user"];
         if (!services.accounts->reset_password(user, text_member(body_of(request), "password", 2000)))
           throw Error(ErrorCode::not_found, "user: there is none of this name");
         services.audit->record(request.principal.user, "reset_password", "ok", user, request.address);
         return Response{.status = 204};
       },
       false,
       {{"requestBody", json_body(object_schema({{"password", password}}, {"password"}))}, {"responses", {{"204", nothing("Set")}}}}});
  router.add({"DELETE",
              "/api/v1/users/{user}",
              "Removes a user with sessions and tokens (administrator only)",
              [services](Request& request) {
                require_administrator(request);
                const std::string user = request.captures["user"];
                if (!services.accounts->remove_user(user)) throw Error(ErrorCode::not_found, "user: there is none of this name");
                services.audit->record(request.principal.user, "remove_user", "ok", user, request.address);
                return Response{.status = 204};
              },
              false,
              {{"responses", {{"204", nothing("Removed")}}}}});
}

}  // namespace

void add_account_routes(Router& router, const Services& services) {
  add_user_routes(router, services);
  const Json user = object_schema({{"user", text_schema("Name of the user")}}, {"user"});
  const Json token =
      object_schema({{"id", text_schema("Identifier")}, {"label", text_schema("What it is for")}, {"created", text_schema("UTC")}},
                    {"id", "label", "created"});

  router.add({"GET",
              "/api/v1/health",
              "Says that the server runs",
              [](Request&) {
                return json_response({{"status", "ok"}, {"gantry_version", version()}});
              },
              true,
              {{"responses",
                {{"200", json_answer("It runs", object_schema({{"status", text_schema("ok")}, {"gantry_version", text_schema("Version")}},
                                                              {"status", "gantry_version"}))}}}}});
  router.add({"POST",
              "/api/v1/login",
              "Begins a session: sets the cookie gantry_session",
              [services](Request& request) { return log_in(request, services); },
              true,
              {{"requestBody", json_body(object_schema(
                                   {{"user", text_schema("Name of the user")}, {"password", {{"type", "string"}, {"format", "password"}}}},
                                   {"user", "password"}))},
               {"responses", {{"200", json_answer("Logged in", user)}}}}});
  router.add({"POST",
              "/api/v1/logout",
              "Ends the session",
              [services](Request& request) {
                services.accounts->end_session(cookie_of(request, "gantry_session"));
                services.audit->record(request.principal.user, "logout", "ok", "", request.address);
                Response response{.status = 204};
                return response.header("Set-Cookie", session_cookie("", "; Max-Age=0"));
              },
              false,
              {{"responses", {{"204", nothing("Logged out")}}}}});
  router.add({"GET",
              "/api/v1/session",
              "Says who asks",
              [](Request& request) {
                return json_response({{"user", request.principal.user}});
              },
              false,
              {{"responses", {{"200", json_answer("The user", user)}}}}});
  router.add({"POST",
              "/api/v1/password",
              "Changes the password and ends the user's sessions",
              [services](Request& request) { return change_password(request, services); },
              false,
              {{"requestBody", json_body(object_schema(
                                   {{"password", text_schema("The former one")}, {"new_password", {{"type", "string"}, {"minLength", 8}}}},
                                   {"password", "new_password"}))},
               {"responses", {{"204", nothing("Changed")}}}}});
  router.add({"GET",
              "/api/v1/tokens",
              "Lists the user's tokens",
              [services](Request& request) {
                Json all = Json::array();
                for (const auto& owned : services.accounts->tokens(request.principal.user)) all.push_back(token_json(owned));
                return json_response({{"tokens", all}});
              },
              false,
              {{"responses",
                {{"200", json_answer("The tokens", object_schema({{"tokens", {{"type", "array"}, {"items", token}}}}, {"tokens"}))}}}}});
  router.add(
      {"POST",
       "/api/v1/tokens",
       "Makes a token for programs; its secret is shown this once",
       [services](Request& request) { return add_token(request, services); },
       false,
       {{"requestBody", json_body(object_schema({{"label", {{"type", "string"}, {"maxLength", 100}}}}, {"label"}))},
        {"responses",
         {{"201",
           json_answer(
               "The token and its secret",
               {{"allOf", {token, object_schema({{"token", text_schema("For the Authorization header: Bearer ...")}}, {"token"})}}})}}}}});
  router.add({"DELETE",
              "/api/v1/tokens/{id}",
              "Withdraws a token",
              [services](Request& request) {
                const std::string id = request.captures["id"];
                if (!services.accounts->remove_token(request.principal.user, id))
                  throw Error(ErrorCode::not_found, "token: there is none of this id");
                services.audit->record(request.principal.user, "remove_token", "ok", id, request.address);
                return Response{.status = 204};
              },
              false,
              {{"responses", {{"204", nothing("Withdrawn")}}}}});
}

}  // namespace gantry::archive
