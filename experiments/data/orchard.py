"""Writes orchard.csv: 400 apples of two varieties from 24 orchards, drawn from a seed. Nothing in it was measured.

A variety shifts weight, sugar and acid a little, and changes which colours are frequent; orchards differ among themselves.
One label in twelve is wrong. Some measurements are missing, a few are far off, one soil occurs three times.
"""
import csv
import math
import pathlib
import random

random.seed(20260)
SOILS = ["loam", "clay", "sand"]
rows = []
orchards = [(f"orchard-{i:02d}", random.gauss(0, 0.35), random.choice(SOILS)) for i in range(24)]
for i in range(400):
    name, climate, soil = orchards[i % 24]
    late = random.random() < 0.4
    sign = 1.0 if late else -1.0
    weight = 160 + 9 * sign + 18 * random.gauss(0, 1)
    sugar = 12.2 + 0.75 * sign + 1.1 * random.gauss(0, 1) + 0.6 * climate
    acid = 6.1 - 0.5 * sign + 0.9 * random.gauss(0, 1) + (0.4 if soil == "clay" else 0.0)
    firmness = 71 + 6 * math.tanh(acid - 6) + 4 * random.gauss(0, 1)
    colours = {"red": 2 + sign, "striped": 2.0, "green": 2.2 - sign}
    colour = random.choices(list(colours), list(colours.values()))[0]
    if random.random() < 1 / 12:
        late = not late
    rows.append([
        f"{weight * (10 if random.random() < 0.01 else 1):.1f}",
        "" if random.random() < 0.08 else f"{sugar:.2f}",
        f"{acid:.2f}",
        f"{firmness:.1f}",
        "" if random.random() < 0.05 else colour,
        "peat" if i in (57, 203, 340) else soil,
        name,
        "late" if late else "early",
    ])
with open(pathlib.Path(__file__).with_name("orchard.csv"), "w", newline="") as file:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["weight_g", "sugar_brix", "acid_g_l", "firmness_n", "colour", "soil", "orchard", "variety"])
    writer.writerows(rows)
