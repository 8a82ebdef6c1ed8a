"""Forged tokens, at the door itself: every one is nobody's, and none is a fault of ours."""

import asyncio
import base64
import hmac
import itertools
import json
import random
import string
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient
from tests.api.stub import NOW, SECRET, House

from laurels import wiring
from laurels.api.token import Tokens
from laurels.core.errors import Unauthorized
from laurels.engine.registry import ApiKey, App

NOW_S = NOW // 1000
MUTANTS = 100_000
MUTANTS_AT_THE_DOOR = 10_000
HS256 = {"alg": "HS256", "typ": "JWT"}
URL_SAFE = (string.ascii_letters + string.digits + "-_").encode()
EVENT = json.dumps({"userId": "usr", "name": "x", "payload": {}, "timestamp": 1}).encode()
PUBLIC_KEY = b"""-----BEGIN PUBLIC KEY-----
MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALKZD0nEffqM1ACuak0bijtqE2QrI/Kl
dvvQhKrbXRgqYjPvQ4P8Fbqgq2bB1+0Ym6oKNW7DqvE8Sd5wP8YcF0cCAwEAAQ==
-----END PUBLIC KEY-----
"""


def good(**more):
    return {"sub": "usr", "iat": NOW_S, "exp": NOW_S + 600, "jti": "t1"} | more


def without(name):
    return {key: value for key, value in good().items() if key != name}


