// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/auth.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/stat.h>

#include "gantry/base/clock.h"
#include "gantry/base/hash.h"
#include "gantry/base/text.h"

namespace gantry::archive {

namespace {

constexpr int scrypt_log_n = 15, scrypt_r = 8, scrypt_p = 1;
constexpr std::size_t most_sessions = 10000, most_tokens = 100, most_remembered = 1000, most_users = 1000;
constexpr int most_failures = 10;

std::string hex_of(std::span<const unsigned char> bytes) {
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

std::string scrypt(std::string_view password, std::string_view salt, int log_n, int r, int p) {
  std::array<unsigned char, 32> key{};
  if (EVP_PBE_scrypt(password.data(), password.size(), reinterpret_cast<const unsigned char*>(salt.data()), salt.size(),
                     std::uint64_t{1} << log_n, static_cast<std::uint64_t>(r), static_cast<std::uint64_t>(p), std::uint64_t{1} << 28,
                     key.data(), key.size()) != 1) {
    throw Error(ErrorCode::internal, "password: cannot be hashed");
  }
  return hex_of(key);
}

bool same(std::string_view a, std::string_view b) { return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0; }

void check_strength(const std::string& password) {
  if (!(password.size() >= 8 && password.size() <= 1000))
    throw Error(ErrorCode::parameter, fmt::format("password: must have 8 to 1000 bytes; got {}", password.size()));
  if (!is_utf8(password)) throw Error(ErrorCode::parameter, "password: must be UTF-8");
}

/// "user:password" of HTTP Basic; nullopt when it is malformed.
std::optional<std::pair<std::string, std::string>> basic_credentials(std::string_view base64) {
  if (base64.size() > 4096 || base64.size() % 4 != 0 || base64.empty()) return std::nullopt;
  std::string text(base64.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(text.data()), reinterpret_cast<const unsigned char*>(base64.data()),
                                   static_cast<int>(base64.size()));
  if (size < 0) return std::nullopt;
  text.resize(static_cast<std::size_t>(size) - (base64.ends_with("==") ? 2 : base64.ends_with("=") ? 1 : 0));
  const auto colon = text.find(':');
  if (colon == std::string::npos) return std::nullopt;
  return std::pair(text.substr(0, colon), text.substr(colon + 1));
}

bool is_loopback(std::string_view address) { return address.starts_with("127.") || address == "::1" || address.starts_with("::ffff:127."); }

/// Whether a page of another site may have made the browser send this.
bool is_foreign(const Request& request) {
  if (request.method == "GET" || request.method == "HEAD" || request.method == "OPTIONS") return false;
  const std::string site = request.headers.find("sec-fetch-site").value_or("same-origin");
  if (site != "same-origin" && site != "none") return true;
  const auto origin = request.headers.find("origin");
  const std::string host = request.headers.find("host").value_or("");
  return origin && *origin != "http://" + host && *origin != "https://" + host;
}

}  // namespace

std::string random_hex(std::size_t bytes) {
  std::vector<unsigned char> values(bytes);
  if (RAND_bytes(values.data(), static_cast<int>(bytes)) != 1) throw Error(ErrorCode::internal, "random numbers: the system has none");
  return hex_of(values);
}

std::string hash_password(std::string_view password) {
  const std::string salt = random_hex(16);
  return fmt::format("scrypt${}${}${}${}${}", scrypt_log_n, scrypt_r, scrypt_p, salt,
                     scrypt(password, salt, scrypt_log_n, scrypt_r, scrypt_p));
}

bool password_matches(std::string_view password, std::string_view stored) {
  const auto parts = split(stored, '$');
  if (parts.size() != 6 || parts[0] != "scrypt") return false;
  std::array<int, 3> cost{};
  for (std::size_t n = 0; n < cost.size(); ++n) {
    const auto value = parse_integer(parts[n + 1]);
    if (!value || !(*value >= 1 && *value <= 20)) return false;
    cost[n] = static_cast<int>(*value);
  }
  return same(scrypt(password, parts[4], cost[0], cost[1], cost[2]), parts[5]);
}

Accounts::Accounts(Path file, std::optional<std::string> admin_password) : file_(std::move(file)), memory_secret_(random_hex(32)) {
  std::error_code failure;
  if (std::filesystem::exists(file_, failure)) {
    try {
      const Json json = parse_json(read_text(file_, 1 << 24));
      for (const auto& [user, entry] : json.at("users").items()) passwords_[user] = entry.at("password").get<std::string>();
      for (const auto& [id, entry] : json.at("tokens").items()) {
        tokens_[id] = {{id, entry.at("user"), entry.at("label"), entry.at("created")}, entry.at("sha256")};
      }
    } catch (const Json::exception&) {
      throw Error(ErrorCode::unreadable, "accounts: the file is damaged; remove it to begin with a new password");
    }
  }
  if (admin_password) {
    check_strength(*admin_password);
    if (passwords_.contains("admin") && password_matches(*admin_password, passwords_["admin"])) return;
  } else if (!passwords_.contains("admin")) {
    admin_password = new_password_ = random_hex(10);
  } else {
    return;
  }
  passwords_["admin"] = hash_password(*admin_password);
  store();
}

void Accounts::store() const {
  Json users = Json::object(), tokens = Json::object();
  for (const auto& [user, password] : passwords_) users[user] = {{"password", password}};
  for (const auto& [id, stored] : tokens_) {
    tokens[id] = {
        {"user", stored.token.user}, {"label", stored.token.label}, {"created", stored.token.created}, {"sha256", stored.secret_hash}};
  }
  write_atomic(file_, to_text(Json{{"users", users}, {"tokens", tokens}}));
  ::chmod(file_.c_str(), 0600);
}

std::string Accounts::memory_key(const std::string& user, const std::string& password) const {
  return sha256_hex(fmt::format("{}\n{}\n{}\n{}", memory_secret_, user.size(), user, password));
}

Accounts::Check Accounts::check(const std::string& user, const std::string& password, const std::string& address) {
  const std::string key = memory_key(user, password), source = address + " " + user;
  std::string stored;
  {
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    if (const auto known = remembered_.find(key); known != remembered_.end() && known->second > now) return Check::right;
    if (failures_.size() > most_remembered)
      std::erase_if(failures_, [&](const auto& entry) { return now - entry.second.since > std::chrono::minutes(1); });
    Failures& failures = failures_[source];
    if (now - failures.since > std::chrono::minutes(1)) failures = {0, now};
    // Counted before the slow look, so that many tries at once do not slip through.
    if (++failures.count > most_failures) return Check::too_many;
    const auto known = passwords_.find(user);
    if (known != passwords_.end()) stored = known->second;
  }
  static const std::string nobody = hash_password("an unknown user takes as long");
  bool right = false;
  {
    const std::lock_guard one(slow_);
    right = password.size() <= 1000 && password_matches(password, stored.empty() ? nobody : stored) && !stored.empty();
  }
  if (!right) return Check::wrong;
  const std::lock_guard lock(mutex_);
  failures_.erase(source);
  if (remembered_.size() >= most_remembered) remembered_.clear();
  remembered_[key] = Clock::now() + std::chrono::minutes(10);
  return Check::right;
}

void Accounts::change_password(const std::string& user, const std::string& former, const std::string& password,
                               const std::string& address) {
  check_strength(password);
  if (check(user, former, address) != Check::right) throw Error(ErrorCode::not_permitted, "password: the former one is not right");
  const std::string hashed = hash_password(password);
  const std::lock_guard lock(mutex_);
  passwords_[user] = hashed;
  store();
  end_sessions_of(user);
}

void Accounts::end_sessions_of(const std::string& user) {
  remembered_.clear();
  std::erase_if(sessions_, [&](const auto& entry) { return entry.second.user == user; });
}

std::vector<std::string> Accounts::users() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, password] : passwords_) names.push_back(name);
  return names;
}

