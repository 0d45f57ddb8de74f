"""The work of a process that is a worker: import what is queued, in the tests' own database."""

from __future__ import annotations

import django

django.setup()
