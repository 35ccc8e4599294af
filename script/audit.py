"""Known vulnerabilities of what is pinned: `python -m script.audit`, part of .ci/run.

pip-audit asks the package index's own service about each pinned version. A finding fails. A service that cannot be
reached, or an index without one, is told and fails nothing: a build must not depend on somebody's uptime.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from script.console import ROOT, say

PIP_AUDIT = "pip-audit==2.10.1"
AUDITED = "requirements.txt"
SECONDS = 180


def main() -> int:
    """0 when nothing is known, or nothing can be learned; 1 on a finding."""
    report = _report()
    if report is None:
        say("  the audit could not be run here: no dependency was audited")
        return 0
    findings, skipped, audited = judge(report)
    for finding in findings:
        say(f"  {finding}")
    if skipped:
        say(f"  {skipped} dependencies could not be audited: this index tells nothing about them")
    say(f"  {audited} dependencies audited, {len(findings)} findings")
    return 1 if findings else 0


def judge(report: Mapping[str, Any]) -> tuple[list[str], int, int]:
    """What pip-audit found: one line each, and how many were skipped and audited."""
    asked = [each for each in report["dependencies"] if "skip_reason" not in each]
    findings = [
        f"{each['name']} {each['version']}: {flaw['id']}, "
        f"mended in {', '.join(flaw['fix_versions']) or 'no version yet'}"
        for each in asked
        for flaw in each["vulns"]
    ]
    return findings, len(report["dependencies"]) - len(asked), len(asked)


def _report() -> Mapping[str, Any] | None:
    uv = shutil.which("uv")
    if uv is None:
        return None
    command = [uv, "tool", "run", "--from", PIP_AUDIT, "pip-audit", "--vulnerability-service", "pypi"]
    command += ["--disable-pip", "--no-deps", "--format", "json", "--requirement", AUDITED]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
        report: Mapping[str, Any] = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        return None
    return report


if __name__ == "__main__":
    sys.exit(main())
