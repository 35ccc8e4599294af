"""What staff may do, and what runs by beat, one function each."""

from contextlib import suppress
from datetime import timedelta
from urllib.error import HTTPError

from bookings.editing import Edit
from bookings.models import Booking
from core import clock
from payments import (
    alterations,
    balance,
    cancellation,
    completion,
    credit,
    deferrals,
    dues,
    manual,
    reconcile,
    refunds,
    resolution,
    writeoffs,
)
from payments.models import (
    Account,
    Claim,
    Credit,
    CreditSource,
    DeskItem,
    Payment,
    Refund,
    RefundCause,
    RefundRoute,
    Transfer,
)
from payments.tests.history_world import World, percent_of, pick

CAUSES = (
    RefundCause.PRICE_REDUCTION, RefundCause.SURPLUS, RefundCause.DUPLICATE, RefundCause.DISPUTE_PREVENTION,
    RefundCause.CANCELLATION,
)  # fmt: skip


def decides_a_claim(world: World, a: int, b: int, c: int) -> None:
    """Confirmed: whole, short or more; or not found."""
    said = pick(Claim.objects.select_related("payment").order_by("-pk"), a % 2)
    if said is None:
        return
    if c % 4 == 3:
        manual.reject(said, reason="not there", by=world.asking)
        return
    manual.confirm(
        said,
        amount_minor=percent_of(said.payment.total_minor, b),
        received_on=clock.today(world.shop.merchant.timezone),
        by=world.asking,
        reference=f"Z-{c}",
    )


def _found(world: World, *, minor: int, method: int) -> manual.Found:
    return manual.Found(
        merchant=world.shop.merchant,
        method=("cash", "zelle", "venmo", "check")[method % 4],
        amount_minor=minor,
        currency="usd",
        received_on=clock.today(world.shop.merchant.timezone),
        by=world.asking,
    )


def records_money(world: World, a: int, b: int, c: int) -> None:
    """Cash at the door and the like: for one booking, for two, for a customer, or for nobody."""
    booking, other = world.booking(a), world.booking(a + 1)
    if booking is None or other is None:
        return
    owed = [sum(part.open_minor for part in row.instalments.all()) for row in (booking, other)]
    first = dues.choices(booking)
    minor = percent_of(first[0].amount_minor if first else 5_000, b)
    if c == 0:
        manual.unplaced(_found(world, minor=minor, method=b))
    elif c == 1:
        manual.as_credit(_found(world, minor=minor, method=b), customer=booking.customer)
    elif c == 2 and booking.pk != other.pk:
        parts = [
            manual.Part(amount_minor=minor, booking=booking),
            manual.Part(amount_minor=max(1, owed[1]), booking=other),
        ]
        manual.split(_found(world, minor=minor + max(1, owed[1]), method=b), parts=parts)
    else:
        purpose = "full" if c == 3 else ""
        manual.record(
            _found(world, minor=owed[0] or minor if purpose else minor, method=b),
            booking=booking,
            purpose=purpose,
        )


def writes_off(world: World, a: int, b: int, c: int) -> None:
    """The rest, or nothing of it after all; or cash that is a few cents short."""
    booking = world.booking(a)
    if booking is None:
        return
    if c % 3 == 0:
        writeoffs.ask_again(booking, by=world.asking, reason="they pay")
    elif c % 3 == 1:
        writeoffs.write_off(booking, by=world.asking, reason="they moved", authenticated_at=clock.now())
    elif found := dues.choices(booking):
        minor = max(1, found[b % len(found)].amount_minor - 1 - b)
        purpose = found[b % len(found)].purpose
        manual.record(_found(world, minor=minor, method=0), booking=booking, purpose=purpose)


def gives_more_time(world: World, a: int, b: int, c: int) -> None:
    if booking := world.booking(a):
        until = clock.today(booking.timezone) + timedelta(days=1 + b)
        deferrals.defer(booking, until=until, by=world.asking, reason="payday")


def takes_money_back(world: World, a: int, b: int, c: int) -> None:
    if transfer := pick(Transfer.objects.order_by("pk"), a):
        manual.reverse(transfer, reason="the check bounced", by=world.asking)


def gives_credit(world: World, a: int, b: int, c: int) -> None:
    if booking := world.booking(a):
        credit.grant(
            customer=booking.customer,
            amount_minor=1_000 * (1 + b),
            currency="usd",
            reason="cold soup",
            granted_by=world.asking,
            request_key=f"grant-{world.next()}",
            booking=booking if c % 2 else None,
        )


def credit_ends(world: World, a: int, b: int, c: int) -> None:
    yesterday = clock.today(world.shop.merchant.timezone) - timedelta(days=1)
    lot = pick(Credit.objects.filter(source=CreditSource.GRANT).order_by("pk"), a)
    if lot:
        Credit.objects.filter(pk=lot.pk).update(expires_on=yesterday)
        credit.expire_due()


