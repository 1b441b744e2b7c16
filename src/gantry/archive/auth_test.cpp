// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/auth.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "gantry/archive/audit.h"
#include "gantry/base/test_support.h"
#include "gantry/base/text.h"

namespace gantry::archive::auth_test {
namespace {

const std::string password = "correct horse battery";

TEST(Accounts, make_a_random_password_once) {
  const TemporaryFolder folder;
  const Path file = folder.path() / "accounts.json";
  const Accounts first(file);
  ASSERT_TRUE(first.new_password());
  EXPECT_EQ(first.new_password()->size(), 20u);
  EXPECT_EQ(read_text(file).find(*first.new_password()), std::string::npos);
  struct ::stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  Accounts second(file);
  EXPECT_FALSE(second.new_password());
  EXPECT_EQ(second.check("admin", *first.new_password(), "127.0.0.1"), Accounts::Check::right);
  Accounts third(file, password);
  EXPECT_EQ(third.check("admin", *first.new_password(), "127.0.0.1"), Accounts::Check::wrong);
  EXPECT_EQ(third.check("admin", password, "127.0.0.1"), Accounts::Check::right);
}

TEST(Accounts, refuse_weak_passwords_and_damaged_files) {
  const TemporaryFolder folder;
  EXPECT_EQ(error_of([&] { Accounts(folder.path() / "a", "short"); }).code(), ErrorCode::parameter);
  write_atomic(folder.path() / "b", std::string_view("{\"users\": 3}"));
  EXPECT_EQ(error_of([&] { Accounts(folder.path() / "b"); }).code(), ErrorCode::unreadable);
}

TEST(Accounts, slow_down_who_guesses_and_nobody_else) {
  const TemporaryFolder folder;
  Accounts accounts(folder.path() / "accounts.json", password);
  for (int n = 0; n < 10; ++n) EXPECT_EQ(accounts.check("nobody", "guess", "127.0.0.1"), Accounts::Check::wrong);
  EXPECT_EQ(accounts.check("nobody", "guess", "127.0.0.1"), Accounts::Check::too_many);
  EXPECT_EQ(accounts.check("admin", password, "127.0.0.1"), Accounts::Check::right);
}

TEST(Accounts, end_sessions_with_a_new_password_but_keep_tokens) {
  const TemporaryFolder folder;
  Accounts accounts(folder.path() / "accounts.json", password);
  const std::string session = accounts.begin_session("admin");
  const auto [token, secret] = accounts.add_token("admin", "viewer");
  EXPECT_EQ(accounts.user_of_session(session), "admin");
  EXPECT_EQ(accounts.user_of_token(secret), "admin");
  EXPECT_EQ(error_of([&] { accounts.change_password("admin", "wrong wrong", "another good one", ""); }).code(), ErrorCode::not_permitted);
  accounts.change_password("admin", password, "another good one", "");
  EXPECT_EQ(accounts.user_of_session(session), std::nullopt);
  EXPECT_EQ(accounts.check("admin", password, ""), Accounts::Check::wrong);
  Accounts again(folder.path() / "accounts.json");
  EXPECT_EQ(again.user_of_token(secret), "admin");
  EXPECT_FALSE(again.remove_token("other", token.id));
  EXPECT_TRUE(again.remove_token("admin", token.id));
  EXPECT_EQ(again.user_of_token(secret), std::nullopt);
}

TEST(Accounts, of_further_users_come_and_go_with_their_sessions_and_tokens) {
  const TemporaryFolder folder;
  const Path file = folder.path() / "accounts.json";
  {
    Accounts accounts(file, "password of admin");
    accounts.add_user("dr.li", "first password");
    for (const char* name : {"", "Dr Li", "../x", "dr.li"}) EXPECT_THROW(accounts.add_user(name, "first password"), Error) << name;
    EXPECT_THROW(accounts.add_user("weak", "short"), Error);
    EXPECT_EQ(accounts.users(), (std::vector<std::string>{"admin", "dr.li"}));
  }
  Accounts accounts(file);
  EXPECT_EQ(accounts.check("dr.li", "first password", "a"), Accounts::Check::right);
  const std::string session = accounts.begin_session("dr.li");
  ASSERT_TRUE(accounts.reset_password("dr.li", "second password"));
  EXPECT_EQ(accounts.user_of_session(session), std::nullopt);
  EXPECT_EQ(accounts.check("dr.li", "first password", "a"), Accounts::Check::wrong);
  EXPECT_EQ(accounts.check("dr.li", "second password", "a"), Accounts::Check::right);
  const std::string token = accounts.add_token("dr.li", "script").second;
  EXPECT_EQ(accounts.user_of_token(token), "dr.li");
  ASSERT_TRUE(accounts.remove_user("dr.li"));
  EXPECT_EQ(accounts.user_of_token(token), std::nullopt);
  EXPECT_EQ(accounts.check("dr.li", "second password", "a"), Accounts::Check::wrong);
  EXPECT_FALSE(accounts.remove_user("dr.li"));
  EXPECT_FALSE(accounts.reset_password("dr.li", "third password"));
  EXPECT_THROW(accounts.remove_user("admin"), Error);
  EXPECT_THROW(accounts.reset_password("admin", "another password"), Error);
}

TEST(Passwords, are_hashed_with_their_own_salt) {
  const std::string a = hash_password(password), b = hash_password(password);
  EXPECT_NE(a, b);
  EXPECT_TRUE(password_matches(password, a));
  EXPECT_FALSE(password_matches(password + " ", a));
  for (const char* stored : {"", "scrypt", "scrypt$99$8$1$aa$bb", "scrypt$x$8$1$aa$bb", "plain$15$8$1$aa$bb"})
    EXPECT_FALSE(password_matches("", stored)) << stored;
}

TEST(Authentication, accepts_token_basic_and_cookie_and_refuses_the_rest) {
  const TemporaryFolder folder;
  Accounts accounts(folder.path() / "accounts.json", password);
  const std::string token = accounts.add_token("admin", "").second, session = accounts.begin_session("admin");
  const auto status = [&](const std::string& name, const std::string& value, const std::string& address = "127.0.0.1",
                          const std::string& origin = {}) {
    Request request;
    request.method = "POST";
    request.address = address;
    request.headers.add("host", "localhost:8080");
    if (!name.empty()) request.headers.add(name, value);
    if (!origin.empty()) request.headers.add("origin", origin);
    const auto refusal = authenticate(request, accounts);
    EXPECT_EQ(request.principal.user, refusal ? "" : "admin");
    return refusal ? refusal->status : 200;
  };
  EXPECT_EQ(status("", ""), 401);
  EXPECT_EQ(status("authorization", "Bearer " + token), 200);
  EXPECT_EQ(status("authorization", "bearer  " + token), 200);
  EXPECT_EQ(status("authorization", "Bearer " + token + "0"), 401);
  EXPECT_EQ(status("authorization", "Basic YWRtaW46Y29ycmVjdCBob3JzZSBiYXR0ZXJ5"), 200);
  EXPECT_EQ(status("authorization", "Basic YWRtaW46Y29ycmVjdCBob3JzZSBiYXR0ZXJ5", "192.0.2.1"), 403);
  EXPECT_EQ(status("authorization", "Basic YWRtaW46d3Jvbmc="), 401);
  for (const char* broken : {"Basic", "Basic ", "Basic ====", "Basic \xff\xff\xff\xff", "Digest x", "Bearer"})
    EXPECT_EQ(status("authorization", broken), 401) << broken;
  EXPECT_EQ(status("cookie", "a=b; gantry_session=" + session), 200);
  EXPECT_EQ(status("cookie", "gantry_session=" + session, "127.0.0.1", "http://localhost:8080"), 200);
  EXPECT_EQ(status("cookie", "gantry_session=" + session, "127.0.0.1", "http://evil.example"), 403);
  EXPECT_EQ(status("cookie", "gantry_session=" + std::string(64, '0')), 401);
}

TEST(Audit, finds_changed_missing_and_added_lines) {
  const TemporaryFolder folder;
  const Path file = folder.path() / "audit.log";
  {
    Audit audit(file);
    for (int n = 0; n < 3; ++n) audit.record("admin", "login", "ok", "", "127.0.0.1");
  }
  Audit(file).record("admin", "logout", "ok");
  const AuditVerification whole = Audit::verify(file);
  EXPECT_EQ(whole.problem, "");
  EXPECT_EQ(whole.lines, 4);
  const std::string text = read_text(file);
  const auto lines = split(text, '\n');
  const auto problem_of = [&](const std::string& changed) {
    write_atomic(file, std::string_view(changed));
    return Audit::verify(file).problem;
  };
  EXPECT_EQ(problem_of(text), "");
  EXPECT_NE(problem_of(replace_all(text, "logout", "log_in")), "");
  EXPECT_NE(problem_of(lines[0] + "\n" + lines[2] + "\n" + lines[3] + "\n"), "");
  EXPECT_NE(problem_of(lines[0] + "\n" + lines[0] + "\n"), "");
  EXPECT_NE(problem_of(text + "nonsense\n"), "");
  EXPECT_NE(problem_of(text.substr(0, text.size() - 1)), "");
}

TEST(Audit, goes_on_behind_a_line_that_a_crash_cut_off) {
  const TemporaryFolder folder;
  const Path file = folder.path() / "audit.log";
  Audit(file).record("admin", "login", "ok");
  write_atomic(file, read_text(file) + "{\"n\":2,\"ti");
  Audit(file).record("admin", "logout", "ok");
  const AuditVerification result = Audit::verify(file);
  EXPECT_EQ(result.problem, "");
  EXPECT_EQ(result.lines, 3);
  EXPECT_NE(read_text(file).find("recovered"), std::string::npos);
}

}  // namespace
}  // namespace gantry::archive::auth_test
