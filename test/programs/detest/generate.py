"""The table of spec/detest.md. Wants Python with SciPy; tests do not run it.

    python3 generate.py reference             reference.json: the ends of the problems, by DOP853 at 1e-13, checked against LSODA
    flowc run detest.flow --target cpu --quiet > figures.txt
    python3 generate.py table figures.txt     ../../../spec/detest.md, from those figures and SciPy's RK45 and DOP853

The problems are written a second time here, so that a slip in one of the two shows.
"""

import json
import sys
from math import cos, sin, sqrt
from pathlib import Path

import numpy as np
from scipy.integrate import solve_ivp

here = Path(__file__).parent
tolerances = [1e-3, 1e-6, 1e-9]

M = np.array([0.000954786104043, 0.000285583733151, 0.0000437273164546, 0.0000517759138449, 0.00000277777777778])
PLACES = [3.42947415189, 3.35386959711, 1.35494901715, 6.64145542550, 5.97156957878, 2.18231499728, 11.2630437207,
          14.6952576794, 6.27960525067, -30.1552268759, 1.65699966404, 1.43785752721, -21.1238353380, 28.4465098142,
          15.3882659679]
SPEEDS = [-0.557160570446, 0.505696783289, 0.230578543901, -0.415570776342, 0.365682722812, 0.169143213293,
          -0.325325669158, 0.189706021964, 0.0877265322780, -0.0240476254170, -0.287659532608, -0.117219543175,
          -0.176860753121, -0.216393453025, -0.0148647893090]


def planets(t, y):
    x, v = y[:15].reshape(5, 3), y[15:]
    pull = x / np.linalg.norm(x, axis=1)[:, None] ** 3
    rates = -(1.00000597682 + M)[:, None] * pull
    for j in range(5):
        for k in range(5):
            if k != j:
                d = x[k] - x[j]
                rates[j] += M[k] * (d / np.linalg.norm(d) ** 3 - pull[k])
    return np.concatenate([v, 2.95912208286 * rates.ravel()])


def decay(n, up, down):
    A = np.diag([-float(down(i)) for i in range(n - 1)] + [0.0]) + np.diag([float(up(i)) for i in range(1, n)], -1)
    return lambda t, y: A @ y


def beads(n):
    A = -2 * np.eye(n) + np.eye(n, k=1) + np.eye(n, k=-1)
    return lambda t, y: A @ y


def torus(t, y):
    r = sqrt(y[0] ** 2 + y[1] ** 2)
    return [-y[1] - y[0] * y[2] / r, y[0] - y[1] * y[2] / r, y[0] / r]


def orbit(t, y):
    r3 = (y[0] ** 2 + y[1] ** 2) ** 1.5
    return [y[2], y[3], -y[0] / r3, -y[1] / r3]


def unit(n):
    return [1.0] + [0.0] * (n - 1)


problems = {
    "A1": (lambda t, y: -y, [1]),
    "A2": (lambda t, y: -y**3 / 2, [1]),
    "A3": (lambda t, y: y * cos(t), [1]),
    "A4": (lambda t, y: y / 4 * (1 - y / 20), [1]),
    "A5": (lambda t, y: (y - t) / (y + t), [4]),
    "B1": (lambda t, y: [2 * (y[0] - y[0] * y[1]), -(y[1] - y[0] * y[1])], [1, 3]),
    "B2": (lambda t, y: [-y[0] + y[1], y[0] - 2 * y[1] + y[2], y[1] - y[2]], [2, 0, 1]),
    "B3": (lambda t, y: [-y[0], y[0] - y[1] ** 2, y[1] ** 2], [1, 0, 0]),
    "B4": (torus, [3, 0, 0]),
    "B5": (lambda t, y: [y[1] * y[2], -y[0] * y[2], -0.51 * y[0] * y[1]], [0, 1, 1]),
    "C1": (decay(10, lambda i: 1, lambda i: 1), unit(10)),
    "C2": (decay(10, lambda i: i, lambda i: i + 1), unit(10)),
    "C3": (beads(10), unit(10)),
    "C4": (beads(51), unit(51)),
    "C5": (planets, PLACES + SPEEDS),
    **{f"D{k}": (orbit, [1 - e, 0, 0, sqrt((1 + e) / (1 - e))]) for k, e in enumerate([0.1, 0.3, 0.5, 0.7, 0.9], 1)},
    "E1": (lambda t, y: [y[1], -(y[1] / (t + 1) + (1 - 0.25 / (t + 1) ** 2) * y[0])], [0.6713967071418030, 0.0954005144474744]),
    "E2": (lambda t, y: [y[1], (1 - y[0] ** 2) * y[1] - y[0]], [2, 0]),
    "E3": (lambda t, y: [y[1], y[0] ** 3 / 6 - y[0] + 2 * sin(2.78535 * t)], [0, 0]),
    "E4": (lambda t, y: [y[1], 0.032 - 0.4 * y[1] ** 2], [30, 0]),
    "E5": (lambda t, y: [y[1], sqrt(1 + y[1] ** 2) / (25 - t)], [0, 0]),
}


