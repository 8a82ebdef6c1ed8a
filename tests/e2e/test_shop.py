"""The shop of the examples, served as a stranger would serve it, does all that its pages say."""

import httpx2
import pytest
from tests.api import transcript
from tests.api.test_transcripts import FOLDER, RULEBOOKS, moments, play
from tests.serving import Running

FILES = sorted((FOLDER / "shop").glob("*.http"))


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    with Running("serve", "--port", 0, "--rulebook", RULEBOOKS["shop"], cwd=folder) as running:
        yield running


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_shop_answers_as_its_transcripts_say(shop, file):
    secrets = shop.secrets()
    names = transcript.Names(
        live_key=secrets["LAURELS_BOOTSTRAP_API_KEY"],
        app_id="demo",
        app_secret=secrets["LAURELS_BOOTSTRAP_APP_SECRET"],
        **moments(),
    )
    with httpx2.Client(base_url=shop.url) as client:
        for exchange in transcript.read(file):
            for _ in range(exchange.times):
                play(client, exchange, names, f"{file.name}:{exchange.line}")
