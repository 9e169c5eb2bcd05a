"""Whether two images are of one photograph: keypoints match under one affine transform, and the pixels agree under it.

Matches pass Lowe's ratio test, then RANSAC (Fischler and Bolles, CACM 24:381, 1981). Of 2,760 copies of images of
HAM10000, altered in 46 ways, 99.7 % are found; images of different lesions had at most 6 matches in distinct places.

That is not enough where images share a watermark, a logo or a ruler: its keypoints match perfectly, and of pairs with
one watermark nearly all would pass. So one image is laid over the other, and their detail is correlated around every
pixel, wherever either has any. Of copies with few matches the median is .80 and more. Of 79,800 pairs of 400 images
under one watermark, two more are joined than without it, both of smooth skin that has no other detail.
"""

import cv2
import numpy as np

from stages.lib.split.local_features import LENGTH, MIRROR, LocalFeatures

MIN_INLIERS = 8
"""Matches in distinct places under one transform."""
MIN_CORRELATION = 0.75
"""Median of the local correlation."""
MANY_INLIERS = 60
"""More than common text or a logo gives."""
MIN_CORRELATION_OF_MANY = 0.5
"""For a copy that is written all over, or tilted, so that no affine transform fits it everywhere."""

_RATIO = 0.8
"""Of the distances to the nearest and second nearest descriptor: Lowe's."""
_REPROJECTION_PX = 2.0
_PLACE_PX = 3.0
"""Matches closer than that are one place."""
_AREA_RATIOS = (0.1, 10.0)
"""By how much the transform may shrink or enlarge."""
_SMOOTH_PX, _WINDOW_PX = 1.5, 3.0
"""Standard deviations: of smoothing, which takes out noise of compression, and of the window of the correlation."""
_MIN_DETAIL = 2.0
"""Variance in grey levels from which a window has detail. In a flat one only noise could agree."""
_MIN_DETAILED = 0.02
"""Share of the first image that must be covered and have detail."""
_DAMPING = 0.25
_WARP = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP


def inliers(a: LocalFeatures, b: LocalFeatures, mirrored: bool) -> int:
    """Compares two images.

    Args:
        a: One image.
        b: The other. The order may matter at the limits: keep to one.
        mirrored: Whether `b` is looked at in a mirror.

    Returns:
        Matches in distinct places that agree on one transform; 0 if they are too few or the pixels do not agree.
    """
    if min(len(a.points), len(b.points)) < MIN_INLIERS:
        return 0
    points_a, points_b = _matches(a, b, mirrored)
    if len(points_a) < MIN_INLIERS:
        return 0
    # OpenCV seeds the draws of every call alike
    warp, kept = cv2.estimateAffine2D(points_a, points_b, method=cv2.RANSAC, ransacReprojThreshold=_REPROJECTION_PX,
                                      maxIters=500)  # fmt: skip
    if warp is None or not _AREA_RATIOS[0] < abs(np.linalg.det(warp[:, :2])) < _AREA_RATIOS[1]:
        return 0
    kept = kept.ravel() == 1
    places = min(len(np.unique(np.round(points[kept] / _PLACE_PX), axis=0)) for points in (points_a, points_b))
    if places < MIN_INLIERS:
        return 0
    least = MIN_CORRELATION if places < MANY_INLIERS else MIN_CORRELATION_OF_MANY
    return places if correlation(a.grey, b.grey, warp) >= least else 0


def _matches(a: LocalFeatures, b: LocalFeatures, mirrored: bool) -> tuple[np.ndarray, np.ndarray]:
    """Returns the places of keypoints that match: float32, `(m, 2)` each."""
    other = b.descriptors[:, MIRROR] if mirrored else b.descriptors
    likeness = a.descriptors.astype(np.float32) @ other.astype(np.float32).T
    rows, nearest = np.arange(len(likeness)), likeness.argmax(axis=1)
    best = likeness[rows, nearest]
    likeness[rows, nearest] = -1
    # between vectors of one length, squared distance is 2 (length**2 - product)
    clear = LENGTH**2 - best < _RATIO**2 * (LENGTH**2 - likeness.max(axis=1))
    return a.points[clear], b.points[nearest[clear]]


def correlation(a: np.ndarray, b: np.ndarray, warp: np.ndarray) -> float:
    """Lays `b` over `a` and correlates their detail around every pixel.

    Args:
        a: uint8, `(height, width)`.
        b: uint8, `(height, width)`, perhaps of another size.
        warp: float, `(2, 3)`: from pixels of `a` to those of `b`.

    Returns:
        The median over the pixels of `a` that `b` covers and where either has detail, -1 to 1; -1 if they are too few.
    """
    size = a.shape[::-1]
    laid = cv2.warpAffine(b.astype(np.float32), warp, size, flags=_WARP, borderMode=cv2.BORDER_REPLICATE)
    covered = cv2.warpAffine(np.ones(b.shape, np.float32), warp, size, flags=_WARP) > 0.99
    first, second = (cv2.GaussianBlur(image, (0, 0), _SMOOTH_PX) for image in (a.astype(np.float32), laid))
    mean_a, mean_b = _around(first), _around(second)
    variance_a, variance_b = (_around(x * x) - mean * mean for x, mean in ((first, mean_a), (second, mean_b)))
    detailed = covered & (np.maximum(variance_a, variance_b) > _MIN_DETAIL)
    if detailed.mean() < _MIN_DETAILED:
        return -1.0
    product = np.maximum(variance_a, 0) + _DAMPING
    product *= np.maximum(variance_b, 0) + _DAMPING
    local = (_around(first * second) - mean_a * mean_b) / np.sqrt(product)
    return float(np.median(local[detailed]))


def _around(image: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), _WINDOW_PX)
