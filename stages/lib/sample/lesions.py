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
        core: Shift in the middle.
        elongation: Largest ratio of the two axes.
        spread: Extent of the lesions' positions, as a share of the image.
        pale: Share of the skin's colour replaced by depigmented skin.
        scale: Share of the surface covered by white scale.
        relief: Height, 1 for a dome.
        rough: Height of the bumps on the surface.
        vessels: Opacity of fine red vessels.
        patches: Expected number of flat brown patches nearby.
    """

    count: tuple[float, float]
    radius: tuple[float, float]
    jag: float
    soft: float
    body: tuple[float, float, float]
    mottle: tuple[float, float, float] = (0, 0, 0)
    rim: tuple[float, float, float] = (0, 0, 0)
    core: tuple[float, float, float] = (0, 0, 0)
    elongation: float = 1.5
    spread: float = 0.9
    pale: float = 0.0
    scale: float = 0.0
    relief: float = 0.0
    rough: float = 0.0
    vessels: float = 0.0
    patches: float = 0.2

    def towards(self, other: "Lesion", share: float) -> "Lesion":
        """Returns the look that lies `share` (0-1) of the way from this one to `other`."""
        mixed = {}
        for field in fields(self):
            own, others = (np.asarray(getattr(look, field.name), float) for look in (self, other))
            mixed[field.name] = ((1 - share) * own + share * others).tolist()
        return Lesion(**mixed)


LESIONS = {
    "psoriasis": Lesion(
        (2, 8), (0.08, 0.22), 0.28, 0.1, (-8, 18, 4), (-3, 4, 0), (-4, 5, 1),
        scale=0.6, relief=0.25, rough=0.4,
    ),
    "basal cell carcinoma": Lesion(
        (1, 1.5), (0.1, 0.24), 0.16, 0.15, (-2, 9, -1), (0, 2, 0), (6, 2, -2), (-17, 9, 3), 1.4, 0.4,
        relief=0.9, vessels=0.8,
    ),
    "folliculitis": Lesion(
        (14, 45), (0.015, 0.035), 0.15, 0.6, (-8, 17, 3), core=(24, -10, 10), elongation=1.2, relief=0.7
    ),
    "melanoma": Lesion(
        (1, 1.5), (0.12, 0.28), 0.45, 0.1, (-31, 1, -8), (11, 6, -1), (6, 3, 6), (-5, -2, -4), 1.8, 0.4,
        relief=0.15, rough=0.15,
    ),
    "vitiligo": Lesion((2, 8), (0.08, 0.26), 0.5, 0.14, (0, 0, 0), elongation=1.8, pale=0.85),
    "urticaria": Lesion(
        (4, 14), (0.06, 0.16), 0.35, 0.35, (-3, 11, 1), (0, 3, 0), (-1, 4, 0), (7, -5, 0), 1.8, relief=0.6
    ),
    "seborrheic keratosis": Lesion(
        (1, 5), (0.08, 0.2), 0.14, 0.07, (-19, 3, 5), (6, 1, 3), (-3, 0, 0), scale=0.08, relief=0.6, rough=1.0
    ),
    "kaposi sarcoma": Lesion(
        (3, 14), (0.04, 0.13), 0.22, 0.15, (-18, 13, -12), (5, 3, -3), elongation=1.8, relief=0.5
    ),
    "neurofibromatosis": Lesion(
        (8, 26), (0.025, 0.075), 0.08, 0.3, (0, 4, 1), elongation=1.2, relief=1.1, patches=2.5
    ),
    "port wine stain": Lesion(
        (3, 7), (0.14, 0.3), 0.5, 0.12, (-11, 19, -6), (4, -5, 1), elongation=1.8, spread=0.5
    ),
}  # fmt: skip