def part(value):
    """Encode one part of a token: raw bytes as they are, and anything else as JSON."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def signed(claims, header=HS256, key=SECRET, digest="sha256"):
    """Sign by hand: a library would refuse to make most of these."""
    text = part(header) + b"." + part(claims)
    return text + b"." + part(hmac.digest(key, text, digest))


def unsigned(claims, header):
    return part(header) + b"." + part(claims) + b"."


TOKEN = signed(good())
HEAD, BODY, SIGNATURE = TOKEN.split(b".")
FORGED = {
    "alg none": unsigned(good(), {"alg": "none"}),
    "alg none, signed": signed(good(), {"alg": "none"}),
    "alg None": unsigned(good(), {"alg": "None"}),
    "alg nOnE": unsigned(good(), {"alg": "nOnE"}),
    "alg NONE, old signature": part({"alg": "NONE"}) + b"." + BODY + b"." + SIGNATURE,
    "no alg": signed(good(), {"typ": "JWT"}),
    "no signature": HEAD + b"." + BODY + b".",
    "no signature and no dot": HEAD + b"." + BODY,
    "public key as the secret": signed(good(), HS256, PUBLIC_KEY),
    "public key as the secret, stripped": signed(good(), HS256, PUBLIC_KEY.strip()),
    "RS256 signed by our secret": signed(good(), {"alg": "RS256", "typ": "JWT"}),
    "RS256 signed by a public key": signed(good(), {"alg": "RS256"}, PUBLIC_KEY),
    "ES256": signed(good(), {"alg": "ES256", "typ": "JWT"}),
    "ES256 of 64 zero bytes": part({"alg": "ES256"}) + b"." + BODY + b"." + part(bytes(64)),
    "PS256": signed(good(), {"alg": "PS256"}),
    "EdDSA": signed(good(), {"alg": "EdDSA"}),
    "HS512": signed(good(), {"alg": "HS512"}, digest="sha512"),
    "HS384 named, SHA-256 made": signed(good(), {"alg": "HS384"}),
    "HS256 named, SHA-512 made": signed(good(), HS256, digest="sha512"),
    "kid is a path": signed(good(), {**HS256, "kid": "../../../../dev/null"}, b""),
    "kid is SQL": signed(good(), {**HS256, "kid": "x' UNION SELECT 'k' --"}, b"k"),
    "kid is a command": signed(good(), {**HS256, "kid": "|/bin/true"}, b""),
    "kid is an object": signed(good(), {**HS256, "kid": {"$ne": 1}}),
    "jku is ours to fetch": signed(good(), {**HS256, "jku": "http://127.0.0.1:1/k"}, b"k"),
    "jwk in the header": signed(good(), {**HS256, "jwk": {"kty": "oct", "k": "aw"}}, b"k"),
    "x5c in the header": signed(good(), {**HS256, "x5c": ["AA=="]}, b"k"),
    "empty key": signed(good(), HS256, b""),
    "key of NULs": signed(good(), HS256, bytes(32)),
    "half the secret": signed(good(), HS256, SECRET[:16]),
    "the secret in base64": signed(good(), HS256, base64.b64encode(SECRET)),
    "wrong aud": signed(good(aud="somebody")),
    "wrong iss": signed(good(iss="somebody")),
    "wrong sub": signed(good(sub=5)),
    "empty sub": signed(good(sub="")),
    "wrong typ": signed(good(), {"alg": "HS256", "typ": "at+jwt"}),
    "a token in a token": signed(TOKEN, {**HS256, "cty": "JWT"}),
    "expired": signed(good(exp=NOW_S - 1)),
    "expired now": signed(good(exp=NOW_S)),
    "exp is a float": signed(good(exp=NOW_S + 600.0)),
    "exp is text": signed(good(exp=str(NOW_S + 600))),
    "exp is 1e30": signed(good(exp=1e30)),
    "exp is 10**30": signed(good(exp=10**30)),
    "exp is true": signed(good(exp=True)),
    "exp is NaN": signed(good(exp=float("nan"))),
    "no exp": signed(without("exp")),
    "no iat": signed(without("iat")),
    "no jti": signed(without("jti")),
    "no sub": signed(without("sub")),
    "nbf to come": signed(good(nbf=NOW_S + 3_600)),
    "iat far ahead": signed(good(iat=NOW_S + 3_600)),
    "tenant is no world": signed(good(tenant="demo")),
    "two tokens, a comma": TOKEN + b", " + TOKEN,
    "two tokens, a space": TOKEN + b" " + TOKEN,
    "two tokens, a dot": TOKEN + b"." + TOKEN,
    "two bearers": TOKEN + b", Bearer " + TOKEN,
    "1 MB": TOKEN + b"A" * 1_000_000,
    "1 MB of claims": signed(good(more="x" * 750_000)),
    "padded": TOKEN + b"=",
    "padded twice": TOKEN + b"==",
    "padded parts": b".".join((HEAD + b"==", BODY + b"=", SIGNATURE)),
    "percent-encoded": TOKEN.replace(b".", b"%2E"),
    "quoted": b'"' + TOKEN + b'"',
    "a line break inside": HEAD + b".\n" + BODY + b"." + SIGNATURE,
    "the other alphabet": signed(good(sub="usr", x="\xff\xfe~~~???>>>")).translate(
        bytes.maketrans(b"-_", b"+/")
    )
    + b"+",
    "duplicate alg, none first": signed(good(), b'{"alg":"none","alg":"HS256"}', b"k"),
    "duplicate alg, none last": signed(good(), b'{"alg":"HS256","alg":"none"}'),
    "duplicate sub, last is wrong": signed(json.dumps(good())[:-1].encode() + b',"sub":7}'),
    "duplicate exp, last is past": signed(json.dumps(good())[:-1].encode() + b',"exp":1}'),
    "claims are a list": signed([good()]),
    "claims are nested deep": signed(b"[" * 1_000 + b"]" * 1_000),
    "header is nested deep": signed(good(), b"[" * 1_000 + b"]" * 1_000),
    "claims are compressed": signed(b"x\x9c\xab\x56\x2a", {**HS256, "zip": "DEF"}),
    "JSON serialization": json.dumps(
        {"payload": BODY.decode(), "signatures": [{"signature": SIGNATURE.decode()}]}
    ).encode(),
    "five parts": b".".join((HEAD, b"", BODY, b"", SIGNATURE)),
    "parts turned round": b".".join((BODY, HEAD, SIGNATURE)),
}


def headers_of(token):
    return [("authorization", f"Bearer {token.decode('latin-1')}")]


def ask(house, headers):
    return house.call("POST", "/v1/events", EVENT, headers=headers, key=None)


def assert_nobody(house, reply):
    assert reply.status == 401
    assert reply.headers["content-type"] == "application/json"
    assert list(reply.json) == ["error", "message"]
    assert reply.json["error"] == "unauthorized"
    assert len(reply.body) < 300
    assert not house.stub.events


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_token_is_nobodys(name):
    house = House()

    assert_nobody(house, ask(house, headers_of(FORGED[name])))


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_token_opens_no_stream_by_its_query_either(name):
    house = House()

    path = f"/v1/sse/updates?token={quote(FORGED[name])}"
    assert_nobody(house, house.call("GET", path, key=None))


@pytest.mark.parametrize("first", ["good", "forged"])
def test_of_two_headers_none_is_chosen(first):
    house = House()
    tokens = [TOKEN, FORGED["empty key"]]

    headers = [each for token in tokens for each in headers_of(token)]
    assert_nobody(house, ask(house, headers if first == "good" else headers[::-1]))


def test_the_token_that_the_forged_ones_are_made_of_is_good():
    house = House()

    assert ask(house, headers_of(TOKEN)).status == 200


def test_a_part_that_is_told_twice_means_its_last_in_header_and_claims_alike():
    """As every JSON reader here has it: nothing may be checked in one spelling, used in another."""
    claims = b'{"sub":"somebody","aud":"x",' + json.dumps(good(aud="laurels")).encode()[1:]
    token = signed(claims, b'{"alg":"none","typ":"x","alg":"HS256","typ":"JWT"}')

    found = Tokens((SECRET,), "demo/live").verify(token, NOW)

    assert (found.participant, found.token_id) == ("usr", "t1")


def segments(chance, one, other):
    """Put parts of good tokens together that do not belong together, or drop and double some."""
    parts, others = one.split(b"."), other.split(b".")
    match chance.randrange(6):
        case 0:
            parts[chance.randrange(3)] = chance.choice(others)
        case 1:
            chance.shuffle(parts)
        case 2:
            del parts[chance.randrange(3)]
        case 3:
            parts.insert(chance.randrange(4), chance.choice(others))
        case 4:
            at = chance.randrange(3)
            parts[at] = parts[at][: chance.randrange(len(parts[at]))]
        case _:
            at = chance.randrange(3)
            parts[at] = part(chance.randbytes(len(parts[at]) * 3 // 4))
    return b".".join(parts)


def raw_bytes(chance, one, other):
    whole = bytearray(one)
    for _ in range(chance.choice((1, 1, 2, 5))):
        at = chance.randrange(len(whole))
        match chance.randrange(4):
            case 0:
                whole[at] = chance.randrange(256)
            case 1:
                whole[at] ^= 1 << chance.randrange(8)
            case 2:
                del whole[at]
            case _:
                whole.insert(at, chance.randrange(256))
    return bytes(whole)


def characters(chance, one, other):
    """Change it into what still looks like a token, so that it comes as far as the signature."""
    whole = bytearray(one)
    dots = {at for at, character in enumerate(whole) if character == ord(".")}
    for _ in range(chance.choice((1, 1, 1, 3))):
        at = chance.randrange(len(whole))
        if at not in dots:
            whole[at] = chance.choice(URL_SAFE)
    return bytes(whole)


def meaning(chance, one, other):
    """Change what is claimed, or the header, under the signature of the old one."""
    parts = one.split(b".")
    at = chance.randrange(2)
    value = json.loads(base64.urlsafe_b64decode(parts[at] + b"=="))
    name = chance.choice([*value, "tenant", "kind", "admin", "kid"])
    value[name] = chance.choice(
        ["none", "usr2", "other/live", NOW_S + 10**6, None, True, "demo", ["laurels"], 1.5, ""]
    )
    parts[at] = part(value)
    if chance.random() < 0.2:
        text = parts[0] + b"." + parts[1]
        parts[2] = part(hmac.digest(chance.randbytes(32), text, "sha256"))
    return b".".join(parts)


def mutants(count):
    """Make many tokens that are nearly good, the same ones each time."""
    chance = random.Random(20_260_410)
    tokens = Tokens((SECRET,), "demo/live")
    kinds = [None, "demo"]
    minted = [
        tokens.mint("demo/live", f"usr_{n}ü", kinds[n % 2], NOW).token.encode() for n in range(20)
    ]
    taken = {TOKEN, *minted}
    ways = itertools.cycle((segments, raw_bytes, characters, meaning))
    ones, others = itertools.cycle([TOKEN, *minted]), itertools.cycle(minted)
    while count:
        one, other = next(ones), next(others)
        mutant = next(ways)(chance, one, other)
        # Spaces around a token are the header's, not the token's.
        if mutant.strip() not in taken:
            count -= 1
            yield mutant


def test_no_mutant_of_a_hundred_thousand_is_accepted():
    tokens = Tokens((SECRET,), "demo/live")
    causes: dict[str, int] = {}
    for mutant in mutants(MUTANTS):
        try:
            tokens.verify(mutant, NOW)
        except Unauthorized as refusal:
            causes[refusal.message] = causes.get(refusal.message, 0) + 1
        else:
            pytest.fail(f"accepted: {mutant}")

    assert sum(causes.values()) == MUTANTS
    assert causes["The token's signature is wrong."] > MUTANTS / 4, "they come as far as that"


def test_no_mutant_opens_the_door_or_breaks_it():
    house = House()
    codes = {}

    async def knock():
        for mutant in mutants(MUTANTS_AT_THE_DOOR):
            header = (b"authorization", b"Bearer " + mutant)
            reply: Any = await house._call("POST", "/v1/events", [header], [EVENT])
            codes[reply.status, reply.json["error"]] = len(codes)

    asyncio.run(knock())

    assert set(codes) == {(401, "unauthorized")}
    assert not house.stub.events


@pytest.fixture
def foreign(house):
    """Return the header of a key, and a token, of another tenant in the same house."""
    registry, key = house.store.registry, "bq_live_admin_" + "e" * 32
    registry.create_tenant("other", 0)
    secret = "the secret of the other app, of 32 bytes"
    registry.put_app(App(id="other", tenant="other/live", secret_digest=wiring.digest(secret)), 0)
    registry.put_key(
        ApiKey(id="key_other", tenant="other/live", scopes=frozenset({"admin"})),
        digest=wiring.digest(key),
        hint="bq_live_eeee",
        at=0,
    )
    return key, secret


def test_a_token_of_another_app_speaks_for_its_own_tenant_alone(house, foreign):
    key, secret = foreign
    apps = {house.live_key: (house.app_id, house.app_secret), key: ("other", secret)}
    event = {"userId": "ann", "name": "x", "payload": {}, "timestamp": 1_716_100_000_000}
    with TestClient(house.app) as client:
        ids = {}
        for own, (app_id, app_secret) in apps.items():
            body = {"appId": app_id, "appSecret": app_secret, "userId": "ann"}
            token = client.post("/v1/auth/token", json=body).json()["token"]
            # One key in both tenants, and each hears of its own event.
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "k"}
            reply = client.post("/v1/events", json=event, headers=headers)
            assert reply.status_code == 200
            assert "X-Idempotent-Replay" not in reply.headers
            ids[own] = reply.json()["eventId"]
        for own, event_id in ids.items():
            path = "/api/v1/gamify/participants/ann/events"
            found = client.get(path, headers={"X-API-Key": own}).json()
            assert found["total"] == 1
            assert found["events"][0]["id"].removeprefix("evt_") in event_id


def test_apps_do_not_mint_for_one_another(house, foreign):
    _, secret = foreign
    with TestClient(house.app) as client:
        for app_id, app_secret in ((house.app_id, secret), ("other", house.app_secret)):
            body = {"appId": app_id, "appSecret": app_secret, "userId": "ann"}
            reply = client.post("/v1/auth/token", json=body)
            assert (reply.status_code, reply.json()["error"]) == (401, "invalid_credentials")
