"""Tokens: ours pass for an hour, and whatever is not exactly ours never does."""

import base64
import hmac
import json
import random

import jwt
import pytest
from tests.api.stub import ABSENT, APP_SECRET, NOW, SECRET, House

from laurels.api.token import Tokens
from laurels.core.errors import Unauthorized

OTHER = b"another secret that is long enough to sign"
NOW_S = NOW // 1000
MUTANTS = 2_000


@pytest.fixture
def tokens():
    return Tokens((SECRET,), "demo/live")


def good():
    return {"sub": "u", "iat": NOW_S, "exp": NOW_S + 60, "jti": "t1"}


def forge(claims, *, header=None, key=SECRET, payload=None):
    """Sign by hand: a library would refuse to make most of these."""
    head = json.dumps({"alg": "HS256", "typ": "JWT"} if header is None else header).encode()
    body = json.dumps(claims).encode() if payload is None else payload
    signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in (head, body))
    signature = hmac.digest(key, signed, "sha256")
    return signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")


def refused(tokens, token, now=NOW):
    with pytest.raises(Unauthorized) as refusal:
        tokens.verify(token, now)
    assert refusal.type is Unauthorized
    return refusal.value.message


def test_a_minted_token_is_good_for_an_hour_to_the_millisecond(tokens):
    token, expires_at = tokens.mint("demo/test", "ü", None, NOW)

    claims = tokens.verify(token.encode(), NOW)
    assert (claims.tenant, claims.participant, claims.is_demo) == ("demo/test", "ü", False)
    assert expires_at == NOW + 3_600_000
    tokens.verify(token.encode(), expires_at - 1)
    assert "expired" in refused(tokens, token.encode(), expires_at)
    assert "expired" in refused(tokens, token.encode(), expires_at)


def test_a_minted_token_carries_what_clients_read(tokens):
    token, _ = tokens.mint("demo/live", "usr_ü", "demo", NOW)

    header, payload, _ = token.split(".")
    text = base64.urlsafe_b64decode(payload + "==")
    assert text.isascii(), "clients read it as Latin-1"
    claims = json.loads(text)
    assert set(claims) == {"sub", "iat", "exp", "jti", "iss", "aud", "tenant", "kind"}
    assert claims["iss"] == claims["aud"] == "laurels"
    assert claims["kind"] == "demo"
    assert len(claims["jti"]) == 32
    assert int(claims["jti"], 16) >= 0
    assert json.loads(base64.urlsafe_b64decode(header + "=="))["alg"] == "HS256"


@pytest.mark.parametrize("kind", [None, "admin", 5, ["demo"], {"demo": 1}, True])
def test_only_demo_is_a_kind(tokens, kind):
    token, _ = tokens.mint("demo/live", "u", kind, NOW)

    assert "kind" not in jwt.decode(token, options={"verify_signature": False})
    assert not tokens.verify(token.encode(), NOW).is_demo


def test_a_token_of_an_apps_own_backend_belongs_to_the_bootstrap_tenant(tokens):
    claims = tokens.verify(forge(good()), NOW)

    assert (claims.tenant, claims.participant, claims.token_id) == ("demo/live", "u", "t1")


def test_the_previous_secret_verifies_and_no_longer_signs():
    rotated = Tokens((OTHER, SECRET), "demo/live")

    assert rotated.verify(forge(good()), NOW).participant == "u"
    new, _ = rotated.mint("demo/live", "u", None, NOW)
    assert "signature" in refused(Tokens((SECRET,), "demo/live"), new.encode())
    assert "signature" in refused(Tokens((OTHER,), "demo/live"), forge(good()))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "typ": "JWT"},
        {"alg": "None", "typ": "JWT"},
        {"alg": "nOnE", "typ": "JWT"},
        {"alg": "", "typ": "JWT"},
        {"alg": None},
        {"alg": ["HS256"]},
        {"alg": "hs256"},
        {"alg": "HS384"},
        {"alg": "HS512"},
        {"alg": "RS256"},
        {"alg": "ES256"},
        {"typ": "JWT"},
        {"alg": "HS256", "typ": "at+jwt"},
        {"alg": "HS256", "typ": 5},
        {"alg": "HS256", "crit": ["exp"]},
        {"alg": "HS256", "b64": False, "crit": ["b64"]},
        {"alg": "HS256", "kid": 5},
        [],
        "HS256",
        5,
    ],
)
def test_no_header_but_ours(tokens, header):
    refused(tokens, forge(good(), header=header))


