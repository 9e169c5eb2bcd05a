"""What an image is compared by: its upright grey picture and up to 300 keypoints with RootSIFT descriptors.

Keypoints are found again after turning, scaling, cropping, recompression and text over the image: D. Lowe,
"Distinctive image features from scale-invariant keypoints", IJCV 60:91, 2004. Descriptors are compared after a square
root: Arandjelovic and Zisserman, "Three things everyone should know to improve object retrieval", CVPR 2012.

Descriptors are whole numbers of 8 bits. A scalar product of two is below 2**24, so that float32 computes it exactly, in
whatever order a processor adds: nothing that follows depends on the number of threads.
"""

import threading
from dataclasses import dataclass

import cv2
import numpy as np

MAX_KEYPOINTS = 300
AREA_PX = 160 * 160
"""Of the grey picture. At 224 x 224 px no more copies of HAM10000's images were found, in half as much time again."""
LENGTH = 512
"""Of a descriptor, up to rounding."""
MIRROR = np.arange(128).reshape(4, 4, 8)[::-1][:, :, [0, 7, 6, 5, 4, 3, 2, 1]].ravel()
"""Order of a descriptor's 128 numbers in the mirror image: rows of cells and the sense of rotation are reversed."""

_MAX_ASPECT = 3.0
_KEYPOINT_RULES = {"nfeatures": MAX_KEYPOINTS, "contrastThreshold": 0.01, "edgeThreshold": 15}
"""More generous than OpenCV's, which leave smooth skin without keypoints."""
_tools = threading.local()


@dataclass(frozen=True)
class LocalFeatures:
    """Of one image, in the pixels of its grey picture."""

    grey: np.ndarray
    """uint8, `(height, width)`."""
    points: np.ndarray
    """float32, `(k, 2)`: x and y."""
    descriptors: np.ndarray
    """uint8, `(k, 128)`."""


def describe(image: np.ndarray, aspect: float = 1.0) -> LocalFeatures:
    """Finds an image's keypoints.

    Args:
        image: uint8 RGB, `(side, side, 3)`: stretched to a square, as tensors are.
        aspect: Width by height before it was stretched. SIFT does not see through stretching.
    """
    root = np.sqrt(np.clip(aspect, 1 / _MAX_ASPECT, _MAX_ASPECT) * AREA_PX)
    size = (round(root), round(AREA_PX / root))
    grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
    sift, equaliser = _own_tools()
    keypoints, sifts = sift.detectAndCompute(equaliser.apply(grey), None)
    if sifts is None:
        return LocalFeatures(grey, np.zeros((0, 2), np.float32), np.zeros((0, 128), np.uint8))
    # SIFT keeps more than asked for where several are as strong as the weakest
    strongest = np.argsort([-keypoint.response for keypoint in keypoints], kind="stable")[:MAX_KEYPOINTS]
    roots = LENGTH * np.sqrt(sifts / np.maximum(sifts.sum(axis=1, keepdims=True), 1e-6))
    points = np.float32([keypoint.pt for keypoint in keypoints])
    return LocalFeatures(grey, points[strongest], np.minimum(np.rint(roots), 255).astype(np.uint8)[strongest])


def _own_tools() -> tuple[cv2.SIFT, cv2.CLAHE]:
    """Returns this thread's detector and local contrast equaliser, which threads cannot share."""
    if not hasattr(_tools, "pair"):
        _tools.pair = cv2.SIFT_create(**_KEYPOINT_RULES), cv2.createCLAHE(3.0, (4, 4))
    return _tools.pair
