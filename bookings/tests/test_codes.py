import itertools
import random

import pytest

from bookings import codes


def test_a_new_code_has_eight_characters_of_the_alphabet_and_is_valid() -> None:
    for _ in range(500):
        code = codes.new()
        assert len(code) == codes.LENGTH
        assert set(code) <= set(codes.ALPHABET)
        assert codes.is_valid(code)


@pytest.mark.parametrize("body", ["1234003", "12E4003"])
def test_a_new_code_is_never_one_that_a_spreadsheet_takes_for_a_number(
    monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    drawn = iter(f"{body}7K3M9QX")
    monkeypatch.setattr(codes.secrets, "choice", lambda _: next(drawn))
    assert codes.new().startswith("7K3M9QX")


def test_a_code_of_digits_that_was_given_out_stays_valid_and_has_a_letter_on_a_cards_statement() -> None:
    digits = next(f"1234003{last}" for last in codes.ALPHABET if codes.is_valid(f"1234003{last}"))
    assert digits.isdigit()
    assert codes.descriptor(digits) == f"NO{digits}"
    assert codes.descriptor("7K3M9QXA") == "7K3M9QXA"


def test_codes_differ() -> None:
    assert len({codes.new() for _ in range(2_000)}) == 2_000


def test_every_single_wrong_character_is_noticed() -> None:
    for code in (codes.new() for _ in range(20)):
        for place, other in itertools.product(range(codes.LENGTH), codes.ALPHABET):
            wrong = code[:place] + other + code[place + 1 :]
            assert codes.is_valid(wrong) == (wrong == code)


def test_every_exchange_of_two_characters_is_noticed() -> None:
    for code in (codes.new() for _ in range(200)):
        for i, j in itertools.combinations(range(codes.LENGTH), 2):
            swapped = list(code)
            swapped[i], swapped[j] = swapped[j], swapped[i]
            assert codes.is_valid("".join(swapped)) == (code[i] == code[j])


def test_a_random_text_of_the_right_length_is_mostly_refused() -> None:
    chosen = random.Random(7)
    accepted = sum(codes.is_valid("".join(chosen.choices(codes.ALPHABET, k=8))) for _ in range(6_400))
    assert 100 < accepted < 300  # one in 32


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("7k3m 9qxa", "7K3M9QXA"),
        (" 7k3m-9qxa\n", "7K3M9QXA"),
        ("7K3M–9QXA", "7K3M9QXA"),
        ("7K3M\u00a09QXA", "7K3M9QXA"),
        ("oOiIlLuU", "001111VV"),
        ("７Ｋ３Ｍ９ＱＸＡ", "7K3M9QXA"),
        ("#7k3m.9qxa", "7K3M9QXA"),
    ],
)
def test_a_code_is_read_however_people_write_it(typed: str, meant: str) -> None:
    assert codes.normalise(typed) == meant


def test_a_valid_code_stays_valid_in_lower_case_with_spaces_and_lookalikes() -> None:
    code = next(code for code in iter(codes.new, "") if "0" in code and "1" in code)
    assert codes.is_valid(f" {code[:4]}-{code[4:]} ".lower().replace("0", "o").replace("1", "l"))


@pytest.mark.parametrize(
    "text", ["", "1", "0000000", "000000000", "!!!!!!!!", "0" * 10_000, "🍣🍣🍣🍣🍣🍣🍣🍣"]
)
def test_what_is_no_code_is_refused(text: str) -> None:
    assert not codes.is_valid(text)


def test_leading_zeros_belong_to_a_code() -> None:
    code = next(code for code in iter(codes.new, "") if code.startswith("0"))
    assert not codes.is_valid(code[1:])
