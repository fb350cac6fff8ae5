"""Components that are wrong, each in one way, which the conformance kit must find; what they build is beside them."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import ConfigDict, Field, field_validator

from registry_core.components import (
    CheckFailed,
    Dataset,
    Function,
    Hook,
    Init,
    Layer,
    Loss,
    Metric,
    Model,
    ModuleFacts,
    Optimizer,
    Sampler,
    Scheduler,
    TensorFacts,
    Transform,
    assembled,
)
from registry_core.components.target import load_target

BROKEN: dict[str, tuple[str, str]] = {}


"""For each check the kind and the name of a component that fails it."""


def fails(check: str) -> Any:
    def mark(declaration: Any) -> Any:
        BROKEN[check] = (declaration.kind, declaration.__name__)
        return declaration

    return mark


HERE = "broken_objects"


@fails("is_documented")
class Silent(Loss):
    """A parameter is not described."""

    target: ClassVar[str] = "torch.nn:L1Loss"
    reduction: str = "mean"


@fails("has_a_valid_example")
class WrongExample(Loss):
    """Its example has a parameter that it does not have."""

    target: ClassVar[str] = "torch.nn:L1Loss"
    example: ClassVar = {"p": 1}


@fails("survives_a_file")
class Doubles(Transform):
    """Its parameter is another one each time it is read."""

    example: ClassVar = {"factor": 2.0}
    factor: float = Field(default=1.0, description="Factor.")

    @field_validator("factor")
    @classmethod
    def _twice(cls, value: float) -> float:
        return value * 2


@fails("refuses_unknown_parameters")
class Polite(Loss):
    """It ignores what it does not know."""

    model_config = ConfigDict(extra="ignore")
    target: ClassVar[str] = "torch.nn:L1Loss"


@fails("builds_what_its_kind_is")
class BuildsADict(Loss):
    """It builds no module."""

    target: ClassVar[str] = "builtins:dict"


@fails("builds_anew")
class BuildsTheSame(Loss):
    """It builds one object for all."""

    target: ClassVar[str] = f"{HERE}:the_same"


@fails("leaves_global_state_alone")
class ChangesDefaults(Loss):
    """It changes torch's default dtype, Python's generator and the environment."""

    target: ClassVar[str] = f"{HERE}:changing"


@fails("has_its_successor")
class Orphan(Loss):
    """What replaces it does not exist."""

    target: ClassVar[str] = "torch.nn:L1Loss"
    successor: ClassVar[str] = "no_such"


class OfValues(Loss):
    """A loss of values: the function of the class."""

    output_form: ClassVar = "values"
    target_forms: ClassVar = ("values",)
    function: ClassVar[Any] = staticmethod(lambda output, target: (output - target).abs().mean())

    def build(self) -> Any:
        """A module around it."""
        return load_target(f"{HERE}:of_values")(type(self).function)


@fails("is_a_finite_number")
class NotFinite(OfValues):
    """It is no number."""

    function: ClassVar = staticmethod(lambda output, target: output.sum() * float("nan"))


@fails("is_differentiable")
class Constant(OfValues):
    """No gradient reaches its inputs."""

    function: ClassVar = staticmethod(lambda output, target: output.detach().sum().requires_grad_() * 1)


@fails("has_the_gradients_of_its_value")
class Rounded(OfValues):
    """Its gradient is not that of its value."""

    function: ClassVar = staticmethod(lambda output, target: (output - output.detach() + output.detach().round()).sum())


@fails("repeats")
class Counting(OfValues):
    """It gives another value each time."""

    function: ClassVar = staticmethod(lambda *values: load_target(f"{HERE}:counting")(*values))


@fails("is_right_under_reduction")
class TwiceTheSum(OfValues):
    """Its sum is twice the sum."""

    reduction: str = Field(default="mean", description="How the values of a batch become one.")

    def build(self) -> Any:
        """The L1 loss, wrongly summed."""
        return load_target(f"{HERE}:twice_the_sum")(self.reduction)


class OfFloats(Transform):
    """A transform of float images, which says that it keeps them as they are."""

    built: ClassVar[str] = "builtins:dict"

    def infer_image(self, image: Any) -> Any:
        """The same image."""
        if image.form != "float":
            raise CheckFailed("it takes floats")
        return image

    def build(self) -> Any:
        """What the class says."""
        return load_target(type(self).built)


@fails("keeps_its_word")
class Brightens(OfFloats):
    """Its values are larger than it says."""

    built: ClassVar = f"{HERE}:brighten"


@fails("is_a_function_of_its_key")
class Remembers(OfFloats):
    """It gives another image each time."""

    def build(self) -> Any:
        """One that counts its calls."""
        return load_target(f"{HERE}:Remembering")()


@fails("leaves_the_sample_alone")
class Overwrites(OfFloats):
    """It writes into the image."""

    built: ClassVar = f"{HERE}:overwrite"


@fails("goes_to_other_processes")
class Stays(OfFloats):
    """It does not pickle."""

    built: ClassVar = f"{HERE}:stays"


class WithRate(Optimizer):
    """An optimizer with a rate."""

    lr: float = Field(default=0.1, description="Rate.")


@fails("lowers_a_quadratic")
class Climbs(WithRate):
    """It goes the wrong way."""

    target: ClassVar[str] = f"{HERE}:Climbing"


@fails("goes_on_from_a_checkpoint")
class Forgets(WithRate):
    """It does not load its state."""

    target: ClassVar[str] = f"{HERE}:Forgetting"


@fails("supports_groups")
class Levels(WithRate):
    """It gives all groups one rate."""

    target: ClassVar[str] = f"{HERE}:Levelling"


@fails("gives_rates")
class Negative(Scheduler):
    """Its rates are negative."""

    target: ClassVar[str] = f"{HERE}:BelowZero"


@fails("fits_a_run")
class Never(Scheduler):
    """It fits no run."""

    target: ClassVar[str] = f"{HERE}:BelowZero"

    def check(self, horizon: Any) -> None:
        """Never content."""
        raise CheckFailed("it fits no run")


@fails("goes_on_as_it_would")
class Jumps(Scheduler):
    """Its state lacks what its rates depend on."""

    target: ClassVar[str] = f"{HERE}:Counted"


class OfSmallImages(Model):
    """A model of images of 3 x 8 x 8."""

    target: ClassVar[str] = f"{HERE}:Net"

    def check_input(self, image: Any) -> None:
        """Only those."""
        if (image.channels, image.height) != (3, 8):
            raise CheckFailed("it takes 3 x 8 x 8")


@fails("takes_what_it_declares")
class Boasts(OfSmallImages):
    """It declares more outputs than it gives."""

    def num_outputs(self) -> int:
        """Wrong."""
        return 7


@fails("starts_from_the_seed")
class StartsAnywhere(OfSmallImages):
    """Its first values do not come from torch's generator."""

    target: ClassVar[str] = f"{HERE}:Unseeded"


