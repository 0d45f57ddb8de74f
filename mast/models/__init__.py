"""What the archive knows: columns, constraints and small properties of every row.

What changes a row lives in `imports` (jobs, records, refresh). Times are UTC; MJD columns keep MAST's own numbers.
`raw` keeps every field MAST sent, under MAST's spelling.
"""

from mast.models import lookups  # noqa: F401 - registers them
from mast.models.holdings import DataFile, MastJson, Observation, Tag
from mast.models.jobs import ImportItem, ImportJob, Transfer
from mast.models.people import Access, ApiToken, AuditEntry, MastToken, Trust
from mast.models.upkeep import CachedSearch, LibraryCount, Trash, Verification

__all__ = [
    "Access", "ApiToken", "AuditEntry", "CachedSearch", "DataFile", "ImportItem", "ImportJob", "LibraryCount",
    "MastJson", "MastToken", "Observation", "Tag", "Transfer", "Trash", "Trust", "Verification",
]  # fmt: skip
