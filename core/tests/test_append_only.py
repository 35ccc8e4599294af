"""Append-only tables: the database itself says no, whoever asks."""

from typing import Any, ClassVar

import pytest
from django.db import DatabaseError, connection, models, transaction
from django.db.migrations.state import ProjectState
from django.db.migrations.writer import OperationWriter
from django.test.utils import isolate_apps

from core.append_only import AppendOnly
from core.testing import flush_statements

with isolate_apps("core"):

    class Line(models.Model):
        text = models.TextField()
        objects: ClassVar[models.Manager[Any]] = models.Manager()

        class Meta:
            app_label = "core"

        def __str__(self) -> str:
            return self.text


TABLE = Line._meta.db_table


def apply(operation, *, forwards=True):
    with connection.schema_editor() as editor:
        move = operation.database_forwards if forwards else operation.database_backwards
        move("core", editor, ProjectState(), ProjectState())


@pytest.fixture
def line(db):
    with connection.schema_editor() as editor:
        editor.create_model(Line)
    apply(AppendOnly(TABLE))
    return Line.objects.create(text="first")


@pytest.mark.parametrize(
    "statement", ["UPDATE core_line SET text = 'x'", "DELETE FROM core_line", "TRUNCATE core_line"]
)
def test_the_database_refuses_everything_but_growth(line, statement):
    with pytest.raises(DatabaseError, match=f"refused: {TABLE} is append-only"), transaction.atomic():
        connection.cursor().execute(statement)
    assert [row.text for row in Line.objects.all()] == ["first"]


def test_rows_can_be_added(line):
    Line.objects.create(text="second")
    assert Line.objects.count() == 2


def test_reversing_the_operation_lifts_the_guard(line):
    apply(AppendOnly(TABLE), forwards=False)
    Line.objects.update(text="changed")
    Line.objects.all().delete()
    assert not Line.objects.exists()


def test_the_operation_can_be_written_into_a_migration():
    text, imports = OperationWriter(AppendOnly("core_line")).serialize()
    assert "AppendOnly" in text
    assert "'core_line'" in text
    assert imports == {"import core.append_only"}


def test_the_flush_between_tests_may_empty_the_table_and_the_guard_stays(line):
    cursor = connection.cursor()
    for statement in flush_statements(connection, statements=[f'TRUNCATE "{TABLE}"']):
        cursor.execute(statement)
    assert not Line.objects.exists()
    Line.objects.create(text="again")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        cursor.execute(f"TRUNCATE {TABLE}")
