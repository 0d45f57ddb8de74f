"""Jobs under any sequence of workers, deaths, people and sweeps: nothing is lost, doubled or stuck."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from mast import errors, terms
from mast.imports import control, jobs, leases, records, sweeper
from mast.imports.leases import Claim, Pulse
from mast.models import DataFile, ImportItem, ImportJob, Observation, Transfer
from mast.terms import JobState
from tests.factories import DataFileFactory, ObservationFactory, TransferFactory, job_with

TRANSFERS = 3
at = st.integers(0, TRANSFERS - 1)
some = st.sets(at, min_size=1)


class Jobs(RuleBasedStateMachine):
    """Workers hold claims that may have gone stale; the model remembers what people last asked of each job."""

    @initialize()
    def begin(self) -> None:
        for model in (ImportItem, ImportJob, Transfer, DataFile, Observation):
            model.objects.all().delete()  # type: ignore[attr-defined]
        self.observation = ObservationFactory()
        self.transfers = TransferFactory.create_batch(TRANSFERS)
        self.claims: list[Claim] = []
        self.asked: dict[Any, JobState] = {}

    # --- people -------------------------------------------------------------------------------------------------

    @rule(wanted=some)
    def start(self, wanted: set[int]) -> None:
        if len(self.asked) < 4:
            job = job_with(*(self.transfers[n] for n in wanted), observation=self.observation)
            control.requeue(jobs.transfers_of(job.pk))
            jobs.settle(job.pk)
            self.asked[job.pk] = JobState.QUEUED

    @rule(number=st.integers(0, 3), what=st.sampled_from(["pause", "cancel", "resume"]))
    def ask(self, number: int, what: str) -> None:
        if number >= len(self.asked):
            return
        key = list(self.asked)[number]
        before = ImportJob.objects.get(pk=key)
        try:
            after = getattr(control, what)(ImportJob.objects.get(pk=key))
        except errors.JobNotResumable:
            refused = {"pause": terms.ENDED, "cancel": terms.ENDED, "resume": terms.ACTIVE}
            assert before.state in refused[what]
            return
        expected = {"pause": JobState.PAUSED, "cancel": JobState.CANCELLED}
        assert what == "resume" or after.state == expected[what]
        self.asked[key] = after.state

    # --- workers ------------------------------------------------------------------------------------------------

    @rule(wanted=some)
    def claim(self, wanted: set[int]) -> None:
        held = set(Transfer.objects.filter(lease_until__gt=timezone.now()).values_list("pk", flat=True))
        claims = leases.claim([self.transfers[n].pk for n in wanted])
        assert not held & {claim.id for claim in claims}, "a live lease was taken over"
        jobs.settle_jobs_of([claim.id for claim in claims])
        self.claims += claims

    @rule(number=st.integers(0, 9), moved=st.booleans())
    def beat(self, number: int, moved: bool) -> None:
        if claim := self._holder(number):
            leases.beat([claim], {claim.id: Pulse(done_bytes=5, has_moved=moved, is_alive=moved)})

    @rule(number=st.integers(0, 9), how=st.sampled_from(["arrive", "fail", "release", "wait"]))
    def end(self, number: int, how: str) -> None:
        if not (claim := self._holder(number)):
            return
        self.claims.remove(claim)
        if how == "arrive":
            self._arrive(claim)
        elif how == "fail":
            leases.fail(claim, errors.ConnectionLost())
        elif how == "release":
            leases.release(claim, 7)
        else:
            leases.wait(claim, 0, "later")
        jobs.settle_jobs_of([claim.id], released=how != "arrive")

    @rule(number=st.integers(0, 9))
    def arrive_and_die_before_the_job_is_settled(self, number: int) -> None:
        if claim := self._holder(number):
            self.claims.remove(claim)
            self._arrive(claim)

    @rule(wanted=some)
    def leases_run_out(self, wanted: set[int]) -> None:
        ids = [self.transfers[n].pk for n in wanted]
        past = timezone.now() - dt.timedelta(seconds=1)
        Transfer.objects.filter(pk__in=ids).exclude(owner="").update(lease_until=past)

    @rule(n=at)
    def disk_is_full(self, n: int) -> None:
        control.pause_for_disk(self.transfers[n].pk)
        for job in ImportJob.objects.filter(error_code=errors.DiskFull.code, state=JobState.PAUSED):
            self.asked[job.pk] = JobState.WAITING

    @rule(n=at)
    def file_is_lost(self, n: int) -> None:
        DataFile.objects.filter(data_uri=self.transfers[n].data_uri).update(state="missing")

    def _holder(self, number: int) -> Claim | None:
        return self.claims[number] if number < len(self.claims) else None

    def _arrive(self, claim: Claim) -> None:
        file = DataFile.objects.filter(data_uri=claim.transfer.data_uri).first()
        file = file or DataFileFactory(file_name=claim.transfer.file_name, observation=self.observation)
        if records.complete_transfer(claim.row(), file):
            DataFile.objects.filter(pk=file.pk).update(state="held")

    # --- the sweeper --------------------------------------------------------------------------------------------

    @rule()
    def sweep(self) -> None:
        sweeper.free_dead()
        sweeper.free_expired()
        sweeper.give_up()
        sweeper.go_on_after_full_disk()
        sweeper.requeue_wanted()
        sweeper.settle_stragglers()
        for job in ImportJob.objects.filter(state__in=terms.ACTIVE):
            working = jobs.transfers_of(job.pk).filter(state__in=terms.ACTIVE)
            assert working.exists(), f"{job} waits for nothing"
        now = timezone.now()
        assert not Transfer.objects.filter(
            state__in=terms.RUNNING, lease_until__lt=now - dt.timedelta(seconds=1)
        ).exists()

    # --- what always holds --------------------------------------------------------------------------------------

    @invariant()
    def at_most_one_claim_can_write(self) -> None:
        for transfer in Transfer.objects.all():
            holders = [claim for claim in self.claims if claim.id == transfer.pk and claim.row().exists()]
            assert len(holders) <= 1
            assert holders or transfer.owner == "" or transfer.state not in terms.RUNNING or not self.claims

    @invariant()
    def what_a_person_stopped_stays_stopped(self) -> None:
        for job in ImportJob.objects.filter(pk__in=list(getattr(self, "asked", {}))):
            if self.asked[job.pk] in terms.ENDED_BY_HAND:
                assert job.state == self.asked[job.pk]

    @invariant()
    def a_complete_job_has_all_its_files(self) -> None:
        for job in ImportJob.objects.filter(state=JobState.COMPLETE):
            for transfer in jobs.transfers_of(job.pk):
                assert DataFile.objects.filter(data_uri=transfer.data_uri).exists()
            assert job.ended_at is not None

    @invariant()
    def nobody_holds_what_has_stopped(self) -> None:
        assert not Transfer.objects.exclude(state__in=terms.ACTIVE).exclude(owner="").exists()

    def teardown(self) -> None:
        """Whatever happened: resumed and given workers that live, every job completes."""
        if not hasattr(self, "asked"):
            return
        for _ in range(6):
            Transfer.objects.exclude(owner="").update(lease_until=timezone.now() - dt.timedelta(seconds=1))
            self.sweep()
            for job in ImportJob.objects.filter(state__in=terms.RESUMABLE):
                control.resume(job)
            for claim in leases.claim([transfer.pk for transfer in self.transfers]):
                self._arrive(claim)
            sweeper.settle_stragglers()
        assert {job.state for job in ImportJob.objects.all()} <= {JobState.COMPLETE}


@pytest.mark.django_db
def test_no_sequence_of_faults_loses_or_doubles_a_job(settings: Any) -> None:
    settings.STORAGE_MIN_FREE_GB = 0
    # A lease runs out when the machine above says so, not because this one is busy.
    settings.LEASE_S = 600.0
    run_state_machine_as_test(
        Jobs,
        settings=hypothesis_settings(),
    )


def hypothesis_settings() -> settings:
    return settings(
        max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
