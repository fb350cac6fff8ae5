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

EXAMPLES = {"optimizer/pytorch_optimizer_shampoo": {"matrix_eps": 1e-4}}
"""With the default of 1e-6, its decomposition of almost singular matrices is not finite on some processors."""


@conformance(
    "registry-core-pytorch-optimizer",
    examples=EXAMPLES,
    expected_failures={
        **{f"optimizer/pytorch_optimizer_{name}: supports_groups": why for name, why in GROUPS.items()},
        "optimizer/pytorch_optimizer_sara: lowers_a_quadratic": GROUPS["sara"],
        "optimizer/pytorch_optimizer_spam: leaves_global_state_alone": "it draws its mask when it is built",
    },
    at_least=1425,
)
def test_conformance(check: Check) -> None:
    check()
