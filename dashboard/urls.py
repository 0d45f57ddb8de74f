"""Addresses of the pages."""

from django.urls import path

from dashboard.views import (
    imports,
    library,
    look,
    members,
    observation,
    planning,
    search,
    spectra,
    tables,
    viewer,
)

urlpatterns = [
    path("", library.index, name="library"),
    path("library/bulk/", library.bulk, name="bulk"),
    path("theme/", library.theme, name="theme"),
    path("search/", search.search, name="search"),
    path("search/preview/", search.preview, name="preview"),
    path("search/read/", search.read, name="read"),
    path("search/export/", search.export, name="export"),
    path("look/", look.look, name="look"),
    path("look/preview/", look.preview, name="look-preview"),
    path("import/", planning.start, name="start"),
    path("import/preview/", planning.plan, name="plan"),
    path("imports/", imports.imports, name="imports"),
    path("imports/pill/", imports.pill, name="pill"),
    path("imports/all/<str:section>/<str:action>/", imports.act_on_all, name="act-on-all"),
    path("imports/<str:job_id>/", imports.job, name="job"),
    path("imports/<str:job_id>/progress/", imports.progress, name="progress"),
    path("imports/<str:job_id>/<str:action>/", imports.act, name="act"),
    path("refresh/", imports.refresh, name="refresh"),
    path("observations/<str:obs_id>/", observation.observation, name="observation"),
    path("observations/<str:obs_id>/refresh/", observation.refresh, name="refresh-one"),
    path("observations/<str:obs_id>/curate/", observation.curate, name="curate"),
    path("files/<int:file_id>/", observation.file, name="file"),
    path("files/fetch-again/", observation.fetch_all_again, name="fetch-all-again"),
    path("files/<int:file_id>/fetch-again/", observation.fetch_again, name="fetch-again"),
    path("files/<int:file_id>/curate/", observation.curate_file, name="curate-file"),
    path("files/<int:file_id>/header/", viewer.header, name="header"),
    path("files/<int:file_id>/table/", tables.table, name="table"),
    path("files/<int:file_id>/members/", members.listed, name="members"),
    path("files/<int:file_id>/spectrum/", spectra.spectrum, name="spectrum"),
    path("files/<int:file_id>/view/", viewer.view, name="view"),
]
