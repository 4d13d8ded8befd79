"""What the users of a run do, and which processes are killed: a function of the seed alone.

A run repeats what was planned. What comes of it depends on the timing of the processes, too.
"""

import random
from dataclasses import dataclass

USERS = 5
"""The first one owns both rooms for the whole run."""
ROOM_KINDS = ("public", "private")
STEPS = 150
"""Of each user."""
EMOJI = ("👍", "🎉", "❤️")
_CHATTING = {
    "send": 22,
    "post": 6,
    "edit": 10,
    "delete": 5,
    "react": 12,
    "repeat": 8,
    "join": 6,
    "leave": 2,
    "history": 3,
    "read": 3,
    "who": 2,
    "typing": 2,
    "drop": 4,
}
_OWNER = {**_CHATTING, "add": 40, "remove": 10, "role": 14, "mute": 4, "unmute": 12, "ban": 3, "unban": 9}
_OTHERS = {**_CHATTING, "enter": 6, "exit": 2, "add": 2, "remove": 2, "role": 1, "mute": 1, "unmute": 1, "ban": 1}
_FAULTS = ("kill server 0", "kill server 1", "kill store")


@dataclass(frozen=True)
class Step:
    """One action. `room` is the number of the room; `pick` and `choice` (0 to 1) select a message, a user, a value."""

    action: str
    room: int
    pick: float
    choice: float
    pause: float
    """Seconds before it."""
    waits: bool
    """Whether the user waits for the reply before the next step."""


@dataclass(frozen=True)
class Plan:
    """`faults`: after how many steps of all users which process is killed."""

    seed: int
    scripts: tuple[tuple[Step, ...], ...]
    faults: tuple[tuple[int, str], ...]


def make_plan(seed: int) -> Plan:
    """Return the plan of a seed."""
    chance = random.Random(seed)
    scripts = tuple(
        tuple(
            Step(
                action=chance.choices(list(weights), list(weights.values()))[0],
                room=chance.randrange(len(ROOM_KINDS)),
                pick=chance.random(),
                choice=chance.random(),
                pause=chance.choice([0.0, 0.0, 0.005, 0.02, 0.06]),
                waits=chance.random() < 0.5,
            )
            for _ in range(STEPS)
        )
        for weights in [_OWNER, *[_OTHERS] * (USERS - 1)]
    )
    total = USERS * STEPS
    kinds = chance.sample(_FAULTS, len(_FAULTS))
    faults = tuple((total * (number + 1) // (len(kinds) + 1), kind) for number, kind in enumerate(kinds))
    return Plan(seed, scripts, faults)
