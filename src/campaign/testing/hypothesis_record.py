"""The record that barproof generates for each case, as Hypothesis generates it, with an empty property.

Usage: hypothesis_record.py EXAMPLES. Prints one line of JSON: the version of Hypothesis, how many examples it
generated, the CPU time of one example in microseconds, and how many numbers and words an example has on average.
The choices are those of the files in generators/, with fewer rules between them, which favours Hypothesis.
"""

import json
import sys
import time

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

PAGES = [0x1000, 0x4000, 0x10000]
VECTORS = [1, 2, 3, 8, 16, 32, 63, 64, 65, 96, 97, 127, 128, 129, 256, 257, 512, 1024, 2047, 2048]


def weighted(*choices):
    """One of the values, each as often as its weight says."""
    return st.sampled_from([value for weight, value in choices for _ in range(weight)])


def chance(percent):
    return st.integers(0, 99).map(lambda drawn: drawn < percent)


MACHINES = st.fixed_dictionaries(
    {
        "type": weighted((2, "generic"), (2, "q35"), (1, "pc"), (3, "virt"), (2, "pseries")),
        "msixEmulation": weighted((8, "machine-default"), (1, "on"), (1, "off")),
        "ram": st.sampled_from([256 << 20, 512 << 20, 1 << 30, 2 << 30, 3 << 30, 4 << 30, 6 << 30]),
        "hostPageSize": st.sampled_from(PAGES),
        "guestPageSize": weighted((6, PAGES[0]), (1, PAGES[1]), (3, PAGES[2])),
    }
)
PAGE_SIZES = weighted(
    (75, [0x1000, 2 << 20, 1 << 30]),
    (5, [0x4000, 32 << 20]),
    (10, [0x10000, 512 << 20]),
    (4, [0x1000, 0x10000]),
    (3, [0x1000 << bit for bit in range(52)]),
    (2, [0x1000]),
    (2, [2 << 20]),
)
APERTURES = st.integers(39, 52).map(
    lambda bits: [{"start": 0, "end": 0xFEDFFFFF}, {"start": 0xFEF00000, "end": (1 << bits) - 1}]
)
BAR_TYPES = weighted((1, "io"), (4, "mem32"), (1, "mem32p"), (7, "mem64"), (3, "mem64p"))
EXPONENTS = weighted((3, (4, 11)), (4, (12, 12)), (4, (13, 15)), (5, (16, 16)), (4, (17, 20)), (2, (21, 25)), (1, (26, 37)))
LATER = ["set-bar"] * 30 + ["size-bar"] * 10 + ["disable-memory"] * 8 + ["enable-memory"] * 10 + ["enable-msix"] * 3
LATER += ["mask-vector"] * 2 + ["unplug"] * 4 + ["hotplug"] * 4 + ["reset"] * 4 + ["add-region"] * 10


@st.composite
def hosts(draw):
    iommu = {"type": draw(weighted((3, "type1"), (1, "iommufd"))), "pageSizes": draw(PAGE_SIZES)}
    if draw(chance(19)):
        iommu["apertures"] = draw(APERTURES)
    return {"kernel": draw(weighted((2, "msix-mappable"), (1, "sparse-msix"))), "iommu": iommu}


@st.composite
def devices(draw, name, page):
    bars = []
    index = 0
    for _ in range(draw(weighted((6, 1), (5, 2), (3, 3), (1, 4), (1, 5)))):
        kind = draw(BAR_TYPES)
        size = 1 << draw(st.integers(*draw(EXPONENTS)))
        bars.append({"index": index, "size": size, "type": kind, "mmap": draw(chance(92))})
        index += 2 if "64" in kind and index < 4 else 1
    device = {"id": name, "bars": bars}
    if draw(chance(33)):
        device["vendor"] = draw(st.integers(0, 0xFFFF))
        device["device"] = draw(st.integers(0, 0xFFFF))
    if draw(chance(90)):
        table, pba = draw(st.sampled_from(bars)), draw(st.sampled_from(bars))
        device["msix"] = {
            "vectors": draw(st.sampled_from(VECTORS)),
            "tableBar": table["index"],
            "tableOffset": draw(st.integers(0, table["size"] // page)) * page,
            "pbaBar": pba["index"],
            "pbaOffset": draw(st.integers(0, pba["size"] // page)) * page,
        }
    return device


@st.composite
def scenarios(draw):
    machine = draw(MACHINES)
    page = machine["hostPageSize"]
    count = draw(weighted((15, 1), (4, 2), (1, 3)))
    plugged = [draw(devices(f"dev{index}", page)) for index in range(count)]
    operations = []

    def set_bar(device, bar):
        address = draw(st.integers(0, 0xFFFF)) * max(bar["size"], page)
        operations.append({"op": "set-bar", "device": device["id"], "bar": bar["index"], "address": address})

    for device in plugged:
        for bar in device["bars"]:
            if draw(chance(96)):
                set_bar(device, bar)
        operations.append({"op": "enable-memory", "device": device["id"]})
        if draw(chance(30)):
            operations.append({"op": "enable-msix", "device": device["id"]})
    for _ in range(0 if draw(chance(45)) else draw(st.integers(1, 7))):
        kind = draw(st.sampled_from(LATER))
        device = draw(st.sampled_from(plugged))
        if kind == "set-bar":
            quiet = draw(chance(40))
            if quiet:
                operations.append({"op": "disable-memory", "device": device["id"]})
            set_bar(device, draw(st.sampled_from(device["bars"])))
            if quiet:
                operations.append({"op": "enable-memory", "device": device["id"]})
        elif kind == "size-bar":
            bar = draw(st.sampled_from(device["bars"]))
            operations.append({"op": kind, "device": device["id"], "bar": bar["index"]})
        elif kind == "mask-vector":
            vector, masked = draw(st.integers(0, 2047)), draw(st.booleans())
            operations.append({"op": kind, "device": device["id"], "vector": vector, "masked": masked})
        elif kind == "add-region":
            operations.append(
                {
                    "op": kind,
                    "name": f"overlay{len(operations)}",
                    "kind": draw(st.sampled_from(["ram", "rom", "io"])),
                    "address": draw(st.integers(0, 0xFFFFF)) * 0x1000,
                    "size": 1 << draw(st.integers(8, 21)),
                    "priority": draw(st.sampled_from([0, 0, 1, 2, -2])),
                }
            )
        else:
            operations.append({"op": kind, "device": device["id"]})
    return {
        "version": 1,
        "machine": machine,
        "revision": "qemu-11.1",
        "host": draw(hosts()),
        "devices": plugged,
        "operations": operations,
    }


def leaves(value):
    if isinstance(value, dict):
        return sum(leaves(part) for part in value.values())
    if isinstance(value, list):
        return sum(leaves(part) for part in value)
    return 1


def run(examples, look):
    """Generates examples. Returns their number, and the microseconds of CPU time that one takes."""
    calls = 0

    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(scenarios())
    def empty(scenario):
        nonlocal calls
        calls += 1
        if look is not None:
            look(scenario)

    start = time.process_time()
    empty()
    return calls, (time.process_time() - start) * 1e6 / calls


def main():
    examples = int(sys.argv[1])
    counts = []
    run(max(50, examples // 4), lambda scenario: counts.append(leaves(scenario)))
    calls, microseconds = run(examples, None)
    print(
        json.dumps(
            {
                "version": hypothesis.__version__,
                "examples": calls,
                "microseconds": microseconds,
                "leaves": sum(counts) / len(counts),
            }
        )
    )


if __name__ == "__main__":
    main()
