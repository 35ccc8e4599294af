"""State machines with a record of each step. A model's state changes here and nowhere else.

Invariants: a change is in the model's ALLOWED table or it does not happen; each change that happens writes
one log row in the same transaction; late news about a state already passed (STALE) is a no-op, impossible
news an error. The write is conditional on the state that was read, so a stale instance cannot overwrite a
newer one even without a lock.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models, router, transaction
from django.db.transaction import TransactionManagementError
from django.db.utils import DEFAULT_DB_ALIAS

from core.errors import ConcurrentChange, ImpossibleTransition

# The field that every concrete model has.
STATE: str = "state"


class StatefulModel(models.Model):
    """Adds `transition_to`. The concrete model has a `state` CharField with TextChoices, and its log's
    foreign key names it `related_name="changes"`.

    ALLOWED: state -> states it may change to. Every state is a key.
    STALE: state -> states whose late announcement changes nothing.
    """

    ALLOWED: ClassVar[Mapping[str, frozenset[str]]] = {}
    STALE: ClassVar[Mapping[str, frozenset[str]]] = {}

    if TYPE_CHECKING:
        state: Any
        changes: Any

    class Meta:
        abstract = True

    def transition_to(
        self, to: str, *, actor: str, reason: str = "", event_id: str = "", save: Iterable[str] = ()
    ) -> bool:
        """Change state, save it with the fields named in `save`, log it. True if it changed.

        False: already there, or stale news. Raises ImpossibleTransition (table), ConcurrentChange (the row
        is no longer in the state this instance holds) and, outside a transaction,
        TransactionManagementError. `actor` is who did it ("user:7", "stripe", "system"), `event_id` the
        gateway's event if one caused it.
        """
        using = router.db_for_write(type(self), instance=self) or DEFAULT_DB_ALIAS
        if not transaction.get_connection(using).in_atomic_block:
            raise TransactionManagementError(
                "transition_to writes a state and its log row: call it in atomic()."
            )
        origin = str(self.state)
        to = str(to)
        if to == origin or to in self.STALE.get(origin, frozenset()):
            return False
        if to not in self.ALLOWED.get(origin, frozenset()):
            raise ImpossibleTransition(
                f"{self._meta.verbose_name} {self.pk} is {origin}; it cannot become {to}.",
                state=origin,
                wanted=to,
            )
        self._write(origin=origin, to=to, save=save, using=using)
        self.changes.create(from_state=origin, to_state=to, actor=actor, reason=reason, event_id=event_id)
        return True

    def _write(self, *, origin: str, to: str, save: Iterable[str], using: str) -> None:
        values: dict[str, Any] = {}
        for name in save:
            field = self._meta.get_field(name)
            assert isinstance(field, models.Field)
            values[field.attname] = field.pre_save(self, add=False)
        values["state"] = to
        same: dict[str, Any] = {"pk": self.pk, "state": origin}
        rows = type(self)._base_manager.using(using).filter(**same).update(**values)
        if rows != 1:
            raise ConcurrentChange(
                f"{self._meta.verbose_name} {self.pk} is no longer {origin}.", state=origin
            )
        self.state = to


class StateChange(models.Model):
    """One step of a StatefulModel. The concrete log adds the foreign key, `related_name="changes"`."""

    from_state = models.CharField(max_length=40)
    to_state = models.CharField(max_length=40)
    actor = models.CharField(max_length=120)
    reason = models.TextField(blank=True)
    event_id = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.from_state} -> {self.to_state} by {self.actor}"


def choices_constraint(
    choices: type[models.TextChoices], *, name: str, field: str = "state"
) -> models.CheckConstraint:
    """The database's own guard: the field holds one of the choices."""
    return models.CheckConstraint(condition=models.Q(**{f"{field}__in": sorted(choices.values)}), name=name)


def check_table(model: type[StatefulModel]) -> list[str]:
    """What is wrong with a model's tables, in words; an empty list when every state is classified."""
    field = model._meta.get_field(STATE)
    assert isinstance(field, models.Field)
    states = {str(value) for value, _label in field.flatchoices}
    problems = [f"{state}: no entry in ALLOWED" for state in sorted(states - set(map(str, model.ALLOWED)))]
    for title, table in (("ALLOWED", model.ALLOWED), ("STALE", model.STALE)):
        for origin, targets in table.items():
            problems += [f"{title}: {name} is no state" for name in sorted({origin, *targets} - states)]
            if origin in targets:
                problems.append(f"{title}: {origin} names itself")
    for origin, stale in model.STALE.items():
        both = stale & model.ALLOWED.get(origin, frozenset())
        problems += [f"{origin} -> {name}: both allowed and stale" for name in sorted(both)]
    return problems
