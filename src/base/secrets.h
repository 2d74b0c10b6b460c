#pragma once

#include <string>
#include <string_view>

namespace smallpond {

/// Returns a text that people see with "***" for every credential in it, which is recognised by its
/// kind, never by who wrote the text:
///
///     s3_session_token='…'   password=…   SECRET '…'   "token": "…"   ?sig=…&
///     postgres://user:…@host                           Authorization: Bearer …
///
/// All errors pass through here (see Error), the log of a job, and what explain() tells.
std::string WithoutSecrets(const std::string& text);

/// The same for SQL: with an asterisk for each byte of a credential, so that positions in it stay
/// what they are. Of CREATE SECRET every string is one.
std::string MaskSecrets(const std::string& sql);

/// Returns a message about a query without the credentials that stand in the query, also where the
/// message repeats only their values.
std::string WithoutSecretsOf(const std::string& sql, std::string message);

/// Whether a name, in any letter case, is that of a credential: "S3_secret-KEY".
bool NamesCredential(std::string_view name);

}  // namespace smallpond
