"""All scenarios this range knows: the declared ones (scenarios_open.py) and those drawn from a seed: r0, r1, r2 ...
(scenarios_random.py: statements by sqlmap), h0, h1, h2 ... (scenarios_hand.py: statements by hand and by another tool, with
accidents of the evidence) and p0, p1, p2 ... (scenarios_plain.py: record numbers and files)."""
import re
import scenarios_hand, scenarios_open, scenarios_plain, scenarios_random


class Scenarios(dict):
    def __missing__(self, name):
        if re.fullmatch(r"r\d+", name):
            return scenarios_random.draw(int(name[1:]))
        if re.fullmatch(r"h\d+", name):
            return scenarios_hand.draw(int(name[1:]))
        if re.fullmatch(r"p\d+", name):
            return scenarios_plain.draw(int(name[1:]))
        raise KeyError(f"no scenario {name}")


SCENARIOS = Scenarios(scenarios_open.SCENARIOS)