def edits(world: World, a: int, b: int, c: int) -> None:
    """More guests or fewer, the other menu, another day, an add-on, a fee."""
    booking = world.booking(a)
    if booking is None:
        return
    menus = list(world.shop.merchant.menus.order_by("pk"))
    slot = world.slots[b % len(world.slots)]
    edit = (
        Edit(adults=1 + b % 14),
        Edit(adults=1 + b % 14, children=b % 4),
        Edit(menu_id=menus[b % 2].pk),
        Edit(slot_public_id=slot.public_id),
        Edit(add_ons={world.add_on.pk: b} if b % 3 else {}),
        Edit(fee_minor=2_500, slot_public_id=slot.public_id),
    )[c % 6]
    alterations.edit(booking=booking, edit=edit, actor=f"user:{world.asking.pk}", reason="asked by phone")


def refunds_money(world: World, a: int, b: int, c: int) -> None:
    """Any payment, any cause; whole or in part, as credit; above the limit it waits for the second person."""
    payment = pick(Payment.objects.filter(received_minor__gt=0).order_by("pk"), a)
    if payment is None:
        return
    possible = [cause for cause in CAUSES if refunds.refundable(payment, cause=cause)]
    cause = pick(possible, c) or CAUSES[0]
    left = refunds.refundable(payment, cause=cause)
    refunds.request(
        payment=payment,
        amount_minor=percent_of(left, b),
        cause=cause,
        reason="the grill was late",
        requested_by=world.asking if b % 2 else None,
        actor="user:1",
        as_credit=b >= 5,
        authenticated_at=clock.now(),
    )


def decides_a_refund(world: World, a: int, b: int, c: int) -> None:
    """Approved or declined by the second person; sent by hand and recorded, or not sent after all."""
    waiting = Refund.objects.filter(state__in=["requested", "approved"]).exclude(
        state="approved", route="gateway"
    )
    refund = pick(
        (waiting if c < 6 else Refund.objects.all()).select_related("payment__merchant").order_by("-pk"), a
    )
    if refund is None:
        return
    if refund.route == RefundRoute.MANUAL and refund.state == "approved":
        if b % 3:
            today = clock.today(world.shop.merchant.timezone)
            refunds.record_sent(refund, by=world.asking, reference=f"out-{refund.pk}", sent_on=today)
        else:
            refunds.withdraw(refund, by=world.asking, reason="they came by")
    elif b % 3:
        refunds.approve(refund, by=world.agreeing, authenticated_at=clock.now())
    else:
        refunds.decline(refund, by=world.agreeing, reason="not agreed")


def cancels(world: World, a: int, b: int, c: int) -> None:
    """The customer by the policy, or staff with a share of their own."""
    booking = world.booking(a)
    if booking is None:
        return
    if b % 2:
        cancellation.cancel(booking, actor="customer", as_credit=c % 3 == 0)
        return
    cancellation.cancel(
        booking,
        actor=f"user:{world.asking.pk}",
        by=world.asking,
        reason="storm",
        percent=(0, 50, 100, None)[c % 4],
        as_credit=c % 3 == 0,
        authenticated_at=clock.now(),
    )


def reinstates(world: World, a: int, b: int, c: int) -> None:
    if booking := world.booking(a):
        cancellation.reinstate(booking, actor="user:1", reason="it takes place after all")


def sends_what_is_due(world: World, a: int, b: int, c: int) -> None:
    refunds.send_due()


def takes_place(world: World, a: int, b: int, c: int) -> None:
    if booking := world.booking(a):
        ended = clock.now() - timedelta(hours=1)
        Booking.objects.filter(pk=booking.pk).update(starts_at=ended - timedelta(hours=3), ends_at=ended)
        completion.complete_due()


def did_not_take_place(world: World, a: int, b: int, c: int) -> None:
    if booking := world.booking(a):
        completion.undo(booking, actor="user:1", reason="it was moved")


def lets_holds_end(world: World, a: int, b: int, c: int) -> None:
    if booking := world.booking(a):
        past = clock.now() - timedelta(minutes=1)
        Booking.objects.filter(pk=booking.pk, state="held").update(hold_expires_at=past)
        reconcile.expire_holds()


def settles_a_desk_item(world: World, a: int, b: int, c: int) -> None:
    """Somebody takes an open item and chooses one of its actions."""
    item = pick(DeskItem.objects.filter(closed_at__isnull=True).order_by("pk"), a)
    choice = pick(resolution.choices(item), b) if item else None
    booking = world.booking(c)
    if item is None or choice is None or booking is None:
        return
    resolution.resolve(
        item,
        action=choice.action,
        by=world.asking,
        reason="as agreed by phone",
        booking=booking if "booking" in choice.needs else None,
        customer=booking.customer if "customer" in choice.needs else None,
        account=Account.OTHER_INCOME if "account" in choice.needs else "",
        authenticated_at=clock.now(),
    )


def pays_out(world: World, a: int, b: int, c: int) -> None:
    """Stripe's daily payout of what is available, if anything is."""
    with suppress(HTTPError):
        world.shop.sandbox.control("payouts", currency="usd")


def reads_the_balance(world: World, a: int, b: int, c: int) -> None:
    balance.read(world.shop.account)