@fails("keeps_its_weights")
class Hides(OfSmallImages):
    """What it computes depends on more than its state."""

    target: ClassVar[str] = f"{HERE}:Secretive"


@fails("can_be_trained")
class Frozen(OfSmallImages):
    """No gradient reaches its parameters."""

    target: ClassVar[str] = f"{HERE}:Cut"


@fails("has_the_modules_it_declares")
class Misnames(OfSmallImages):
    """Its layer has another name than it says."""

    def modules(self) -> Any:
        """Wrong."""
        weights = (TensorFacts("weight", (5, 192)), TensorFacts("bias", (5,)))
        return assembled(("Net",), {"fc": (ModuleFacts("", ("Linear", "Module"), weights),)})


@fails("follows_shapes")
class Widens(Layer):
    """A sample is larger after it than it says."""

    target: ClassVar[str] = f"{HERE}:Twice"

    def infer_shape(self, shape: Any) -> Any:
        """Wrong."""
        return shape


@fails("fills_in_place")
class FillsElsewhere(Init):
    """It gives another tensor."""

    target: ClassVar[str] = f"{HERE}:elsewhere"


@fails("draws_from_the_generator")
class DrawsElsewhere(Init):
    """It draws from another generator."""

    target: ClassVar[str] = f"{HERE}:from_numpy"


@fails("is_indexable")
class Endless(Dataset):
    """It has samples beyond its length."""

    target: ClassVar[str] = f"{HERE}:Unbounded"


@fails("gives_the_same_sample_again")
class Rolls(Dataset):
    """A sample is another one each time."""

    target: ClassVar[str] = f"{HERE}:Dice"


@fails("goes_to_loader_processes")
class HoldsALock(Dataset):
    """It does not pickle."""

    target: ClassVar[str] = f"{HERE}:WithLock"


@fails("is_a_function_of_seed_and_epoch")
class Draws(Sampler):
    """Its order comes from a running generator."""

    target: ClassVar[str] = f"{HERE}:drawn"


@fails("gives_numbers_of_samples")
class OneTooMany(Sampler):
    """It gives a number that no sample has."""

    target: ClassVar[str] = f"{HERE}:long"


class OfClasses(Metric):
    """A metric of classes."""

    target_forms: ClassVar = ("class_indices",)


@fails("measures")
class MeasuresNothing(OfClasses):
    """It gives no number."""

    target: ClassVar[str] = f"{HERE}:Nothing"


@fails("starts_anew")
class Sticks(OfClasses):
    """It remembers what was before its reset."""

    target: ClassVar[str] = f"{HERE}:Sticking"


@fails("answers_known_events")
class HearsNothing(Hook):
    """It implements no event."""

    target: ClassVar[str] = f"{HERE}:Deaf"


@fails("has_plain_memory")
class RemembersObjects(Hook):
    """Its memory is no plain data."""

    target: ClassVar[str] = f"{HERE}:Vague"


@fails("does_what_it_is_for")
class NegativeFactor(Function):
    """It gives a negative learning rate."""

    use: ClassVar = "learning rates"
    target: ClassVar[str] = f"{HERE}:negative"


@fails("is_found_by_name")
class NowhereToBeFound(Function):
    """Its target does not exist."""

    target: ClassVar[str] = f"{HERE}:no_such"