def end(name, method, tol):
    f, start = problems[name]
    s = solve_ivp(f, (0, 20), np.array(start, float), method=method, rtol=tol, atol=tol)
    assert s.success, (name, method, s.message)
    return s.y[:, -1], s.nfev


def measured(name, method, tol, reference):
    """Error at the end and evaluations; None where the method does not arrive."""
    try:
        y, evals = end(name, method, tol)
    except AssertionError:
        return None
    return max(np.max(np.abs(y - reference)), 1e-15), evals


def evaluations_for(error, runs):
    """What a method needs for an error, by the line through the logarithms of its runs."""
    slope, start = np.polyfit(np.log([e for e, _ in runs]), np.log([n for _, n in runs]), 1)
    return np.exp(start + slope * np.log(max(error, 1e-15)))


def reference():
    ends = {}
    for name in problems:
        ends[name], _ = end(name, "DOP853", 1e-13)
        other, _ = end(name, "LSODA", 1e-12)
        gap = np.max(np.abs(ends[name] - other))
        print(f"{name} {gap:.1e}", file=sys.stderr)
        assert gap < 1e-6 * max(1, np.max(np.abs(other))), name
    text = ",\n".join(f'"{name}": [{", ".join(repr(float(x)) for x in y)}]' for name, y in ends.items())
    (here / "reference.json").write_text("{\n" + text + "\n}\n")


def table(file):
    ends = {k: np.array(v) for k, v in json.loads((here / "reference.json").read_text()).items()}
    own = {}
    for line in Path(file).read_text().split("\n"):
        words = line.split()
        if len(words) == 5 and words[0] in problems:
            own[words[0], words[1], float(words[2])] = (float(words[3]), int(words[4]))
    ours, theirs = ["dopri5", "tsit5", "dop853"], ["RK45", "DOP853"]
    lines = [
        "# DETEST",
        "",
        "The 25 nonstiff problems of Hull, Enright, Fellen and Sedgwick (1972), each on 0 .. 20, by the adaptive methods of std.ode and by SciPy's, in float64 with rtol = atol = tolerance. An entry is the largest error at the end, divided by the",
        "tolerance, and the number of evaluations of the right side. Made by `test/programs/detest/generate.py`; the reference is DOP853 at 1e-13.",
        "",
        "SciPy's RK45 is dopri5. Both remember the last stage of a step, which is the first of the next one. Controllers differ: the library's are of Söderlind's kind and aim at the same 0.59 of the tolerance as SciPy's do. The first table compares the",
        "sums over all problems: evaluations, the median over the problems of the error against SciPy's, and the median of the evaluations against those that SciPy's method needs for the same error (from 37 runs of it at tolerances from 1e-2 to 1e-11, a",
        "line through the logarithms). Errors of orbits (D) and of what grows are many tolerances with every method.",
        "",
        "| tolerance | method | evaluations | SciPy | error / SciPy's | evaluations / SciPy's for the same error |",
        "|---|---|---|---|---|---|",
    ]
    fine = [10.0 ** (-k / 4) for k in range(8, 45)]
    known = {(name, m, tol): value for name in problems for m in theirs for tol in {*tolerances, *fine} if (value := measured(name, m, tol, ends[name])) is not None}
    for tol in tolerances:
        for m, other in [("dopri5", "RK45"), ("tsit5", "RK45"), ("dop853", "DOP853")]:
            errors = [own[name, m, tol][0] / known[name, other, tol][0] for name in problems]
            efforts = [own[name, m, tol][1] / evaluations_for(own[name, m, tol][0], [known[name, other, x] for x in fine if (name, other, x) in known]) for name in problems]
            sums = [sum(own[name, m, tol][1] for name in problems), sum(known[name, other, tol][1] for name in problems)]
            lines.append(f"| {tol:.0e} | {m} | {sums[0]:,} | {sums[1]:,} ({other}) | {np.median(errors):.2f} | {np.median(efforts):.2f} |")
    for tol in tolerances:
        lines += ["", f"## Tolerance {tol:.0e}", "", "| problem | " + " | ".join(ours + [f"SciPy {m}" for m in theirs]) + " |", "|" + "---|" * (len(ours) + len(theirs) + 1)]
        sums = np.zeros(len(ours) + len(theirs), int)
        for name in problems:
            entries = [own[name, m, tol] for m in ours]
            for m in theirs:
                entries.append(known[name, m, tol])
            sums += [n for _, n in entries]
            lines.append(f"| {name} | " + " | ".join(f"{e / tol:.2g}, {n}" for e, n in entries) + " |")
        lines.append("| all | " + " | ".join(f"{n:,}" for n in sums) + " |")
    (here / "../../../spec/detest.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    reference() if sys.argv[1] == "reference" else table(sys.argv[2])
