"""The shop of the examples, served as a stranger would serve it, does all that its pages say."""

import httpx2
import pytest
from tests.api import transcript
from tests.api.test_transcripts import FOLDER, PLAIN_KEY, RULEBOOKS, moments, play, put_plain_key
from tests.serving import Running

from laurels import wiring

OF_ANOTHER_RULEBOOK = ("events_page", "recommendations")
"""Transcripts that name missions which the shop does not have."""
FILES = sorted(
    [
        *(FOLDER / "shop").glob("*.http"),
        *(
            file
            for file in (FOLDER / "questkit").glob("*.http")
            if file.stem not in OF_ANOTHER_RULEBOOK
        ),
    ]
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    with Running("serve", "--port", 0, "--rulebook", RULEBOOKS["shop"], cwd=folder) as running:
        store = wiring.open_store(f"sqlite:{folder / 'laurels.db'}")
        put_plain_key(store.registry)
        store.close()
        yield running


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_the_shop_answers_as_its_transcripts_say(shop, file):
    secrets = shop.secrets()
    names = transcript.Names(
        live_key=secrets["LAURELS_BOOTSTRAP_API_KEY"],
        plain_key=PLAIN_KEY,
        app_id="demo",
        app_secret=secrets["LAURELS_BOOTSTRAP_APP_SECRET"],
        **moments(),
    )
    with httpx2.Client(base_url=shop.url) as client:
        for exchange in transcript.read(file):
            for _ in range(exchange.times):
                play(client, exchange, names, f"{file.name}:{exchange.line}")
