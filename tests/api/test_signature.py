"""Signatures of webhooks: what each scheme takes, what it refuses, and who else agrees."""

import ast
import base64
import hmac
import inspect
import random
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from laurels.api import signature
from laurels.api.signature import check_age, check_digest, key_of, read_signed
from laurels.core.errors import InvalidSignature, MalformedSignature, SignatureExpired

NOW_S = 1_775_817_000
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(range(1, 33))).decode()
BODY = b'{"id":"evt_1"}'


def digest(secret, signed):
    return hmac.digest(secret.encode(), signed, "sha256")


def stripe(body=BODY, at=NOW_S, secret=SECRET):
    return f"t={at},v1={digest(secret, b'%d.' % at + body).hex()}"


def is_good(scheme, headers, *secrets, body=BODY, now_s=NOW_S):
    """Say whether a signature is good; raise what refuses its form or its age."""
    named = {name.encode(): text.encode("latin-1") for name, text in headers.items()}
    signed = read_signed(scheme, named)
    check_age(signed, now_s * 1000)
    try:
        check_digest(scheme, signed, secrets or (SECRET,), body)
    except InvalidSignature:
        return False
    return True


def is_good_stripe(header, *secrets, **more):
    return is_good("stripe", {"stripe-signature": header}, *secrets, **more)


RIGHT = digest(SECRET, b"%d." % NOW_S + BODY).hex()
WRONG = "0" * 64


@pytest.mark.parametrize(
    "header",
    [
        f"t={NOW_S},v1={RIGHT}",
        f"v1={RIGHT},t={NOW_S}",
        f" t = {NOW_S} , v1 = {RIGHT} ",
        f"t={NOW_S},v1={RIGHT.upper()}",
        f"t={NOW_S},v0=abc,v1={RIGHT},scheme=,x=1=2",
        f"t={NOW_S},v1={RIGHT},v1={WRONG}",
        f"t={NOW_S},v1={WRONG},v1={RIGHT}",
        f"t={NOW_S},v1=nonsense,v1={RIGHT}",
        f"t={NOW_S},t={NOW_S},v1={RIGHT}",
    ],
)
def test_stripes_header_may_be_written_in_many_ways(header):
    assert is_good_stripe(header)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "   ",
        "nonsense",
        ",",
        f"t={NOW_S}",
        f"v1={RIGHT}",
        f"t={NOW_S},v1=",
        f"t={NOW_S},v1={RIGHT},",
        f",t={NOW_S},v1={RIGHT}",
        f"t={NOW_S},v1={RIGHT},flag",
        f"t=,v1={RIGHT}",
        f"t=-{NOW_S},v1={RIGHT}",
        f"t={NOW_S}.5,v1={RIGHT}",
        f"t=1e9,v1={RIGHT}",
        f"t=٣,v1={RIGHT}".encode().decode("latin-1"),
        f"t={'9' * 5_000},v1={RIGHT}",
        f"t={NOW_S},t={NOW_S + 1},v1={RIGHT}",
        f"t={NOW_S},v0={RIGHT}",
        f"t={NOW_S}" + f",v1={WRONG}" * (signature.SIGNATURES_MAX + 1),
    ],
)
def test_a_header_of_another_form_is_told_apart(header):
    with pytest.raises(MalformedSignature):
        is_good_stripe(header)


@pytest.mark.parametrize("value", [WRONG, RIGHT[:-2], RIGHT + "00", "zz", "é", RIGHT[:-1] + "x"])
def test_a_wrong_digest_is_no_signature(value):
    assert not is_good_stripe(f"t={NOW_S},v1={value}")


@pytest.mark.parametrize("position", range(32))
def test_every_byte_of_a_digest_counts(position):
    right = bytearray.fromhex(RIGHT)
    right[position] ^= 1

    assert not is_good_stripe(f"t={NOW_S},v1={right.hex()}")


def test_the_bytes_are_what_is_signed():
    header = stripe(b'{"a": 1.0, "b": "\xc3\xa9"}')

    assert is_good_stripe(header, body=b'{"a": 1.0, "b": "\xc3\xa9"}')
    for rewritten in (b'{"a":1.0,"b":"\xc3\xa9"}', b'{"a": 1, "b": "\xc3\xa9"}', b""):
        assert not is_good_stripe(header, body=rewritten)
    assert not is_good_stripe(header, body=b'{"a": 1.0, "b": "\\u00e9"}')
    for odd in (b"", b"\xff\xfe\x00", bytes(range(256)) * 80):
        assert is_good_stripe(stripe(odd), body=odd)


@pytest.mark.parametrize(
    ("away_s", "is_young"), [(0, True), (299, True), (300, True), (301, False), (10**6, False)]
)
@pytest.mark.parametrize("sign", [1, -1], ids=["ahead", "ago"])
@pytest.mark.parametrize("scheme", ["stripe", "standard"])
def test_a_signature_is_good_for_five_minutes_either_way(scheme, away_s, sign, is_young):
    at = NOW_S + sign * away_s
    headers = {"stripe-signature": stripe(at=at)} if scheme == "stripe" else standard(at=at)

    if is_young:
        assert is_good(scheme, headers)
    else:
        with pytest.raises(SignatureExpired):
            is_good(scheme, headers)


