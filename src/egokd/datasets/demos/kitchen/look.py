"""All that is drawn of one kitchen, made once and pasted into every frame."""

from functools import lru_cache

from egokd.datasets.demos.kit import hands, sprites
from egokd.datasets.demos.kit.paint import Sprite, shadow_of
from egokd.datasets.demos.kitchen import appliances, tools
from egokd.datasets.demos.kitchen.kitchens import Kitchen, make_kitchen
from egokd.datasets.demos.kitchen.script import NOUNS


class Look:
    """All sprites of one kitchen at one density."""

    def __init__(self, kitchen: Kitchen, density: float) -> None:
        self.objects = {noun: sprites.OBJECTS[noun](kitchen.objects[noun], density) for noun in NOUNS}
        self.objects["glass"] = tools.glass(density)
        self.shadows = {name: shadow_of(sprite, 0.022) for name, sprite in self.objects.items()}
        self.hands = {
            grip: hands.hand(kitchen.skin, kitchen.sleeve, kitchen.stripes, grip, density) for grip in (False, True)
        }
        self.hand_shadows = {grip: shadow_of(sprite, 0.03) for grip, sprite in self.hands.items()}
        self.tools: dict[str, Sprite] = {"knife": tools.knife(density), "stirrer": tools.stirrer(density)}
        self.board = tools.board(density)
        self.appliances = {name: draw(density) for name, draw in appliances.APPLIANCES.items()}
        self.appliance_shadows = {name: shadow_of(sprite, 0.03) for name, sprite in self.appliances.items()}


@lru_cache(maxsize=2)
def look_of(seed: int, index: int, shifted: bool, density: float) -> Look:
    """The sprites of kitchen `index`, kept for its next video."""
    return Look(make_kitchen(seed, index, shifted), density)
