import numpy as np
import pandas as pd

from stages.explain import choose
from stages.lib.data.manifest import Examples


def examples(labels):
    keys = [f"{number:032x}" for number in range(len(labels))]
    return Examples(keys, np.arange(len(labels)), np.array(labels), pd.DataFrame(index=range(len(labels))))


def test_the_first_image_of_every_class_comes_before_the_second_of_any():
    assert choose(examples([2, 2, 2, 0, 0, 1]), 5).tolist() == [0, 3, 5, 1, 4]


def test_all_images_are_chosen_where_there_are_too_few():
    assert sorted(choose(examples([0, 0]), 9).tolist()) == [0, 1]


def test_the_order_of_the_table_decides_nothing():
    test = examples([2, 2, 2, 0, 0, 1])
    turned = Examples(test.keys[::-1], test.positions[::-1], test.labels[::-1], test.table)
    chosen = [turned.keys[place] for place in choose(turned, 4)]
    assert chosen == [test.keys[place] for place in choose(test, 4)]
