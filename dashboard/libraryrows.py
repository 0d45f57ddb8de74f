"""Rows of the library as markup.

Written here and not in a template: a page of two hundred rows takes a template longer than the whole page may take
(`performance.md` 3). Every text passes `escape`; nothing else of this archive builds markup by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from django.utils.safestring import SafeString, mark_safe

from dashboard.library import Entry
from dashboard.librarycolumns import Column, level
from dashboard.templatetags import archive as write
from mast import library
from mast.models import DataFile

NO_IMAGE = "There is no image in it to show."


def of_entries(entries: Sequence[Entry], columns: Sequence[Column]) -> SafeString:
    """A `tbody` for each observation, its files under it."""
    return mark_safe("".join(_entry(entry, columns) for entry in entries))  # noqa: S308 - escaped piece by piece


def of_files(files: Sequence[DataFile], columns: Sequence[Column]) -> SafeString:
    """A row for each file, as in the table by file."""
    return mark_safe("".join(_file(file, columns) for file in files))  # noqa: S308 - escaped piece by piece


def _entry(entry: Entry, columns: Sequence[Column]) -> str:
    row = entry.observation
    name = escape(row.obs_id)
    pictured = next((file for file in entry.files if file.is_viewable), None)
    cells = "".join(column.cell(row) for column in columns)
    tags = "".join(f' <span class="badge">{escape(tag)}</span>' for tag in library.tag_names(row))
    width = len(columns) + 4
    files = "".join(_file_under(file, width) for file in entry.files)
    if entry.more:
        files += (
            f'<tr class="file"><td></td><td colspan="{width}"><a href="/observations/{name}/#files">'
            f"{_counted(entry.more, 'more file')}</a></td></tr>"
        )
    return (
        f'<tbody class="group"><tr>{_tick("obs_id", row.obs_id)}<td>{_thumb(pictured)}</td>'
        f'<th scope="rowgroup"><a class="obs" href="/observations/{name}/">{write.breakable(row.obs_id)}</a>{tags}</th>'
        f'{cells}<td class="num">{write.size(entry.size_bytes)}</td>'
        f'<td class="nowrap soft">{_counted(entry.file_count, "file")}</td></tr>{files}</tbody>'
    )


def _file_under(file: DataFile, width: int) -> str:
    """A file under its observation: badge, name, what it is or why it cannot be viewed, level, size, actions."""
    return (
        f'<tr class="file"><td></td><td colspan="{width - 3}">{_name(file)} {_words(file)}</td>'
        f'{level(file.calib_level)}<td class="num">{write.size(file.size_bytes)}</td>{_actions(file)}</tr>'
    )


def _file(file: DataFile, columns: Sequence[Column]) -> str:
    cells = "".join(column.cell(file) for column in columns)
    tags = "".join(f' <span class="badge">{escape(tag)}</span>' for tag in library.tag_names(file))
    of = escape(file.observation.obs_id)
    return (
        f"<tr>{_tick('file', str(file.pk), file.file_name)}<td>{_thumb(file if file.is_viewable else None)}</td>"
        f'<th scope="row">{_name(file)}{tags}<br><a class="obs soft" href="/observations/{of}/">'
        f"{write.breakable(file.observation.obs_id)}</a> {_words(file)}</th>{cells}{_actions(file)}</tr>"
    )


def _tick(name: str, value: str, label: str = "") -> str:
    return (
        f'<td><label class="tick"><input type="checkbox" name="{name}" value="{escape(value)}" data-tick>'
        f'<span class="vh">Select {escape(label or value)}</span></label></td>'
    )


def _thumb(file: DataFile | None) -> str:
    if file is None:
        return ""
    return (
        f'<a href="/files/{file.pk}/view/"><img class="thumb" src="/api/files/{file.pk}/preview?width=112" '
        f'alt="Preview of {escape(file.file_name)}" width="40" height="40" loading="lazy"></a>'
    )


def _name(file: DataFile) -> str:
    bad = f' <span class="badge bad">{escape(file.state)}</span>' if file.state != DataFile.State.HELD else ""
    return (
        f'<span class="badge {escape(file.badge)}">{escape(file.badge)}</span> '
        f'<a class="mono" href="/files/{file.pk}/">{write.breakable(file.file_name)}</a>{bad}'
    )


def _words(file: DataFile) -> str:
    if file.is_viewable:
        return f'<span class="soft small">{escape(write.kind_of(file.suffix))}</span>'
    return f'<span class="soft small" id="why-{file.pk}">{escape(file.view_reason or NO_IMAGE)}</span>'


def _actions(file: DataFile) -> str:
    whose = f'<span class="vh"> {escape(file.file_name)}</span>'
    of = f'<span class="vh"> of {escape(file.file_name)}</span>'
    if file.is_viewable:
        made = f'<a class="button slim" href="/files/{file.pk}/view/">View{whose}</a>'
    else:
        made = (
            f'<button type="button" class="button slim" disabled aria-describedby="why-{file.pk}">View{whose}</button>'
        )
    if file.badge == "table":
        table = "Members" if file.suffix == "asn" else "Table"
        made += f' <a class="button slim bare" href="/files/{file.pk}/table/">{table}{of}</a>'
    if ".fits" in file.file_name:
        made += f' <a class="button slim bare" href="/files/{file.pk}/header/">Header{of}</a>'
    return f'<td class="nowrap">{made}</td>'


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
