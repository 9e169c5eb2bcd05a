"""How each condition of the sample looks: count, size, outline, colours and surface of its lesions.

Made up so that conditions differ in what a network can see; not a description of any disease.
"""

from dataclasses import dataclass, fields

import numpy as np


@dataclass(frozen=True)
class Lesion:
    """How a condition looks. Ranges are (low, high); colours are CIELAB shifts (L*, a*, b*) of the skin.

    Attributes:
        count: Range of the number of lesions.
        radius: Range of the radius, as a share of the image's short side.
        jag: Irregularity of the outline, 0 for an ellipse.
        soft: Width of the border's fade, as a share of the radius.
        body: Shift over the whole lesion.
        mottle: Shift in blotches inside the lesion.
        rim: Shift in a band along the border.
        elongation: Largest ratio of the two axes.
        spread: Extent of the lesions' positions, as a share of the image.
        pale: Share of the skin's colour replaced by depigmented skin.
        scale: Share of the surface covered by white scale.
        relief: Height, 1 for a dome.
        rough: Height of the bumps on the surface.
    """

    count: tuple[float, float]
    radius: tuple[float, float]
    jag: float
    soft: float
    body: tuple[float, float, float]
    mottle: tuple[float, float, float] = (0, 0, 0)
    rim: tuple[float, float, float] = (0, 0, 0)
    elongation: float = 1.5
    spread: float = 0.9
    pale: float = 0.0
    scale: float = 0.0
    relief: float = 0.0
    rough: float = 0.0

    def towards(self, other: "Lesion", share: float) -> "Lesion":
        """Returns the look that lies `share` (0-1) of the way from this one to `other`."""
        mixed = {}
        for field in fields(self):
            own, others = (np.asarray(getattr(look, field.name), float) for look in (self, other))
            mixed[field.name] = ((1 - share) * own + share * others).tolist()
        return Lesion(**mixed)


LESIONS = {
    "psoriasis": Lesion(
        (3, 6),
        (0.22, 0.36),
        0.28,
        0.1,
        (-6, 32, 12),
        (-3, 4, 0),
        (-4, 5, 1),
        spread=0.7,
        scale=0.4,
        relief=0.25,
        rough=0.4,
    ),
    "melanoma": Lesion(
        (2, 3), (0.4, 0.6), 0.45, 0.1, (-38, -4, -22), (8, 2, -1), (6, 3, 4), 1.8, 0.3, relief=0.15, rough=0.15
    ),
    "seborrheic keratosis": Lesion(
        (5, 8), (0.28, 0.4), 0.14, 0.07, (-12, 1, 34), (6, 1, 3), (-3, 0, 0), spread=0.7, relief=0.6, rough=1.0
    ),
    "vitiligo": Lesion((5, 8), (0.3, 0.45), 0.5, 0.14, (0, 0, 0), elongation=1.8, spread=0.8, pale=0.97),
    "port wine stain": Lesion((4, 6), (0.34, 0.5), 0.5, 0.12, (-14, 24, -34), (4, -5, 1), elongation=1.8, spread=0.5),
}
