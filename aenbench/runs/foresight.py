"""What `discover` would have chosen, for those who have just waited for another search."""

from aenbench.errors import InvalidArgumentError
from aenbench.runs.baselines import Baseline
from aenbench.runs.plan import Plan
from aenbench.search.evidence import ask_images
from aenbench.search.registry import ASK_IMAGES
from aenbench.tasks.images import Images


def foresee(plan: Plan) -> str:
    """One line on the network that the images alone would have given, and after how long; empty where none follows.

    Only the images to learn from are looked at. Nothing is said of methods that do not search, or ask the images
    themselves, nor of spaces whose moves cannot be asked about.
    """
    method, images = plan.method, Images(plan.task, plan.root)
    if not isinstance(method, Baseline) or not method.learns or method.search in ASK_IMAGES:
        return ""
    space = method.space(images.shape)
    if not space.candidates:
        return ""
    learn, choose_by = images.training()
    try:
        evidence = ask_images(space, learn, len(choose_by), 0)
    except InvalidArgumentError as error:
        return f"The images alone would not have said anything: {error}"
    facts = space.candidate(space.state_of(evidence.symmetries())).architecture.facts
    network = method.family.describe(facts, images.shape)
    name = method.name.partition(":")[0]
    return (
        f"The images alone say {network}: {name} --search discover chooses that after {evidence.seconds:.1f} s of a "
        "core, with no network trained."
    )
