"""The job of `digits.rhai` as one writes it with PyTorch, Optuna, MLflow and scikit-learn.

`torch_optuna_mlflow.py FOLDER TRIALS EPOCHS THREADS` reads digits in MNIST's files from FOLDER and prints a table of the
outer folds. What MLflow records lies in the working directory.
"""

import struct
import sys
from pathlib import Path

import mlflow
import numpy as np
import optuna
import torch
from sklearn.model_selection import StratifiedKFold
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

N_ROWS = 1200


def read(folder):
    pictures = (folder / "train-images-idx3-ubyte").read_bytes()
    n, height, width = struct.unpack(">3I", pictures[4:16])
    pictures = np.frombuffer(pictures, np.uint8, offset=16).reshape(n, 1, height, width).copy()
    labels = np.frombuffer((folder / "train-labels-idx1-ubyte").read_bytes(), np.uint8, offset=8).astype(np.int64)
    return torch.from_numpy(pictures).float() / 255, torch.from_numpy(labels)


def network():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding="same"), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding="same"), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 49, 64), nn.ReLU(), nn.Linear(64, 10),
    )


def evaluate(net, pictures, labels):
    net.eval()
    with torch.no_grad():
        logits = net(pictures)
    return (logits.argmax(1) == labels).float().mean().item(), F.cross_entropy(logits, labels).item()


def fit(pictures, labels, train, held_out, params, epochs, name):
    """Trains on some rows and gives the network and its accuracy on others, which it tells MLflow after every epoch."""
    torch.manual_seed(1)
    mean, std = pictures[train].mean(), pictures[train].std()
    pictures = (pictures - mean) / std
    net = network()
    optimizer = torch.optim.AdamW(net.parameters(), lr=params["lr"], weight_decay=params["weight_decay"])
    loader = DataLoader(TensorDataset(pictures[train], labels[train]), params["batch_size"], shuffle=True)
    for epoch in range(epochs):
        net.train()
        losses = []
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(inputs), targets)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        accuracy, log_loss = evaluate(net, pictures[held_out], labels[held_out])
        metrics = {"train_loss": np.mean(losses), "accuracy": accuracy, "log_loss": log_loss}
        mlflow.log_metrics({f"{name}/{key}": value for key, value in metrics.items()}, step=epoch)
    return net, accuracy


def main():
    folder, n_trials, epochs, threads = Path(sys.argv[1]), *map(int, sys.argv[2:5])
    torch.set_num_threads(threads)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    mlflow.set_experiment("whole_job")
    pictures, labels = (part[:N_ROWS] for part in read(folder))
    rows = []
    for outer, (learn, test) in enumerate(StratifiedKFold(3, shuffle=True, random_state=1).split(pictures, labels)):
        inner = list(StratifiedKFold(3, shuffle=True, random_state=2).split(learn, labels[learn]))

        def objective(trial):
            params = {
                "batch_size": trial.suggest_categorical("batch_size", [32, 64, 128]),
                "lr": trial.suggest_float("lr", 1e-4, 1e-2, log=True),
                "weight_decay": trial.suggest_float("weight_decay", 1e-5, 1e-1, log=True),
            }
            with mlflow.start_run(run_name=f"outer {outer} trial {trial.number}"):
                mlflow.log_params(params)
                scores = [
                    fit(pictures, labels, learn[train], learn[held_out], params, epochs, f"inner {index}")[1]
                    for index, (train, held_out) in enumerate(inner)
                ]
                mlflow.log_metric("accuracy", np.mean(scores))
            return np.mean(scores)

        study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=outer))
        study.optimize(objective, n_trials=n_trials)
        with mlflow.start_run(run_name=f"outer {outer} final"):
            mlflow.log_params(study.best_params)
            net, accuracy = fit(pictures, labels, learn, test, study.best_params, epochs, "test")
            torch.save(net.state_dict(), "model.pt")
            mlflow.log_artifact("model.pt")
        rows.append((outer, study.best_trial.number, accuracy))
    print("outer  trial  test.accuracy")
    for outer, trial, accuracy in rows:
        print(f"{outer:5}  {trial:5}  {accuracy:13.4f}")
    print(f"mean {np.mean([row[2] for row in rows]):.4f}")


main()
