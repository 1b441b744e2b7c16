// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gantry/archive/http.h"

namespace gantry::archive {

/// `bytes` random bytes of the operating system's strong source, as hexadecimal digits.
std::string random_hex(std::size_t bytes);

/// What is stored instead of a password: "scrypt$log2 N$r$p$salt$key" (RFC 7914; 32 MiB and about 80 ms a check).
std::string hash_password(std::string_view password);
/// Whether the password is the one that was hashed; takes the same time either way.
bool password_matches(std::string_view password, std::string_view stored);

/// The users with their passwords, sessions and tokens. Passwords and tokens lie, hashed, in one file of mode 0600; sessions live in memory
/// and end with the process. Thread-safe.
class Accounts {
 public:
  /// Opens the file. When it is missing, the user `admin` is made with `admin_password` or, without one, a random password. A given
  /// `admin_password` replaces the one stored. Error(parameter) for a password of fewer than 8 or more than 1000 bytes, Error(unreadable)
  /// for a file that is none of ours.
  explicit Accounts(Path file, std::optional<std::string> admin_password = {});

  /// The random password, when one was made just now: to be shown once.
  const std::optional<std::string>& new_password() const { return new_password_; }

  /// The outcome of a try to log in.
  enum class Check { right, wrong, too_many };
  /// Checks a password. Ten wrong ones for a user from an address within a minute make further tries fail without a look. What was
  /// right is remembered for ten minutes (as a keyed hash, in memory), so that HTTP Basic costs the slow hash only once.
  Check check(const std::string& user, const std::string& password, const std::string& address);
  /// Ends the user's other sessions; tokens stay. Error(not_permitted) when `former` is wrong, Error(parameter) as the constructor.
  void change_password(const std::string& user, const std::string& former, const std::string& password, const std::string& address);

  /// The name of the user who manages the others.
  static constexpr std::string_view administrator = "admin";
  std::vector<std::string> users() const;
  /// Error(parameter) for a weak password or a name that is not made of 1 to 64 of `a-z 0-9 . _ -`, Error(refused) for a name that is taken
  /// or beyond 1000 users.
  void add_user(const std::string& user, const std::string& password);
  /// A new password without the former one, by the administrator for somebody else; ends the user's sessions. False when there is no such
  /// user; Error(refused) for the administrator's own.
  bool reset_password(const std::string& user, const std::string& password);
  /// Removes a user with sessions and tokens. False when there is none; Error(refused) for the administrator.
  bool remove_user(const std::string& user);

  /// A new session; its secret is the cookie's value. It ends after 12 hours without use.
  std::string begin_session(const std::string& user);
  void end_session(const std::string& secret);
  std::optional<std::string> user_of_session(const std::string& secret);

  /// What is shown of a token.
  struct Token {
    std::string id, user, label, created;
  };
  /// A new token for programs and its secret, which is not kept. Error(refused) beyond 100 a user.
  std::pair<Token, std::string> add_token(const std::string& user, const std::string& label);
  std::vector<Token> tokens(const std::string& user) const;
  /// False when the user has no such token.
  bool remove_token(const std::string& user, const std::string& id);
  std::optional<std::string> user_of_token(const std::string& secret) const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Stored {
    Token token;
    std::string secret_hash;
  };
  struct Session {
    std::string user;
    Clock::time_point ends;
  };
  struct Failures {
    int count = 0;
    Clock::time_point since;
  };
  void store() const;
  /// Forgets what lets the user in without the password.
  void end_sessions_of(const std::string& user);
  std::string memory_key(const std::string& user, const std::string& password) const;

  Path file_;
  std::optional<std::string> new_password_;
  std::string memory_secret_;
  mutable std::mutex mutex_;
  std::mutex slow_;  ///< one slow hash at a time bounds memory and load
  std::map<std::string, std::string> passwords_;
  std::map<std::string, Stored> tokens_;     ///< by id
  std::map<std::string, Session> sessions_;  ///< by SHA-256 of the secret
  std::map<std::string, Clock::time_point> remembered_;
  std::map<std::string, Failures> failures_;
};

/// Finds out who asks: `Authorization: Bearer` with a token, HTTP Basic (from this machine only), or the cookie `gantry_session`, for which
/// a request that changes something must come from a page of this server (Origin, Sec-Fetch-Site). Returns the refusal: 401, 403 or 429.
std::optional<Response> authenticate(Request& request, Accounts& accounts);
/// The value of a cookie of the request; empty when there is none.
std::string cookie_of(const Request& request, std::string_view name);

}  // namespace gantry::archive
