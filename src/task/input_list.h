#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "exchange/exchange_kind.h"

namespace smallpond {

/// What the tasks of a stage read from other stages. It is the same for all of them and may be long
/// (a UNION ALL of 2,000 parts has 2,000 entries), so that it is a file of the job. Another one is
/// written, under a new version, where an input has other outputs than before.
struct InputList {
  struct Input {
    int id = 0;  ///< In the fragment.
    int stage = 0;
    ExchangeKind kind = ExchangeKind::kGather;
    int version = 0;  ///< Of the list of that stage's outputs.
    uint32_t num_partitions = 1;
    /// The file itself, where it is the one of a given stage and small: then nobody opens it.
    std::string content = {};
  };

  std::vector<Input> inputs;
};

/// The list as JSON: [[id, stage, kind, version, partitions, content], …], the content in base64.
std::string FormatInputList(const InputList& list);
/// Throws Internal where the text is no list. `name` is for the message.
InputList ParseInputList(const std::string& text, const std::string& name);

}  // namespace smallpond
