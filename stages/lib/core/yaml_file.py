"""YAML as DVC reads it: version 1.2, and a duplicate key is an error."""

from typing import Any

from ruamel.yaml import YAML, YAMLError
from ruamel.yaml.constructor import DuplicateKeyError

from stages.lib.core.errors import PipelineError


def parse(text: str, origin: str) -> Any:
    """Parses YAML to dictionaries, lists and scalars.

    Args:
        text: The document.
        origin: The file's name, for messages.

    Raises:
        PipelineError: If it is not YAML, or has a duplicate key.
    """
    try:
        return YAML(typ="safe").load(text)
    except DuplicateKeyError as error:
        line = error.problem_mark.line + 1
        raise PipelineError(f"{origin}: line {line}: {error.problem.split(' with value')[0]}; keep one") from None
    except YAMLError as error:
        raise PipelineError(f"{origin}: not YAML: {error}") from None