void Accounts::add_user(const std::string& user, const std::string& password) {
  const bool plain = user.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._-") == std::string::npos;
  if (!plain || user.empty() || user.size() > 64) {
    throw Error(ErrorCode::parameter, "user: must be 1 to 64 lower-case letters, digits, dots, hyphens or underscores");
  }
  check_strength(password);
  const std::string hashed = hash_password(password);
  const std::lock_guard lock(mutex_);
  if (passwords_.contains(user)) throw Error(ErrorCode::refused, fmt::format("user: {} is there already", user));
  if (passwords_.size() >= most_users) throw Error(ErrorCode::refused, fmt::format("users: there may be {}; remove one first", most_users));
  passwords_[user] = hashed;
  store();
}

bool Accounts::reset_password(const std::string& user, const std::string& password) {
  if (user == administrator) throw Error(ErrorCode::refused, "password: the administrator's own is changed with the former one");
  check_strength(password);
  const std::string hashed = hash_password(password);
  const std::lock_guard lock(mutex_);
  const auto known = passwords_.find(user);
  if (known == passwords_.end()) return false;
  known->second = hashed;
  store();
  end_sessions_of(user);
  return true;
}

bool Accounts::remove_user(const std::string& user) {
  if (user == administrator) throw Error(ErrorCode::refused, "user: the administrator stays");
  const std::lock_guard lock(mutex_);
  if (passwords_.erase(user) == 0) return false;
  std::erase_if(tokens_, [&](const auto& entry) { return entry.second.token.user == user; });
  store();
  end_sessions_of(user);
  return true;
}

