"""Create new projects: a package with a working component of each requested kind."""

from registry_core.scaffold.names import Names
from registry_core.scaffold.write import Project, plan_project, write_project

__all__ = ["Names", "Project", "plan_project", "write_project"]
