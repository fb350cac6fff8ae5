"""Write new projects: a package with components of the kinds that are asked for, which works as it is written."""

from registry_core.scaffold.names import Names
from registry_core.scaffold.write import Project, plan_project, write_project

__all__ = ["Names", "Project", "plan_project", "write_project"]
