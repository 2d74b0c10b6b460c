#include "duckdb_adapter/connection/html_table.h"

#include <cstddef>
#include <vector>

namespace smallpond {
namespace {

// What fits on a screen. A frame may have thousands of columns, and a cell megabytes of text.
constexpr size_t kMaxCharacters = 80;
constexpr size_t kFirstColumns = 20;
constexpr size_t kLastColumns = 5;

// Appends the character that begins at `i`, and moves `i` behind it. What has a meaning in HTML is
// escaped, and control characters, which it can't hold, are the pictures that Unicode has of them.
void AppendCharacter(std::string& out, const std::string& text, size_t& i) {
  auto byte = static_cast<unsigned char>(text[i++]);
  if (byte == '&') {
    out += "&amp;";
  } else if (byte == '<') {
    out += "&lt;";
  } else if (byte == '>') {
    out += "&gt;";
  } else if (byte == '"') {
    out += "&quot;";
  } else if (byte < 0x20) {
    out += {'\xE2', '\x90', static_cast<char>(0x80 + byte)};  // U+2400 and following.
  } else {
    out += static_cast<char>(byte);
    while (i < text.size() && (static_cast<unsigned char>(text[i]) & 0xC0) == 0x80)
      out += text[i++];
  }
}

std::string Escaped(const std::string& text) {
  std::string out;
  size_t characters = 0;
  for (size_t i = 0; i < text.size();) {
    if (++characters > kMaxCharacters) return out + "…";
    AppendCharacter(out, text, i);
  }
  return out;
}

// The columns that are shown; `folded` of them are left out before the last kLastColumns.
struct ShownColumns {
  explicit ShownColumns(size_t count) {
    bool all = count <= kFirstColumns + kLastColumns;
    folded = all ? 0 : count - kFirstColumns - kLastColumns;
    for (size_t i = 0; i < count; ++i) {
      if (all || i < kFirstColumns || i >= count - kLastColumns) columns.push_back(i);
    }
  }

  // A row of cells, with one for the columns that are left out.
  template <typename Cell>
  std::string Row(const std::string& fold, Cell cell) const {
    std::string row = "<tr>";
    for (size_t i : columns) {
      row += cell(i);
      if (folded > 0 && i == kFirstColumns - 1) row += fold;
    }
    return row + "</tr>";
  }

  std::vector<size_t> columns;
  size_t folded = 0;
};

}  // namespace

std::string HtmlTable(duckdb::MaterializedQueryResult& result, int max_rows) {
  ShownColumns shown(result.names.size());
  std::string folded = std::to_string(shown.folded);
  std::string html = "<table border=\"1\" class=\"dataframe\">\n<thead>";
  html += shown.Row("<th>… " + folded + " more columns</th>", [&](size_t i) {
    return "<th>" + Escaped(result.names[i]) + "<br><small>" + Escaped(result.types[i].ToString()) +
           "</small></th>";
  });
  html += "</thead>\n<tbody>\n";
  int rows = 0;
  for (auto& row : result.Collection().Rows()) {
    if (rows++ == max_rows) break;
    html += shown.Row("<td>…</td>", [&](size_t i) {
      auto value = row.GetValue(i);
      return value.IsNull() ? std::string("<td><i>NULL</i></td>")
                            : "<td>" + Escaped(value.ToString()) + "</td>";
    });
    html += "\n";
  }
  return html + "</tbody></table>";
}

}  // namespace smallpond
