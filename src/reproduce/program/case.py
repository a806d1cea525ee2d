"""Shows a fault of a real QEMU. `barproof reproduce` has written this program. It needs Python 3.11 or later
and QEMU 10.1 or later, and nothing else.

The program serves the PCI device of the case below to QEMU over vfio-user. It starts QEMU with
`-accel qtest`, so no guest runs, and carries out over qtest and QMP what the guest and the user do in the
case. Then it says what QEMU did, and whether that is the finding.

    python3 FILE                         # uses the qemu-system-* in PATH
    python3 FILE --qemu /path/to/build   # or a folder, or one program

Exit codes: 1 QEMU shows the finding, 0 QEMU does not show it, 2 the program could not run the case.
"""

import json

CASE = json.loads(r"""{}""")
