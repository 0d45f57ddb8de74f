"""`/healthz`: a short answer for supervisors and load balancers; people and scripts ask `/api/health`."""

from django.http import HttpRequest, JsonResponse

from mast import health

# Without these nothing can be shown; a missing worker only makes imports wait.
NEEDED = {"database", "disk"}


def healthz(request: HttpRequest) -> JsonResponse:
    """200 when pages can be served, 503 otherwise, with every part's state."""
    parts = {part.name: part.ok for part in health.parts()}
    ok = all(parts[name] for name in NEEDED)
    return JsonResponse({"ok": ok, "parts": parts}, status=200 if ok else 503)
