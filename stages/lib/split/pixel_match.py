"""Whether two images are the same photograph: laid over each other and compared in their fine detail.

Alike is not the same: two moles on a smooth skin agree in everything that is coarse, and only a copy agrees in hairs,
pores and borders. So the images are first laid over each other (a copy may be mirrored, cropped or scaled) and
then compared by the correlation of what a high-pass leaves. Correlation knows neither brightness nor contrast.

Each of three looks costs more than the one before and sees fewer pairs: about 0.2, 0.6 and 4 ms, and 0.9 ms for the
average candidate. On HAM10000 with planted copies (bench/duplicates.py) the fine look gives 95 % of copies cropped by
5 % a side .78 and more, every other copy .9 and more. Images of different lesions have at most .77, but for three
pairs, which show the same skin under two lesion numbers. In the coarse look strangers reach .95.
"""

import cv2
import numpy as np

SIDE_PX = 96
"""Side of the grey squares that are compared: small enough that recompression leaves their detail."""
MIN_DETAIL = 0.5
"""Standard deviation, in grey levels, of the detail that a square needs; in less, only noise could agree."""

_TEMPLATE_SHARE = 0.7
"""Of the first image's side: its centre, which is looked for in the second, so that either may be cropped."""
_GATE = {"side_px": 32, "blur_px": 3.0, "scales": (0.9, 1.0, 1.1)}
_GATE_LEAST = 0.75
_PLACE = {"side_px": 48, "blur_px": 4.0, "scales": (0.9, 0.95, 1.0, 1.05, 1.1)}
_PLACE_LEAST = 0.85
# Copies that were planted come to at least .87 and .92 in these two looks.

_ALIGN_BLUR_PX = 6.0
"""Of the high-pass for laying over: coarse enough for a slope towards the right place."""
_FINE_BLUR_PX = 3.0
"""Of the high-pass for the verdict."""
_ALIGN_STEPS = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 60, 1e-5)
_LEAST_OVERLAP = 0.6
"""Share of the first image that the second must cover once laid over it."""
_WARP = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP


def grey_square(image: np.ndarray) -> np.ndarray:
    """Reduces an image to what `PixelMatcher` compares.

    Args:
        image: uint8 RGB, `(side, side, 3)`.

    Returns:
        uint8, `(96, 96)`.
    """
    small = cv2.resize(image, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)


class PixelMatcher:
    """Compares pairs of a set of images. Threads may share one."""

    def __init__(self, squares: np.ndarray):
        """Prepares the first look.

        Args:
            squares: uint8, `(n, 96, 96)`, from `grey_square`.
        """
        self._squares = squares
        self._gate = [_detail(square, _GATE["side_px"], _GATE["blur_px"]) for square in squares]
        self._blank = [float(np.std(_detail(square, SIDE_PX, _FINE_BLUR_PX))) < MIN_DETAIL for square in squares]

    def likeness(self, first: int, second: int) -> float:
        """Compares two images.

        Args:
            first: Number of one image.
            second: Number of the other. The order may matter in the second decimal: keep to one.

        Returns:
            The correlation of their fine detail once laid over each other, -1 to 1; 0 if they cannot be.
        """
        if self._blank[first] or self._blank[second]:
            return 0.0
        if _place(self._gate[first], self._gate[second], _GATE["scales"])[0] < _GATE_LEAST:
            return 0.0
        a, b = self._squares[first], self._squares[second]
        details = (_detail(square, _PLACE["side_px"], _PLACE["blur_px"], smooth_px=1.0) for square in (a, b))
        correlation, mirrored, warp = _place(*details, _PLACE["scales"])
        if correlation < _PLACE_LEAST:
            return 0.0
        # the translation is in pixels of the small squares
        warp[:, 2] *= SIDE_PX / _PLACE["side_px"]
        return _fine(a, np.ascontiguousarray(b[:, ::-1]) if mirrored else b, warp)


def _detail(square: np.ndarray, side_px: int, blur_px: float, smooth_px: float = 0.0) -> np.ndarray:
    """Shrinks a square and takes its coarse shades out: float32, `(side_px, side_px)`."""
    small = square.astype(np.float32)
    if side_px != len(square):
        small = cv2.resize(small, (side_px, side_px), interpolation=cv2.INTER_AREA)
    kept = cv2.GaussianBlur(small, (0, 0), smooth_px) if smooth_px else small
    return kept - cv2.GaussianBlur(small, (0, 0), blur_px)


def _place(a: np.ndarray, b: np.ndarray, scales: tuple[float, ...]) -> tuple[float, bool, np.ndarray]:
    """Looks for the centre of `a` in `b` and in its mirror image.

    Returns:
        The best correlation, whether it was in the mirror image, and the transform from pixels of `a` to those of
        `b` or its mirror image, float32 `(2, 3)`.
    """
    side_px = len(a)
    margin_px = round(side_px * (1 - _TEMPLATE_SHARE) / 2)
    centre = a[margin_px : side_px - margin_px, margin_px : side_px - margin_px]
    best, mirrored_best, warp = -1.0, False, np.eye(2, 3, dtype=np.float32)
    sides = ((False, b), (True, np.ascontiguousarray(b[:, ::-1])))
    for scale in scales:
        width_px = round(len(centre) * scale)
        template = cv2.resize(centre, (width_px, width_px), interpolation=cv2.INTER_LINEAR)
        scale = width_px / len(centre)
        for mirrored, image in sides:
            _, value, _, (x, y) = cv2.minMaxLoc(cv2.matchTemplate(image, template, cv2.TM_CCOEFF_NORMED))
            if value > best:
                shift = (x - margin_px * scale, y - margin_px * scale)
                warp = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float32)
                best, mirrored_best = value, mirrored
    return best, mirrored_best, warp


def _fine(a: np.ndarray, b: np.ndarray, warp: np.ndarray) -> float:
    """Lays `b` over `a` as well as an affine transform can, and correlates their fine detail.

    The transform is refined by Evangelidis and Psarakis, "Parametric image alignment using enhanced correlation
    coefficient maximization", TPAMI 30:1858, 2008.
    """
    coarse = (_detail(square, SIDE_PX, _ALIGN_BLUR_PX, smooth_px=1.0) for square in (a, b))
    try:
        _, warp = cv2.findTransformECC(*coarse, warp, cv2.MOTION_AFFINE, _ALIGN_STEPS, None, 3)
    except cv2.error:  # it finds no way to lay one over the other
        return 0.0
    size = (SIDE_PX, SIDE_PX)
    covered = cv2.warpAffine(np.ones(size, np.float32), warp, size, flags=_WARP) > 0.99
    if covered.mean() < _LEAST_OVERLAP:
        return 0.0
    laid = cv2.warpAffine(_detail(b, SIDE_PX, _FINE_BLUR_PX), warp, size, flags=_WARP)
    pair = np.stack([_detail(a, SIDE_PX, _FINE_BLUR_PX)[covered], laid[covered]]).astype(np.float64)
    pair -= pair.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(pair, axis=1)
    return float(pair[0] @ pair[1] / lengths.prod()) if lengths.all() else 0.0
