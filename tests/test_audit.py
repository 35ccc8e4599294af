"""The audit of dependencies: a finding fails, silence of the service does not."""

from typing import Any

import pytest

from script import audit

CLEAN = {"name": "good", "version": "1.0", "vulns": []}
SKIPPED = {"name": "unknown", "skip_reason": "not found on the index"}
BAD = {
    "name": "bad",
    "version": "1.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}, {"id": "PYSEC-2", "fix_versions": []}],
}


@pytest.mark.parametrize(
    ("report", "code", "told"),
    [
        ({"dependencies": [CLEAN, CLEAN]}, 0, "2 dependencies audited, 0 findings"),
        ({"dependencies": [CLEAN, BAD]}, 1, "bad 1.0: PYSEC-1, mended in 1.1"),
        ({"dependencies": [BAD]}, 1, "PYSEC-2, mended in no version yet"),
        ({"dependencies": [SKIPPED, SKIPPED]}, 0, "2 dependencies could not be audited"),
        (None, 0, "could not be run here"),
    ],
)
def test_only_a_finding_fails(
    report: Any, code: int, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "_report", lambda: report)
    assert audit.main() == code
    assert told in capsys.readouterr().out
