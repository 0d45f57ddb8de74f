"""The archive's own settings for processes that are killed: leases of seconds, where users have a minute."""

from jwstarchive.settings import *  # noqa: F403
from tests.fault.sizes import RELEASE

LEASE_S = 60.0 if RELEASE else 6.0
SWEEP_EVERY_S = 5.0 if RELEASE else 0.5
GIVE_UP_AFTER_S = 60.0
STORAGE_MIN_FREE_GB = 0.01
