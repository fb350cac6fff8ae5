"""The state of a component as a checkpoint returns it."""

from __future__ import annotations

import copy
import json
from typing import Any

from registry_core.engine.checkpoint.tensor_tree import put_together, take_apart


def through_checkpoint(state: Any) -> Any:
    """The state after a way through plain data and tensors, as a checkpoint stores it."""
    structure, tensors = take_apart(state)
    return put_together(json.loads(json.dumps(structure)), copy.deepcopy(tensors))
