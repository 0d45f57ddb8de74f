"""What the pages remember for people: views of the library worth coming back to."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone


class SavedView(models.Model):
    """A query of the dashboard under a name. Without logins views belong to nobody and everybody sees them."""

    name = models.CharField(max_length=100)
    query = models.CharField(max_length=2000, blank=True, help_text="the address after the question mark")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE)
    is_shared = models.BooleanField(default=False, help_text="others see it too")
    is_pinned = models.BooleanField(default=False, help_text="stands above the others")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering: ClassVar = ["-is_pinned", "name", "id"]

    def __str__(self) -> str:
        return self.name
