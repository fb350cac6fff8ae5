"""Run the conformance kit on every optimizer; expected failures are inherent in the optimizers."""

from __future__ import annotations

from registry_core.testing import Check, conformance

FIND_THEIR_RATE = ("dadaptadagrad", "dadaptadam", "dadaptadan", "dadaptlion", "dadaptsgd", "prodigy")
GROUPS = {
    "adafactor": "with relative_step, the default, it ignores the learning rate",
    "apollodqn": "its warm-up starts at a learning rate that all groups share",
    **dict.fromkeys(FIND_THEIR_RATE, "it estimates its step size itself"),
    "sara": "it trains only weights that are almost zero, unlike those of the test",
}


@conformance(
    "registry-core-pytorch-optimizer",
    expected_failures={
        **{f"optimizer/pytorch_optimizer_{name}: supports_groups": why for name, why in GROUPS.items()},
        "optimizer/pytorch_optimizer_sara: lowers_a_quadratic": GROUPS["sara"],
        "optimizer/pytorch_optimizer_spam: leaves_global_state_alone": "it draws its mask when it is built",
    },
    at_least=1425,
)
def test_conformance(check: Check) -> None:
    check()