@pytest.mark.parametrize("kid", ["../../../etc/passwd", "' OR 1=1 --", "http://evil.example/key"])
def test_a_key_id_leads_nowhere(tokens, kid):
    """It is read by nobody: the secret alone decides."""
    refused(tokens, forge(good(), header={"alg": "HS256", "kid": kid}, key=b""))


@pytest.mark.parametrize("key", [b"", b"0" * 32, OTHER, SECRET + b"x", SECRET[:-1]])
def test_no_signature_but_ours(tokens, key):
    assert "signature" in refused(tokens, forge(good(), key=key))


@pytest.mark.parametrize(
    "change",
    [
        {"exp": NOW_S},
        {"exp": NOW_S - 1},
        {"exp": -1},
        {"exp": float(NOW_S + 60)},
        {"exp": str(NOW_S + 60)},
        {"exp": 1e30},
        {"exp": 10**30},
        {"exp": True},
        {"exp": None},
        {"exp": ABSENT},
        {"exp": [NOW_S + 60]},
        {"iat": NOW_S + 61},
        {"iat": float(NOW_S)},
        {"iat": True},
        {"iat": ABSENT},
        {"nbf": NOW_S + 61},
        {"nbf": "soon"},
        {"nbf": None},
        {"sub": ABSENT},
        {"sub": ""},
        {"sub": 5},
        {"sub": "u" * 256},
        {"sub": "a\0b"},
        {"sub": None},
        {"jti": ABSENT},
        {"jti": ""},
        {"jti": 5},
        {"iss": "somebody"},
        {"iss": None},
        {"iss": ["laurels"]},
        {"aud": "somebody"},
        {"aud": []},
        {"aud": None},
        {"aud": ["x", 5]},
        {"tenant": "demo"},
        {"tenant": ""},
        {"tenant": "demo/prod"},
        {"tenant": "a/b/live"},
        {"tenant": "demo/live\n"},
        {"tenant": 5},
    ],
    ids=str,
)
def test_every_claim_is_checked_where_it_is_made(tokens, change):
    claims = {name: value for name, value in (good() | change).items() if value is not ABSENT}

    refused(tokens, forge(claims))


@pytest.mark.parametrize(
    "change",
    [
        {"iat": NOW_S + 60},
        {"nbf": NOW_S + 60},
        {"iss": "laurels"},
        {"aud": "laurels"},
        {"aud": ["x", "laurels"]},
        {"tenant": "demo/test"},
        {"sub": "u" * 255},
        {"anything": {"else": 1}},
    ],
    ids=str,
)
def test_what_is_right_passes(tokens, change):
    assert tokens.verify(forge(good() | change), NOW).participant


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"null",
        b"5",
        b'"text"',
        b"{",
        b"\xff",
        b"[" * 2_000,
        b'{"exp":NaN}',
        b'{"a":' * 600 + b"1" + b"}" * 600,
        b'{"sub":"u","iat":NaN,"exp":Infinity,"jti":"t"}',
        b'{"sub":"\\ud800","iat":1,"exp":99999999999,"jti":"t"}',
        b'{"sub":"u","iat":1,"exp":99999999999,"jti":"t","tenant":"\\udc00/live"}',
    ],
    ids=lambda payload: repr(payload[:12]),
)
def test_a_payload_that_is_none_is_refused(tokens, payload):
    refused(tokens, forge(None, payload=payload))


