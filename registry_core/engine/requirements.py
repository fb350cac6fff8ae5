"""Check the installed requirements of registry-core, which a later ``pip install`` may have changed."""

from __future__ import annotations

from importlib.metadata import distribution as metadata_of

from packaging.requirements import Requirement

from registry_core.assembly.ranks import whole_number
from registry_core.catalog.catalog import own_distribution
from registry_core.catalog.policy import OWN
from registry_core.config.loading.versions import found_instead, install_command
from registry_core.diagnostics import RunError

_SEVERAL = ("WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS")
"""Variables with the number of processes, as torchrun, mpirun and srun set them."""


def check_one_process() -> None:
    """Raise RunError if a launcher started several processes, which would all do the same work."""
    for name in _SEVERAL:
        processes = whole_number(name, 1)
        if processes > 1:
            message = (
                f"{name}={processes} asks for {processes} processes, which are not supported yet: each would do the "
            )
            message += "whole run, in the same folder."
            raise RunError(message, f"Start one process, without torchrun, mpirun or srun, or unset {name}.")


def check_requirements(distribution: str = OWN) -> None:
    """Raise RunError, with a pip command as remedy, if a requirement of the distribution is not met."""
    unmet = []
    found_here = own_distribution() if distribution == OWN else metadata_of(distribution)
    for line in found_here.requires or ():
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        found = found_instead(requirement.name, requirement.specifier)
        if found is not None:
            unmet.append((requirement, found or "not installed"))
    if unmet:
        said = ", ".join(f"{requirement.name} is {found}, not {requirement.specifier}" for requirement, found in unmet)
        remedy = install_command(str(requirement) for requirement, _ in unmet)
        raise RunError(f"{distribution} cannot run with the installed packages: {said}.", remedy)
