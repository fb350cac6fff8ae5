"""The findings of ``validate`` in pipeline files: problems and the requested reports."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from registry_core.cli.options import say
from registry_core.diagnostics import PipelineError, Place, Problem, RegistryError

if TYPE_CHECKING:
    from registry_core.inspection.data_check import Report
    from registry_core.inspection.dry_run.report import DryRun
    from registry_core.loaded import Loaded


class ValidateRequest(NamedTuple):
    """The files to check, and the extent of the checks."""

    files: tuple[Path, ...]
    overrides: tuple[str, ...]
    out: Path | None
    """Parent folder of future runs; None if they will be on another machine."""
    read_data: bool = False
    deep: bool = False
    on_meta: bool = False

    def without_torch(self) -> ValidateRequest:
        """The same files, with only the checks that need no torch."""
        return self._replace(read_data=False, deep=False)


@dataclass
class ValidateResult:
    """The findings in all files together."""

    problems: list[Problem] = field(default_factory=list)
    right: list[Path] = field(default_factory=list)
    data: dict[str, Report] = field(default_factory=dict)
    dry_runs: dict[str, DryRun] = field(default_factory=dict)
    code: int = 0

    @classmethod
    def of(cls, wanted: ValidateRequest) -> Self:
        """Check all files."""
        found = cls()
        found.look_at_folder(wanted.out)
        for file in wanted.files:
            found.check(file, wanted)
        return found

    def look_at_folder(self, out: Path | None) -> None:
        """Check that runs can be written there."""
        from registry_core.analysis.machine import unwritable

        if out is not None and (reason := unwritable(out)):
            message = f"A run cannot be written to {str(out)!r}: {reason}."
            self.add([Problem(message, "Choose another folder with --out.", code="run-directory")], 2)

    def check(self, file: Path, wanted: ValidateRequest) -> None:
        """Check one file and make the requested reports."""
        from registry_core.loaded import load

        here = wanted.out is not None
        try:
            loaded = load(file, wanted.overrides, here=here, elsewhere=not here)
            self.add(loaded.warnings)
            if any(warning.code == "not-checked" for warning in loaded.warnings):
                self.leave_out(file, wanted)
                return
            if wanted.deep:
                self.rehearse(file, loaded, wanted)
        except PipelineError as error:
            self.add(error.problems, error.exit_code)
        except RegistryError as error:
            self.add([error.problem(place=Place(str(file)))], error.exit_code)
        else:
            self.right.append(file)
        if wanted.read_data:
            self.read_data(file, wanted.overrides)

    def leave_out(self, file: Path, wanted: ValidateRequest) -> None:
        """Say which reports are left out, because data or weights are on another machine."""
        self.right.append(file)
        for asked, report in ((wanted.deep, "--deep"), (wanted.read_data, "--data")):
            if asked:
                say(f"{file}: {report} was left out, because not all files are on this machine.", err=True)

    def rehearse(self, file: Path, loaded: Loaded, wanted: ValidateRequest) -> None:
        """Run one batch through everything that is built; PipelineError if that shows a problem."""
        from registry_core.inspection.dry_run.dry_run import dry_run
        from registry_core.planning.make import make_plan

        with redirect_stdout(sys.stderr):  # the output of other modules belongs there
            found = dry_run(make_plan(loaded), on_meta=wanted.on_meta)
        self.dry_runs[str(file)] = found
        self.add(found.warnings)
        if found.problems:
            raise PipelineError(found.problems)

    def read_data(self, file: Path, overrides: tuple[str, ...]) -> None:
        """Read every sample, which is possible only if the file itself is correct."""
        from registry_core.loaded import load_unseen

        try:
            spec = load_unseen(file, overrides).spec
        except RegistryError:
            say(f"{file}: The data were not read. Correct the file first.", err=True)
            return
        from registry_core.inspection.data_check import read_all_data

        report = self.data[str(file)] = read_all_data(spec)
        self.code = max(self.code, report.exit_code)

    def add(self, problems: Sequence[Problem], code: int = 0) -> None:
        """Add problems, and raise the exit code accordingly."""
        self.problems += problems
        self.code = max(self.code, code)
