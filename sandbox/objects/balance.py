"""Balance transactions and the balance. Every change of the balance goes through `post`."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from sandbox import ids, listing
from sandbox.call import Call
from sandbox.store import Object, private

PERCENTAGE, FIXED_MINOR = Decimal("0.029"), 30


def fee_minor(amount_minor: int) -> int:
    """Stripe's standard price: 2.9 % and 30 minor units, half up."""
    share = (amount_minor * PERCENTAGE).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return int(share) + FIXED_MINOR


def post(
    call: Call,
    *,
    type: str,
    source: str,
    amount: int,
    currency: str,
    fee: int = 0,
    description: str | None = None,
    available_on: int | None = None,
    category: str | None = None,
    fee_description: str = "Stripe processing fees",
) -> Object:
    """One balance transaction; amounts in minor units, negative when money leaves."""
    fees = {"amount": fee, "application": None, "currency": currency, "description": fee_description}
    transaction: Object = {
        "id": ids.new("balance_transaction"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": call.now if available_on is None else available_on,
        "balance_type": "payments",
        "created": call.now,
        "currency": currency,
        "description": description,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [fees | {"type": "stripe_fee"}] if fee else [],
        "net": amount - fee,
        "reporting_category": category or type,
        "source": source,
        "status": "pending",
        "type": type,
    }
    call.world.store.db.execute(
        "INSERT INTO balance_parts (currency, available_on, net) VALUES (?, ?, ?) "
        "ON CONFLICT (currency, available_on) DO UPDATE SET net = net + excluded.net",
        (currency, transaction["available_on"], amount - fee),
    )
    return call.save(_aged(call, transaction))


def available(call: Call, *, currency: str) -> int:
    return sum(net for name, ready, net in _sums(call) if ready and name == currency)


def assign(call: Call, *, payout_id: str, currency: str) -> None:
    """The available transactions that no payout took yet, the payout's own among them, are listed by it from now on."""
    found = call.world.store.db.execute(
        "SELECT id FROM objects WHERE type = 'balance_transaction' AND json_extract(body, '$.currency') = ? "
        "AND json_extract(body, '$.available_on') <= ? AND json_extract(body, '$._sandbox.payout') IS NULL",
        (currency, call.now),
    ).fetchall()
    for (id,) in found:
        transaction = call.find(kind="balance_transaction", id=id)
        private(transaction)["payout"] = payout_id
        call.save(transaction)


def settle_date(call: Call) -> int:
    """When money taken now becomes available: midnight UTC, some days on."""
    day = 24 * 3600
    return (call.now // day + call.world.tuning.payout_delay_days) * day


def _aged(call: Call, transaction: Object) -> Object:
    transaction["status"] = "available" if transaction["available_on"] <= call.now else "pending"
    return transaction


def retrieve_transaction(call: Call) -> Object:
    return _aged(call, call.find(kind="balance_transaction", id=call.ids["id"]))


def page(call: Call) -> Object:
    found = listing.page(
        call,
        type="balance_transaction",
        url="/v1/balance_transactions",
        matching=listing.matching(call, "source", "type", "currency", "payout"),
    )
    found["data"] = [_aged(call, transaction) for transaction in found["data"]]
    return found


def retrieve(call: Call) -> Object:
    available: dict[str, int] = {"usd": 0}
    pending: dict[str, int] = {"usd": 0}
    for currency, ready, net in _sums(call):
        chosen = available if ready else pending
        chosen[currency] = chosen.get(currency, 0) + net
    return {
        "object": "balance",
        "available": _amounts(available),
        "livemode": False,
        "pending": _amounts(pending),
    }


def _sums(call: Call) -> list[tuple[str, int, int]]:
    return call.world.store.db.execute(
        "SELECT currency, available_on <= ?, SUM(net) FROM balance_parts GROUP BY 1, 2",
        (call.now,),
    ).fetchall()


def _amounts(amounts: dict[str, int]) -> list[Object]:
    return [
        {"amount": amount, "currency": currency, "source_types": {"card": amount}}
        for currency, amount in sorted(amounts.items())
    ]


def check(call: Call) -> Object:
    """For the control API, per currency: the balance, kept as it changed, and the sum of the stored transactions."""
    shown = retrieve(call)
    result: Object = {}
    for part in ("available", "pending"):
        for amount in shown[part]:
            entry = result.setdefault(amount["currency"], {"available": 0, "pending": 0})
            entry[part] = amount["amount"]
    sums = dict(
        call.world.store.db.execute(
            "SELECT json_extract(body, '$.currency'), SUM(json_extract(body, '$.net')) "
            "FROM objects WHERE type = 'balance_transaction' GROUP BY 1"
        ).fetchall()
    )
    for currency, entry in result.items():
        entry["total"] = entry["available"] + entry["pending"]
        entry["sum_of_balance_transactions"] = sums.get(currency, 0)
    return result
