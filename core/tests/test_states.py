"""State machines: the table decides, each step leaves a row, nothing stale overwrites."""

from typing import Any, ClassVar

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import isolate_apps

from core.errors import ConcurrentChange, ImpossibleTransition
from core.states import StateChange, StatefulModel, check_table, choices_constraint

with isolate_apps("core"):

    class State(models.TextChoices):
        PACKED = "packed"
        SENT = "sent"
        LOST = "lost"
        DELIVERED = "delivered"

    class Parcel(StatefulModel):
        ALLOWED = {
            "packed": frozenset({"sent"}),
            "sent": frozenset({"lost", "delivered"}),
            "lost": frozenset({"delivered"}),
            "delivered": frozenset(),
        }
        STALE = {"delivered": frozenset({"sent"})}

        state = models.CharField(max_length=20, choices=State.choices, default=State.PACKED)
        weight_grams = models.IntegerField(default=0)
        updated_at = models.DateTimeField(auto_now=True)
        objects: ClassVar[models.Manager[Any]] = models.Manager()

        class Meta:
            app_label = "core"
            constraints = [choices_constraint(State, name="core_parcel_state")]

    class ParcelChange(StateChange):
        parcel = models.ForeignKey(Parcel, on_delete=models.CASCADE, related_name="changes")

        class Meta(StateChange.Meta):
            app_label = "core"


@pytest.fixture
def parcel(db):
    with connection.schema_editor() as editor:
        editor.create_model(Parcel)
        editor.create_model(ParcelChange)
    return Parcel.objects.create()


def steps(parcel):
    return list(parcel.changes.values_list("from_state", "to_state", "actor", "reason", "event_id"))


def test_a_change_is_saved_and_logged(parcel):
    assert parcel.transition_to("sent", actor="user:7", reason="collected", event_id="evt_1") is True
    parcel.refresh_from_db()
    assert parcel.state == "sent"
    assert steps(parcel) == [("packed", "sent", "user:7", "collected", "evt_1")]


def test_named_fields_are_saved_with_the_state_and_others_are_not(parcel):
    before = parcel.updated_at
    parcel.weight_grams = 250
    parcel.transition_to("sent", actor="system", save=["weight_grams", "updated_at"])
    parcel.refresh_from_db()
    assert parcel.weight_grams == 250
    assert parcel.updated_at > before
    parcel.weight_grams = 999
    parcel.transition_to("lost", actor="system")
    parcel.refresh_from_db()
    assert parcel.weight_grams == 250


def test_the_same_state_again_changes_nothing(parcel):
    assert parcel.transition_to("packed", actor="system") is False
    assert steps(parcel) == []


def test_stale_news_is_a_no_op(parcel):
    parcel.transition_to("sent", actor="system")
    parcel.transition_to("delivered", actor="system")
    assert parcel.transition_to("sent", actor="stripe") is False
    assert parcel.state == "delivered"
    assert len(steps(parcel)) == 2


@pytest.mark.parametrize("to", ["delivered", "nowhere"])
def test_impossible_news_raises_and_changes_nothing(parcel, to):
    with pytest.raises(ImpossibleTransition) as refused:
        parcel.transition_to(to, actor="system")
    assert refused.value.extra == {"state": "packed", "wanted": to}
    parcel.refresh_from_db()
    assert parcel.state == "packed"
    assert steps(parcel) == []


def test_a_stale_instance_overwrites_nothing(parcel):
    other = Parcel.objects.get(pk=parcel.pk)
    parcel.transition_to("sent", actor="system")
    with pytest.raises(ConcurrentChange):
        other.transition_to("sent", actor="system")
    assert other.state == "packed"
    assert len(steps(parcel)) == 1


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_it_refuses():
    with pytest.raises(TransactionManagementError):
        Parcel(pk=1).transition_to("sent", actor="system")


def test_the_database_refuses_a_state_outside_the_choices(parcel):
    with pytest.raises(IntegrityError), transaction.atomic():
        Parcel.objects.filter(pk=parcel.pk).update(state="vanished")


def test_a_complete_table_has_no_problems():
    assert check_table(Parcel) == []


def test_gaps_and_contradictions_in_a_table_are_found(monkeypatch):
    monkeypatch.setattr(
        Parcel, "ALLOWED", {"packed": frozenset({"sent", "gone"}), "sent": frozenset({"sent"})}
    )
    monkeypatch.setattr(Parcel, "STALE", {"packed": frozenset({"sent"})})
    assert check_table(Parcel) == [
        "delivered: no entry in ALLOWED",
        "lost: no entry in ALLOWED",
        "ALLOWED: gone is no state",
        "ALLOWED: sent names itself",
        "packed -> sent: both allowed and stale",
    ]
