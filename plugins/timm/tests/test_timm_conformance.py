"""Run the conformance kit on all optimizers and schedulers, and on models of several families."""

from __future__ import annotations

from registry_core.catalog import installed
from registry_core.testing import Check, conformance

DISTRIBUTION = "registry-core-timm"
NAMES = "resnet18 vit_tiny_patch16_224 efficientnet_lite0 mobilenetv3_small_050 convnext_atto xcit_nano_12_p16_224"
OTHERS = [r.full_name for r in installed().records if r.distribution == DISTRIBUTION and r.kind != "model"]
TRUST = "it bounds each step by the norms of the weights and gradients, regardless of the learning rate"


@conformance(
    DISTRIBUTION,
    components=[*OTHERS, *(f"model/timm_{name}" for name in NAMES.split())],
    expected_failures={"optimizer/timm_larc: supports_groups": TRUST, "optimizer/timm_nlarc: supports_groups": TRUST},
    at_least=1200,
)
def test_conformance(check: Check) -> None:
    check()
