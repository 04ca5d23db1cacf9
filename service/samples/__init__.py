"""Sample patients: charts that show every finding and its traps, for demos, trials and tests.

Nobody is real: names, dates and values are invented. Dates are counted back from the day of
loading, so that the findings stay the same.
"""

from service.samples.catalog import GROUPS, NAMES, SAMPLES, SEED, hook_call, sample_bundle
from service.samples.chart import ID_PREFIX, TAG_CODE, TAG_SYSTEM, Person, Sample
from service.samples.loader import Removed, SamplesNotWritten, load, remove, wait_for

__all__ = [
    "GROUPS",
    "ID_PREFIX",
    "NAMES",
    "SAMPLES",
    "SEED",
    "TAG_CODE",
    "TAG_SYSTEM",
    "Person",
    "Removed",
    "Sample",
    "SamplesNotWritten",
    "hook_call",
    "load",
    "remove",
    "sample_bundle",
    "wait_for",
]
