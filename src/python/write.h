#pragma once

#include <nanobind/nanobind.h>

#include "smallpond/data_frame.h"

namespace smallpond {

/// Defines WriteOptions, WriteResult and DataFrame.write.
void DefineWrite(nanobind::module_& m, nanobind::class_<DataFrame>& frame);

}  // namespace smallpond
