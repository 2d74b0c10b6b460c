"""What a notebook shows of a frame."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
import smallpond


class Cells(HTMLParser):
    """The texts of a table's cells, row by row, as a browser reads them, and the tags in them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self.in_cell = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self.in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.in_cell = False

    def handle_data(self, data: str) -> None:
        if self.in_cell:
            self.rows[-1][-1] += data


HOSTILE = {
    "a script": ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    "an entity": ('&lt;"&amp;', '&lt;"&amp;'),
    "a zero and lines": ("a\0b\nc\td\re", "a␀b␊c␉d␍e"),
    "a long word": ("x" * 5000, "x" * 80 + "…"),
    "wide characters": ("漢字" * 60, "漢字" * 40 + "…"),
    "what needs escapes": ("<" * 100, "<" * 80 + "…"),
    "just short enough": ("ü" * 80, "ü" * 80),
    "nothing": ("", ""),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_text(sp: smallpond.Session, name: str) -> None:
    value, shown = HOSTILE[name]
    html = sp.sql("SELECT ? AS v", params=[value])._repr_html_()
    cells = Cells(html)
    assert cells.rows[1] == [shown]
    assert cells.tags <= {"table", "thead", "tbody", "tr", "th", "td", "br", "small"}
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", html)


def test_names_and_types_are_text_too(sp: smallpond.Session) -> None:
    kind = "ENUM('<i>', '" + "y" * 500 + "')"
    cells = Cells(sp.sql(f'SELECT NULL::{kind} AS "<b>{"n" * 300}"')._repr_html_())
    [[head], _] = cells.rows
    assert head.startswith("<b>nnn") and len(head) < 2 * 82 and head.count("…") == 2
    assert "b" not in cells.tags


@pytest.mark.parametrize(("count", "folded"), [(25, 0), (26, 1), (65, 40)])
def test_many_columns(sp: smallpond.Session, count: int, folded: int) -> None:
    columns = ", ".join(f"{i} AS c{i}" for i in range(count))
    head, row = Cells(sp.sql(f"SELECT {columns}")._repr_html_()).rows
    if folded:
        assert len(head) == len(row) == 26
        assert head[20] == f"… {folded} more columns" and row[20] == "…"
    assert row[:20] == [str(i) for i in range(20)]
    assert row[-5:] == [str(i) for i in range(count - 5, count)]


@pytest.mark.parametrize(("count", "words"), [(20, ""), (21, "First 20 rows"), (0, "")])
def test_many_rows(sp: smallpond.Session, count: int, words: str) -> None:
    html = sp.sql(f"FROM range({count})")._repr_html_()
    assert len(Cells(html).rows) == 1 + min(count, 20)
    assert (words in html) == bool(words) or not words
    assert ("<p>" in html) == bool(words)