@pytest.mark.parametrize(
    "token",
    [
        b"",
        b".",
        b"..",
        b"a.b.c",
        b"a.b",
        b"a.b.c.d",
        b"x" * 1_000_000,
        b"." * 1_000_000,
        b"\xff.\xff.\xff",
        "ü.ü.ü".encode(),
    ],
    ids=lambda token: repr(token[:12]),
)
def test_what_is_no_token_is_refused(tokens, token):
    refused(tokens, token)


def test_a_header_too_deep_to_read_is_refused(tokens):
    deep = base64.urlsafe_b64encode(b"[" * 2_000).rstrip(b"=")
    token = deep + b".e30." + b"A" * 43

    refused(tokens, token)


def test_a_signature_has_one_spelling(tokens):
    """32 bytes leave two bits unused; padding and foreign characters are read over by some."""
    token = forge(good())
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = [token[:-1] + bytes([character]) for character in alphabet]
    odd = [token + b"=", token + b"A", token + b"\n", b" " + token, token[:-5] + b"!" + token[-5:]]

    assert [one for one in last if one == token]
    for one in [*last, *odd]:
        if one != token:
            refused(tokens, one)


def test_no_mutant_of_a_good_token_is_accepted(tokens):
    chance = random.Random(20_260_410)
    token = forge(good())
    tokens.verify(token, NOW)
    for _ in range(MUTANTS):
        mutant = mutated(chance, token)
        if mutant != token:
            refused(tokens, mutant)


def mutated(chance, token):
    whole = bytearray(token)
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        at = chance.randrange(len(whole))
        match chance.randrange(5):
            case 0:
                whole[at] = chance.randrange(256)
            case 1:
                del whole[at]
            case 2:
                whole.insert(at, chance.choice(b"ABCabc019-_.=+/ \n"))
            case 3:
                whole[at] ^= 1 << chance.randrange(8)
            case _:
                other = chance.randrange(len(whole))
                whole[at], whole[other] = whole[other], whole[at]
    return bytes(whole)


@pytest.mark.parametrize(
    ("headers", "cause"),
    [
        ([], "missing"),
        ([("authorization", "Basic x")], "missing"),
        ([("authorization", "Bearer x")], "malformed"),
        ([("authorization", "Bearer " + forge(good(), key=OTHER).decode())], "signature"),
        ([("authorization", "Bearer " + forge(good() | {"exp": 1}).decode())], "expired"),
        ([("authorization", f"Bearer {'x' * 60_000}")], "malformed"),
    ],
)
def test_the_message_tells_the_cause_and_the_body_is_always_json(headers, cause):
    reply = House().call("POST", "/v1/events", b"junk", headers=headers, key=None)

    assert (reply.status, reply.json["error"]) == (401, "unauthorized")
    assert cause in reply.json["message"]


def test_a_minted_token_opens_the_door():
    house = House()
    body = json.dumps({"appId": "demo", "appSecret": APP_SECRET, "userId": "ü"}).encode()
    minted = house.call("POST", "/v1/auth/token", body, key=None).json
    event = json.dumps({"userId": "ü", "name": "x", "payload": {}, "timestamp": 1}).encode()

    reply = house.call(
        "POST", "/v1/events", event, headers=[("authorization", "bearer " + minted["token"])]
    )

    assert reply.status == 200
    assert minted["expiresAt"] == NOW + 3_600_000
    assert (house.stub.events[0].tenant, house.stub.events[0].participant) == ("demo/live", "ü")


def test_the_longest_user_id_that_is_allowed_has_a_token_that_works():
    house = House()
    user = "\U0001f600" * 255
    body = {"appId": "demo", "appSecret": APP_SECRET, "userId": user}
    minted = house.call("POST", "/v1/auth/token", json.dumps(body).encode(), key=None)

    token = minted.json["token"]
    reply = house.call(
        "GET", "/v1/balance", headers=[("authorization", f"Bearer {token}")], key=None
    )

    assert (minted.status, reply.status) == (200, 200)
