"""A process of its own that writes to a store: its place, its number, and how many batches."""

import logging
import random
import sys

from tests.cast import SHOP, SHOP_TEST, a_stage
from tests.contract.together import IDS_EACH

PEOPLE = 6


def main(place: str, number: int, batches: int) -> None:
    """Send batches about the same few people as everybody; print how much each was given."""
    logging.basicConfig(stream=sys.stderr)  # Where nothing may be in the end.
    chance = random.Random(number)
    with a_stage(place) as stage:
        stage.clock.count = IDS_EACH * number
        for step in range(batches):
            batch = []
            for n in range(4):
                world, who = chance.choice([SHOP, SHOP_TEST]), f"p{chance.randrange(PEOPLE)}"
                newcomer = f"new{step + n}"
                key = f"{step}-{n}"  # The same in each process: one of them decides.
                batch += [
                    stage.event("buy", who, world=world, amount=1),
                    stage.event("buy", newcomer, key, world=world, amount=100),
                    stage.claim("nobody knows", f"stranger{step}"),
                ]
            stage.send(*batch)
    sys.stdout.write(f"{4 * batches}\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
