#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace smallpond {

/// Bytes as text in the alphabet of RFC 4648, section 5, which is good for names of files, without
/// padding.
std::string Base64Url(std::string_view bytes);

/// The bytes of such a text; nothing where it has other characters. Bits that are no whole byte are
/// left out.
std::optional<std::string> FromBase64Url(std::string_view text);

}  // namespace smallpond