@pytest.mark.parametrize("signer", [SECRET, OTHER])
def test_while_a_secret_is_changed_both_are_good(signer):
    headers = {
        "stripe": {"stripe-signature": stripe(secret=signer)},
        "standard": standard(secret=signer),
        "github": {"x-hub-signature-256": "sha256=" + digest(signer, BODY).hex()},
        "shopify": {"x-shopify-hmac-sha256": base64.b64encode(digest(signer, BODY)).decode()},
    }
    for scheme, signed in headers.items():
        assert is_good(scheme, signed, SECRET, OTHER)
        assert not is_good(scheme, signed, "a secret of somebody else, 32 bytes")
        assert not is_good(scheme, signed, SECRET if signer == OTHER else OTHER)


def standard(body=BODY, at=NOW_S, secret=SECRET, id_="msg_1"):
    signed = Webhook(secret).sign(id_, datetime.fromtimestamp(at, UTC), body.decode())
    return {"webhook-id": id_, "webhook-timestamp": str(at), "webhook-signature": signed}


def bodies(count):
    """Return some of any size up to 20 kB, with characters of all planes, and an empty one."""
    chance = random.Random(7)
    letters = ["a", "0", '"', "\\", "\n", " ", "é", "Ж", "漢", "😀", "\u2028"]
    yield ""
    for number in range(count - 1):
        size = 20_000 if number < 3 else int(chance.paretovariate(0.7)) % 20_000
        yield "".join(chance.choices(letters, k=min(size, 20_000)))


def test_what_the_reference_signs_we_take():
    for number, text in enumerate(bodies(1_000)):
        body, id_ = text.encode(), f"msg_{number}"
        headers = standard(body, id_=id_)

        assert is_good("standard", headers, body=body)
        assert not is_good("standard", headers, body=body + b" ")
        assert not is_good("standard", headers | {"webhook-id": id_ + "x"}, body=body)


def test_what_we_would_sign_the_reference_takes():
    """By our own key and our own idea of what is signed."""
    reference, now_s = Webhook(SECRET), int(datetime.now(UTC).timestamp())
    for number, text in enumerate(bodies(1_000)):
        body, id_ = text.encode(), f"msg_{number}"
        headers = {"webhook-id": id_, "webhook-timestamp": str(now_s), "webhook-signature": "v1,"}
        named = {name.encode(): value.encode() for name, value in headers.items()}
        before = read_signed("standard", named).before
        right = hmac.digest(key_of("standard", SECRET), before + body, "sha256")
        headers["webhook-signature"] = "v1," + base64.b64encode(right).decode()

        reference.verify(body, headers, json_parse=False)
        with pytest.raises(WebhookVerificationError):
            reference.verify(body + b"x", headers, json_parse=False)


@pytest.mark.parametrize("around", ["{}", "v1,AAAA {}", "{} v1,AAAA", "v1a,xyz {} v2,x", "  {}  "])
def test_any_standard_signature_of_version_1_may_be_right(around):
    headers = standard()
    headers["webhook-signature"] = around.format(headers["webhook-signature"])

    assert is_good("standard", headers)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": ""},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "1775817000.5"},
        {"webhook-signature": ""},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1a,AAAA"},
    ],
)
def test_a_standard_header_that_is_no_signature_is_malformed(change):
    with pytest.raises(MalformedSignature):
        is_good("standard", standard() | change)


@pytest.mark.parametrize("padded", [True, False])
def test_a_standard_secret_is_decoded_and_any_other_is_taken_as_it_is(padded):
    text = base64.b64encode(b"k" * 31).decode()
    secret = "whsec_" + (text if padded else text.rstrip("="))

    assert key_of("standard", secret) == b"k" * 31
    assert key_of("standard", "whsec_no base64!") == b"whsec_no base64!"
    assert key_of("standard", "a plain one") == b"a plain one"
    assert key_of("stripe", secret) == secret.encode()


def test_githubs_and_shopifys_sign_the_body_alone():
    right = hmac.digest(SECRET.encode(), BODY, "sha256")
    text = base64.b64encode(right).decode()

    assert is_good("github", {"x-hub-signature-256": f"sha256={right.hex()}"})
    assert is_good("shopify", {"x-shopify-hmac-sha256": text})
    assert not is_good("github", {"x-hub-signature-256": f"sha256={WRONG}"})
    assert not is_good("shopify", {"x-shopify-hmac-sha256": text[:-4] + "AAA="})
    assert not is_good("shopify", {"x-shopify-hmac-sha256": "é"})
    for scheme, headers in (
        ("github", {}),
        ("github", {"x-hub-signature": f"sha1={WRONG[:40]}"}),
        ("github", {"x-hub-signature-256": right.hex()}),
        ("github", {"x-hub-signature-256": "sha256="}),
        ("shopify", {}),
        ("shopify", {"x-shopify-hmac-sha256": " "}),
    ):
        with pytest.raises(MalformedSignature):
            is_good(scheme, headers)


def test_githubs_own_example_is_good():
    """The one of GitHub's documentation."""
    header = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

    assert is_good(
        "github",
        {"x-hub-signature-256": header},
        "It's a Secret to Everybody",
        body=b"Hello, World!",
    )


def test_digests_are_compared_in_constant_time():
    """With `compare_digest`, and with nothing else; all of them, whichever is right."""
    tree = ast.parse(inspect.getsource(check_digest))

    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Compare)]
    calls = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert "hmac.compare_digest" in calls
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Break | ast.Return)]
