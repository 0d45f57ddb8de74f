"""Pages as a browser gets them: fetched, parsed, asked for what a person would look at."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}


class Element:
    """One element: its tag, attributes, children; `text` is all the text below it."""

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag = tag
        self.attributes = attributes
        self.children: list[Element | str] = []

    @property
    def text(self) -> str:
        return " ".join(self._all_text().split())

    def _all_text(self) -> str:
        return "".join(child if isinstance(child, str) else child._all_text() for child in self.children)

    def find(self, tag: str = "", **attributes: str) -> list[Element]:
        """Elements below, of this tag and these attributes; `_` stands for `-`, and `class_` looks for one class."""
        found = []
        for child in self.children:
            if isinstance(child, Element):
                if child._fits(tag, attributes):
                    found.append(child)
                found += child.find(tag, **attributes)
        return found

    def one(self, tag: str = "", **attributes: str) -> Element:
        (found,) = self.find(tag, **attributes)
        return found

    def _fits(self, tag: str, attributes: dict[str, str]) -> bool:
        if tag and self.tag != tag:
            return False
        for name, value in attributes.items():
            if name == "class_":
                if value not in self.attributes.get("class", "").split():
                    return False
            elif self.attributes.get(name.rstrip("_").replace("_", "-")) != value:
                return False
        return True

    def __getitem__(self, name: str) -> str:
        return self.attributes[name]


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attributes})
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Element(tag, {name: value or "" for name, value in attributes}))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        # Well-formed pages only: an end that does not match is a mistake in a template.
        assert self.open[-1].tag == tag, f"</{tag}> ends <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, text: str) -> None:
        self.open[-1].children.append(text)


def page_of(response: Any, status: int = 200) -> Element:
    """The page, after it was found to be well-formed, with honest status and every id used once."""
    text = response.content.decode()
    assert response.status_code == status, text[:3000]
    builder = _Builder()
    builder.feed(text)
    builder.close()
    assert builder.open == [builder.root], f"not ended: {[element.tag for element in builder.open]}"
    ids = [element["id"] for element in builder.root.find() if "id" in element.attributes]
    assert len(ids) == len(set(ids)), sorted({name for name in ids if ids.count(name) > 1})
    return builder.root
