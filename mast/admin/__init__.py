"""Django's admin, for fixing records. What a person corrects here survives the next refresh of metadata."""

from mast.admin import files, jobs, observations, people, searches, tags, tokens

__all__ = ["files", "jobs", "observations", "people", "searches", "tags", "tokens"]
