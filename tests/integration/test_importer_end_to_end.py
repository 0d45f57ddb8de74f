"""An import from the click to proven files with records, by a real worker and a real Valkey."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mast import services
from mast.models import DataFile, ImportJob, Transfer
from mast.services import ImportRequest
from mast.terms import JobState

OBS_ID = "jw02733-o001_t001_nircam_clear-f090w"
Ended = Callable[..., ImportJob]


def test_a_level_3_import_brings_exactly_the_level_3_files_and_their_association(
    archive: Any, worker: Any, folders: Path, ended: Ended
) -> None:
    started = services.start_import(ImportRequest(OBS_ID))
    assert not started.is_resume
    job = ended(started.job)
    assert (job.state, job.error) == (JobState.COMPLETE, "")
    files = list(DataFile.objects.all())
    assert files
    assert {file.calib_level for file in files} == {3}
    assert "asn" in {file.suffix for file in files}
    for file in files:
        path = folders / file.path
        content = path.read_bytes()
        assert path == folders / "2733" / file.product_obs_id / file.file_name
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file.size_bytes, file.sha256)
        assert stat.S_IMODE(path.stat().st_mode) == 0o444
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o755
        assert file.observation.obs_id == OBS_ID
        assert list(file.observations.all()) == [file.observation]
        assert file.source in {"s3", "http"}
    assert Transfer.objects.exclude(state=JobState.COMPLETE).count() == 0
    progress = services.job_progress(job)
    assert (progress.progress, progress.is_complete, progress.stage) == (100.0, True, "Complete")
    assert progress.downloaded_bytes == progress.total_bytes == sum(file.size_bytes for file in files)
    assert progress.result is not None
    assert sorted(progress.result.imported_data_ids) == sorted(file.pk for file in files)
    assert progress.result.imported_count == len(files) == progress.file_count
