"""The stages, one module each. Those with a network run in the warm process of a run, if it has one."""

from stages.lib import warm

# here and not in the modules, since Python comes here first: their imports take longer than handing them over
warm.hand_over({"stages.features", "stages.train", "stages.evaluate", "stages.explain"})
