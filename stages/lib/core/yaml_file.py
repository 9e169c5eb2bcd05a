"""YAML as DVC reads it, and without its silent traps."""

import re
from typing import Any

import yaml


def parse(text: str) -> Any:
    """Parses YAML.

    Args:
        text: The document.

    Returns:
        Dictionaries, lists and scalars; `1e-4` is the number that DVC takes it for.

    Raises:
        yaml.YAMLError: If it is not YAML, or a key stands twice in one mapping.
    """
    return yaml.load(text, Loader=_UniqueKeyLoader)


class _UniqueKeyLoader(yaml.SafeLoader):
    """A loader that refuses duplicate keys, and reads exponents without a point as numbers (YAML 1.2)."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys = [key.value for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


_UniqueKeyLoader.yaml_implicit_resolvers = {
    first: list(rules) for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_UniqueKeyLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d[\d_]*)(\.[\d_]*)?[eE][-+]?\d+$"),
    list("-+0123456789"),
)
