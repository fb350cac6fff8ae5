"""Modules that apply another module to each of several images."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class _Embedding(nn.Module):
    def __init__(self, network: nn.Module, normalize: bool = False) -> None:
        super().__init__()
        self.network = network
        self.normalize = normalize

    def embedded(self, images: Tensor) -> Tensor:
        """Return the embeddings of images."""
        embeddings: Tensor = self.network(images)
        return F.normalize(embeddings) if self.normalize else embeddings


class Pair(_Embedding):
    """Embeds two images separately."""

    def forward(self, first: Tensor, second: Tensor) -> dict[str, Tensor]:
        """Return their embeddings."""
        return {"output": self.embedded(first), "second_output": self.embedded(second)}


class PairDistance(_Embedding):
    """Embeds two images and returns the distance between them."""

    def __init__(self, network: nn.Module, normalize: bool, p: float) -> None:
        super().__init__(network, normalize)
        self.distance = nn.PairwiseDistance(p)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return the distances."""
        distances: Tensor = self.distance(self.embedded(first), self.embedded(second))
        return distances


class PairRanking(_Embedding):
    """Scores two images separately."""

    def forward(self, first: Tensor, second: Tensor) -> dict[str, Tensor]:
        """Return their scores."""
        return {"output": self.embedded(first).squeeze(1), "second_output": self.embedded(second).squeeze(1)}


class Triplet(_Embedding):
    """Embeds three images separately."""

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> dict[str, Tensor]:
        """Return their embeddings."""
        return {
            "output": self.embedded(anchor),
            "positive_output": self.embedded(positive),
            "negative_output": self.embedded(negative),
        }


class Gaussian(nn.Module):
    """Interprets outputs as means and variances."""

    def __init__(self, network: nn.Module, minimum: float) -> None:
        super().__init__()
        self.network = network
        self.minimum = minimum

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Return means and variances."""
        mean, raw = self.network(images).chunk(2, dim=1)
        return {"output": mean, "variance": F.softplus(raw) + self.minimum}
