"""Where each address leads."""

from django.contrib import admin
from django.urls import path

from jwstarchive.healthz import healthz

urlpatterns = [
    path("healthz", healthz),
    path("admin/", admin.site.urls),
]
