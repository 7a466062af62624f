"""Writes tomatoes.csv: the yield of 600 greenhouse beds, drawn from a seed. Nothing in it was measured.

Light, warmth, carbon dioxide and nitrogen multiply; each variety has its own best temperature. The noise has a standard
deviation of 1.2 kg. A twentieth of the nitrogen values is missing. Prints the R2 and the RMSE of the formula itself: no
model can be expected to do better.
"""
import csv
import math
import pathlib
import random
import statistics

random.seed(20261)
NOISE = 1.2
BEST_TEMPERATURE = {"roma": 24.0, "cherry": 21.0, "beefsteak": 26.0}
SIZE = {"roma": 1.0, "cherry": 0.8, "beefsteak": 1.15}
rows, errors, yields = [], [], []
for _ in range(600):
    variety = random.choice(list(SIZE))
    light = random.uniform(8, 16)
    temperature = random.uniform(14, 30)
    co2 = random.uniform(400, 1000)
    nitrogen = random.uniform(40, 160)
    humidity = random.uniform(45, 85)  # It has no effect.
    expected = 26 * SIZE[variety]
    expected *= 1 - math.exp(-(light - 5) / 5)
    expected *= math.exp(-(((temperature - BEST_TEMPERATURE[variety]) / 7) ** 2))
    expected *= 0.7 + 0.3 * (1 - math.exp(-(co2 - 400) / 250))
    expected *= 1 - 0.5 * ((nitrogen - 105) / 70) ** 2
    expected += 4
    noise = random.gauss(0, NOISE)
    errors.append(noise)
    yields.append(expected + noise)
    rows.append([
        variety,
        f"{light:.1f}",
        f"{temperature:.1f}",
        f"{co2:.0f}",
        "" if random.random() < 0.05 else f"{nitrogen:.0f}",
        f"{humidity:.0f}",
        f"{yields[-1]:.2f}",
    ])
with open(pathlib.Path(__file__).with_name("tomatoes.csv"), "w", newline="") as file:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["variety", "light_h", "temperature_c", "co2_ppm", "nitrogen_kg", "humidity_pct", "yield_kg"])
    writer.writerows(rows)
squared = statistics.fmean(error * error for error in errors)
print(f"R2 of the formula {1 - squared / statistics.pvariance(yields):.3f}, RMSE {math.sqrt(squared):.3f}")
