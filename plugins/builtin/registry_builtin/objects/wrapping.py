"""Modules around another one, which they call for every image."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class _Embedding(nn.Module):
    def __init__(self, network: nn.Module, normalize: bool = False) -> None:
        super().__init__()
        self.network = network
        self.normalize = normalize

    def embedded(self, images: Tensor) -> Tensor:
        """The embeddings of images."""
        embeddings: Tensor = self.network(images)
        return F.normalize(embeddings) if self.normalize else embeddings


class Pair(_Embedding):
    """Two images, each by itself."""

    def forward(self, first: Tensor, second: Tensor) -> dict[str, Tensor]:
        """Their embeddings."""
        return {"output": self.embedded(first), "second_output": self.embedded(second)}


class PairDistance(_Embedding):
    """Two images, and the distance between them."""

    def __init__(self, network: nn.Module, normalize: bool, p: float) -> None:
        super().__init__(network, normalize)
        self.distance = nn.PairwiseDistance(p)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """The distances."""
        distances: Tensor = self.distance(self.embedded(first), self.embedded(second))
        return distances


class PairRanking(_Embedding):
    """Two images, with one number each."""

    def forward(self, first: Tensor, second: Tensor) -> dict[str, Tensor]:
        """Their scores."""
        return {"output": self.embedded(first).squeeze(1), "second_output": self.embedded(second).squeeze(1)}


class Triplet(_Embedding):
    """Three images, each by itself."""

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> dict[str, Tensor]:
        """Their embeddings."""
        return {
            "output": self.embedded(anchor),
            "positive_output": self.embedded(positive),
            "negative_output": self.embedded(negative),
        }


class Gaussian(nn.Module):
    """Outputs read as means and variances."""

    def __init__(self, network: nn.Module, minimum: float) -> None:
        super().__init__()
        self.network = network
        self.minimum = minimum

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Means and variances."""
        mean, raw = self.network(images).chunk(2, dim=1)
        return {"output": mean, "variance": F.softplus(raw) + self.minimum}
