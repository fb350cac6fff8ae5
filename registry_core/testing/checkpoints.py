"""The state of a component as a checkpoint returns it."""

from __future__ import annotations

import copy
import json
from typing import Any

from registry_core.engine.checkpoint.tensor_tree import put_together, take_apart


def through_checkpoint(state: Any) -> Any:
    """The state after conversion to plain data and tensors and back, as in a checkpoint."""
    structure, tensors = take_apart(state)
    return put_together(json.loads(json.dumps(structure)), copy.deepcopy(tensors))
