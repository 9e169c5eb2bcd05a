"""The stages, one module each: `python -m stages.fetch`, ..., `python -m stages.publish`.

What Python imports first of a stage: so libraries find the environment settled, whichever a stage imports first.
"""

from stages.lib.core import environment

environment.settle()
