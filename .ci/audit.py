"""Look for known vulnerabilities of the pinned versions: a step of make lint.

pip-audit fails alike for a vulnerability and for a service that does not answer,
and succeeds where the service knows none of the packages. Here a vulnerability
fails, and what could not be audited is said.
"""

import json
import subprocess
import sys

COMMAND = [sys.executable, "-m", "pip_audit", "--requirement", "constraints.txt"]
COMMAND += ["--no-deps", "--disable-pip", "--format", "json", "--timeout", "5"]
COMMAND += ["--progress-spinner", "off"]
# What pip-audit says of a service that does not answer, or not as it should.
OUT_OF_REACH = ("requests.exceptions.", "vulnerability feed")


def audit() -> int:
    """Print what is found; 1 if that is a vulnerability or an error of ours."""
    try:
        done = subprocess.run(COMMAND, capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        print("pip-audit: no end within a minute, nothing was audited")
        return 0
    if not done.stdout and any(words in done.stderr for words in OUT_OF_REACH):
        print("pip-audit: the service is out of reach, nothing was audited")
        return 0
    if not done.stdout:
        print(done.stderr)
        return 1

    pinned = json.loads(done.stdout)["dependencies"]
    known = [package for package in pinned if "vulns" in package]
    vulnerable = [package for package in known if package["vulns"]]
    for package in vulnerable:
        for found in package["vulns"]:
            fixed = ", ".join(found["fix_versions"]) or "no version yet"
            version = f"{package['name']}=={package['version']}"
            print(f"{version}: {found['id']}, fixed in {fixed}")
    print(
        f"pip-audit: of {len(pinned)} pinned versions the service knows"
        f" {len(known)}, and {len(vulnerable)} are vulnerable"
    )
    return int(bool(vulnerable))


if __name__ == "__main__":
    sys.exit(audit())
