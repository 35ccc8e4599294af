"""What the documents name is there: links to files, and a line for each dependency."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md", "docs/deployment.md", "CHANGELOG.md"])
def test_every_link_leads_to_a_file(page: str) -> None:
    text = (ROOT / page).read_text()
    missing = [link for link in LINK.findall(text) if not ((ROOT / page).parent / link).exists()]
    assert missing == []


def test_every_dependency_says_in_a_line_what_it_is_here_for() -> None:
    rows = [
        line for line in (ROOT / "docs/dependencies.md").read_text().splitlines() if line.startswith("| ")
    ]
    told = " ".join(row.split("|")[1].lower() for row in rows)
    wanted = [
        re.split(r"[\[<>=]", line.strip().lower())[0]
        for name in ("requirements.in", "requirements-dev.in")
        for line in (ROOT / name).read_text().splitlines()
        if line.strip() and not line.startswith(("-r", "#"))
    ]
    assert len(wanted) > 40
    untold = [name for name in wanted if name not in told and not name.startswith("types-")]
    assert untold == []
    assert "types-*" in told
