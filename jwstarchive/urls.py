"""Where each address leads."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path, re_path

from jwstarchive.api import api, unknown_address
from jwstarchive.healthz import healthz
from jwstarchive.metrics import metrics
from jwstarchive.problems import problem_page

admin.autodiscover()

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("metrics", metrics, name="metrics"),
    path("api/", api.urls),
    re_path(r"^api/", unknown_address),
    path("problems/<str:code>", problem_page, name="problem"),
    path("login/", LoginView.as_view(template_name="login.html"), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    *([path("oidc/", include("mozilla_django_oidc.urls"))] if settings.OIDC else []),
    path("admin/", admin.site.urls),
    path("", include("dashboard.urls")),
]
