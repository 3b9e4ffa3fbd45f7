import re

from attune.governance.documents import Bar, Document, Figure, Section, Table, html, markdown

HOSTILE = "<img src=x onerror=alert(1)>|`[a](javascript:b)`\n# c"


def page(text: str = "Said.") -> Document:
    section = Section(
        title=text,
        sentences=[text],
        tables=[Table(columns=["group", text], rows=[["25-34", text]])],
        figures=[Figure(title=text, bars=[Bar(label=text, value=0.8, low=0.7, high=0.9)])],
    )
    return Document(title=text, sections=[section])


def test_nothing_that_a_page_says_is_taken_for_markup() -> None:
    shown = html(page(HOSTILE))
    assert "<img" not in shown
    assert "onerror=alert(1)&gt;" in shown
    plain = markdown(page(HOSTILE))
    assert "<img" not in plain
    assert not re.search(r"^# c", plain, re.MULTILINE)
    assert not re.search(r"(?<!\\)\]\(", plain)


def test_a_page_is_complete_in_itself_and_shows_intervals() -> None:
    shown = html(page())
    assert "default-src 'none'" in shown
    assert "<svg" in shown
    assert "<script" not in shown
    assert "- Said.: 0.8000 (0.7000 to 0.9000)" in markdown(page())
    assert "|---|---|\n| 25-34 | Said. |" in markdown(page())


def test_a_section_without_a_sentence_is_empty_and_says_so() -> None:
    document = Document(title="t", sections=[Section(title="Intended use", sentences=["  "])])
    assert document.empty == ["Intended use"]
    assert "cannot be promoted" in html(document)