std::string Accounts::begin_session(const std::string& user) {
  const std::string secret = random_hex(32);
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  std::erase_if(sessions_, [&](const auto& entry) { return entry.second.ends < now; });
  if (sessions_.size() >= most_sessions) {
    sessions_.erase(
        std::min_element(sessions_.begin(), sessions_.end(), [](const auto& a, const auto& b) { return a.second.ends < b.second.ends; }));
  }
  sessions_[sha256_hex(secret)] = {user, now + std::chrono::hours(12)};
  return secret;
}

void Accounts::end_session(const std::string& secret) {
  const std::lock_guard lock(mutex_);
  sessions_.erase(sha256_hex(secret));
}

std::optional<std::string> Accounts::user_of_session(const std::string& secret) {
  const std::lock_guard lock(mutex_);
  const auto session = sessions_.find(sha256_hex(secret));
  if (session == sessions_.end() || session->second.ends < Clock::now()) return std::nullopt;
  session->second.ends = Clock::now() + std::chrono::hours(12);
  return session->second.user;
}

std::pair<Accounts::Token, std::string> Accounts::add_token(const std::string& user, const std::string& label) {
  const std::string secret = "gantry_" + random_hex(32);
  const std::lock_guard lock(mutex_);
  const auto owned = std::count_if(tokens_.begin(), tokens_.end(), [&](const auto& entry) { return entry.second.token.user == user; });
  if (static_cast<std::size_t>(owned) >= most_tokens)
    throw Error(ErrorCode::refused, fmt::format("tokens: a user may have {}; remove one first", most_tokens));
  const Token token{random_hex(8), user, label, utc_now()};
  tokens_[token.id] = {token, sha256_hex(secret)};
  store();
  return {token, secret};
}

std::vector<Accounts::Token> Accounts::tokens(const std::string& user) const {
  const std::lock_guard lock(mutex_);
  std::vector<Token> owned;
  for (const auto& [id, stored] : tokens_) {
    if (stored.token.user == user) owned.push_back(stored.token);
  }
  return owned;
}

bool Accounts::remove_token(const std::string& user, const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = tokens_.find(id);
  if (found == tokens_.end() || found->second.token.user != user) return false;
  tokens_.erase(found);
  store();
  return true;
}

std::optional<std::string> Accounts::user_of_token(const std::string& secret) const {
  const std::string hashed = sha256_hex(secret);
  const std::lock_guard lock(mutex_);
  for (const auto& [id, stored] : tokens_) {
    if (same(stored.secret_hash, hashed)) return stored.token.user;
  }
  return std::nullopt;
}

std::string cookie_of(const Request& request, std::string_view name) {
  for (const auto& [header, value] : request.headers.all()) {
    if (header != "cookie") continue;
    for (const std::string& part : split(value, ';')) {
      const std::string_view pair = trim(part);
      if (pair.starts_with(name) && pair.substr(name.size()).starts_with('=')) return std::string(pair.substr(name.size() + 1));
    }
  }
  return {};
}

std::optional<Response> authenticate(Request& request, Accounts& accounts) {
  const auto refuse = [&](std::string_view why) {
    Response response = error_response(401, "not_permitted", why);
    // A browser would answer Basic with a dialogue of its own; its scripts log in by the console's page.
    response.header("WWW-Authenticate",
                    request.headers.find("sec-fetch-mode") ? "Bearer realm=\"gantry\"" : "Basic realm=\"gantry\", Bearer realm=\"gantry\"");
    return response;
  };
  if (const auto header = request.headers.find("authorization")) {
    const auto space = header->find(' ');
    const std::string scheme = lower(header->substr(0, space));
    const std::string secret(space == std::string::npos ? "" : trim(std::string_view(*header).substr(space + 1)));
    if (scheme == "bearer") {
      const auto user = accounts.user_of_token(secret);
      if (!user) return refuse("token: is not known");
      request.principal = {*user, false};
      return std::nullopt;
    }
    if (scheme == "basic") {
      if (!is_loopback(request.address))
        return error_response(403, "not_permitted", "login: HTTP Basic is accepted from this machine only");
      const auto credentials = basic_credentials(secret);
      if (!credentials) return refuse("login: malformed");
      switch (accounts.check(credentials->first, credentials->second, request.address)) {
        case Accounts::Check::right:
          request.principal = {credentials->first, false};
          return std::nullopt;
        case Accounts::Check::too_many: {
          Response response = error_response(429, "not_permitted", "login: too many tries; wait a minute");
          return response.header("Retry-After", "60");
        }
        default:
          return refuse("login: user or password is not right");
      }
    }
    return refuse("login: must be a session, Bearer or Basic");
  }
  const std::string secret = cookie_of(request, "gantry_session");
  const auto user = secret.empty() ? std::nullopt : accounts.user_of_session(secret);
  if (!user) return refuse("login: is needed");
  if (is_foreign(request)) return error_response(403, "not_permitted", "request: comes from another site");
  request.principal = {*user, true};
  return std::nullopt;
}

}  // namespace gantry::archive
