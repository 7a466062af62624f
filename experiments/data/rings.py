"""Writes rings.csv: 300 places on a map, and whether each lies inside a circle. One in twenty is noted down wrongly."""

import csv
import random

rng = random.Random(20)

with open("rings.csv", "w", newline="", encoding="utf-8") as file:
    table = csv.writer(file, lineterminator="\n")
    table.writerow(["east", "north", "place"])
    for _ in range(300):
        east, north = rng.uniform(-1, 1), rng.uniform(-1, 1)
        inside = east**2 + north**2 < 0.6
        if rng.random() < 0.05:
            inside = not inside
        table.writerow([f"{east:.3f}", f"{north:.3f}", "inside" if inside else "outside"])
