#pragma once

#include <nanobind/nanobind.h>

#include <string>
#include <string_view>

namespace smallpond {

/// The class of smallpond.errors for a kind of error, by the kind's name.
inline nanobind::object ErrorClass(std::string_view kind_name) {
  std::string name = std::string(kind_name) + "Error";
  return nanobind::module_::import_("smallpond.errors").attr(name.c_str());
}

}  // namespace smallpond
