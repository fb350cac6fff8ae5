"""Read all data of a pipeline, as a run would, and report their faults."""

from registry_core.inspection.data_check.check import read_all_data
from registry_core.inspection.data_check.faults import Fault
from registry_core.inspection.data_check.report import Report

__all__ = ["Fault", "Report", "read_all_data"]
