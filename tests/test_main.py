"""The command line: what it prints, writes and refuses."""

import os
import pickle
import subprocess
import sys

import matplotlib.image
import numpy as np
import pandas as pd
import pytest

from sklearn_mine import mine_score
from sklearn_mine.__main__ import main


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    n = 300
    label = rng.choice(["ham", "spam"], size=n)
    told = np.where(label == "spam", 1.0, -1.0) + rng.normal(size=n)
    return pd.DataFrame(
        {
            "told": np.where(rng.random(n) < 0.1, np.nan, told),
            "noise": rng.normal(size=n),
            "word": np.where(rng.random(n) < 0.8, label, "other"),
            "day": pd.date_range("2020-01-01", periods=n)[np.argsort(np.argsort(told))],
            "label": label,
            "id": [f"row {i}" for i in range(n)],
        }
    )


@pytest.fixture(params=["csv", "parquet"])
def file(request, frame, tmp_path):
    file = tmp_path / f"table.{request.param}"
    if request.param == "csv":
        frame.to_csv(file, index=False)
    else:
        frame.to_parquet(file)
    return file


def test_ranking_is_that_of_mine_score(file, frame, tmp_path, capsys):
    output, plot = tmp_path / "out.csv", tmp_path / "out.png"
    wanted = ["--target", "label", "--output", str(output), "--plot", str(plot)]
    assert main(["rank", str(file), *wanted, "--k", "2"]) == 0
    printed = capsys.readouterr()
    table = pd.read_csv(output).set_index("feature")
    X, y = frame.drop(columns="label"), frame["label"]
    with pytest.warns(UserWarning, match="unique in nearly every row"):
        scores, p_values, errors = mine_score(X, y, random_state=0, return_std=True)
    expected = pd.DataFrame(
        {"nats": scores, "std_error": errors, "p_value": p_values},
        index=pd.Index([c for c in frame.columns if c != "label"], name="feature"),
    ).sort_values("nats", ascending=False, kind="stable")
    pd.testing.assert_frame_equal(table, expected, rtol=1e-6, atol=1e-9)
    assert list(table.index[-2:]) in (["noise", "id"], ["id", "noise"])
    lines = printed.out.splitlines()
    assert lines[2].split() == ["feature", "nats", "std", "error", "p-value"]
    assert [line.split()[0] for line in lines[3:5]] == list(table.index[:2])
    assert lines[5] == "(3 more)"
    assert matplotlib.image.imread(plot).shape[0] > 100
    # What is no result goes elsewhere.
    assert "unique in nearly every row" in printed.err


def test_rows_without_a_target_are_left_out(tmp_path, frame, capsys):
    file = tmp_path / "t.csv"
    frame.assign(label=frame["label"].where(frame["noise"] < 1.0)).to_csv(file)
    assert main(["rank", str(file), "--target", "label", "--units", "bits"]) == 0
    printed = capsys.readouterr()
    n_missing = (frame["noise"] >= 1.0).sum()
    assert f"{n_missing} rows without a target" in printed.err
    assert f"{len(frame) - n_missing} rows" in printed.out
    assert "bits" in printed.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{file}", "--target", "labell"], "no column 'labell'. Did you mean 'label'"),
        (["{file}", "--target", "id"], "text that differs in each row"),
        (["{folder}/none.csv", "--target", "label"], "No such file"),
        (["{folder}/bytes.csv", "--target", "label"], "Cannot read"),
        (["{folder}/bytes.parquet", "--target", "label"], "Cannot read"),
        (["{folder}/empty.csv", "--target", "label"], "Cannot read"),
        (["{folder}/header.csv", "--target", "a"], "has no rows"),
        (["{folder}/single.csv", "--target", "a"], "no column beside the target"),
        (["{file}", "--target", ""], "has no column ''. Did you mean 'told'"),
        (["{folder}/void.csv", "--target", "b"], "target 'b' is empty in every row"),
        (["{folder}/void.csv", "--target", "c"], "target 'c' is '7.0' in every row"),
        (
            ["{folder}/semicolon.csv", "--target", "b"],
            "one column.*read_csv(FILE, sep=';')",
        ),
        (
            ["{folder}/decimal.csv", "--target", "b"],
            "Cannot read.*sep=';').*decimal=','",
        ),
        (["{folder}/tab.csv", "--target", "b"], "one column.*sep='\\t'"),
        (["{folder}/latin.csv", "--target", "b"], "read_csv(FILE, encoding='latin-1')"),
        (["{folder}/wide.csv", "--target", "b"], "read_csv(FILE, encoding='utf-16')"),
        (["{file}", "--target", "label", "--plot", "{folder}/no/a.png"], "No such"),
        (["{file}", "--target", "label", "--plot", "{folder}/a.xyz"], "no format"),
        (["{file}", "--target", "label", "--output", "{folder}"], "Cannot write"),
    ],
)
def test_what_cannot_be_used_is_one_clear_line(
    arguments, message, frame, tmp_path, capsys
):
    file = tmp_path / "table.csv"
    frame.drop(columns="word").to_csv(file, index=False)
    for name in ("bytes.csv", "bytes.parquet"):
        (tmp_path / name).write_bytes(bytes(range(256)))
    text = "ä,b\n1,2\n3,4\n"
    (tmp_path / "semicolon.csv").write_text(text.replace(",", ";"))
    (tmp_path / "decimal.csv").write_text("a;b;c\n1;2;3\n1,5;2,5;3\n")
    (tmp_path / "tab.csv").write_text(text.replace(",", "\t"))
    (tmp_path / "latin.csv").write_text(text, encoding="latin-1")
    (tmp_path / "wide.csv").write_text(text, encoding="utf-16")
    (tmp_path / "void.csv").write_text("a,b,c\n1,,7\n2,,\n3,,7\n")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "header.csv").write_text("a,b\n")
    (tmp_path / "single.csv").write_text("a\n1\n2\n")
    arguments = [each.format(file=file, folder=tmp_path) for each in arguments]
    assert main(["rank", *arguments]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("sklearn_mine: ")
    place = -1
    for part in message.split(".*"):
        place = last.find(part, place + 1)
        assert place >= 0, last


def test_names_and_texts_are_taken_as_they_are(tmp_path, rng, capsys):
    digits = rng.permutation(np.arange(1000, 9000))[:200]
    noise = 3000.0 * rng.normal(size=200)
    frame = pd.DataFrame({"a": digits + noise, "cost $ per $": digits})
    frame["1"] = digits.astype(str)
    file, plot = tmp_path / "t.parquet", tmp_path / "a.png"
    frame.rename(columns={"1": 1}).to_parquet(file)
    # Text that looks like years is text in a file that has types.
    assert main(["rank", str(file), "--target", "1"]) == 2
    assert "text that differs in each row" in capsys.readouterr().err
    assert main(["rank", str(file), "--target", "cost $ per $"]) == 0
    wanted = ["--target", "a", "--plot", str(plot)]
    assert main(["rank", str(file), *wanted]) == 0
    assert plot.exists()


def test_a_terminal_of_few_characters_and_a_reader_that_leaves(frame, tmp_path):
    frame.rename(columns={"told": "gewußt"}).to_csv(tmp_path / "t.csv", index=False)
    command = [sys.executable, "-u", "-m", "sklearn_mine", "rank", "t.csv"]
    command += ["--target", "label", "--output", "out.csv"]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    options = {"cwd": tmp_path, "env": environment, "text": True}
    done = subprocess.run(command, capture_output=True, **options)
    assert done.returncode == 0, done.stderr
    assert "gewu?t" in done.stdout and "####" in done.stdout
    (tmp_path / "out.csv").unlink()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
    ) as process:
        process.stdout.close()
        told = process.stderr.read()
    assert process.returncode == 0
    assert "Traceback" not in told and "BrokenPipe" not in told
    assert (tmp_path / "out.csv").exists()


def test_it_runs_as_a_module(tmp_path):
    (tmp_path / "header.csv").write_text("a,b\n")
    done = subprocess.run(
        [sys.executable, "-m", "sklearn_mine", "rank", "header.csv", "--target", "a"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1


class Mark:
    """What unpickled this would have left a file."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return open, (str(self.file), "w")


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.pkl"])
def test_nothing_is_unpickled_from_a_file(name, tmp_path, capsys):
    (tmp_path / name).write_bytes(pickle.dumps(Mark(tmp_path / "mark")))
    assert main(["rank", str(tmp_path / name), "--target", "a"]) == 2
    assert capsys.readouterr().err.startswith("sklearn_mine: ")
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_text_is_not_run_and_nothing_else_is_written(
    tmp_path, rng, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    code = "__import__('pathlib').Path('mark').touch()"
    target = rng.choice([code, "=1+1"], size=80)
    frame = pd.DataFrame({code: rng.normal(size=80), "@x": target, "y": target})
    frame.to_csv("a.csv", index=False)
    assert main(["rank", "a.csv", "--target", "y", "--output", "out.csv"]) == 0
    assert {each.name for each in tmp_path.iterdir()} == {"a.csv", "out.csv"}
    assert code[:30] in capsys.readouterr().out
    assert set(pd.read_csv("out.csv")["feature"]) == {code, "@x"}


@pytest.mark.parametrize("place", ["https://example.org/a.csv", "s3://a/b.parquet"])
def test_addresses_are_names_of_files(place, capsys):
    assert main(["rank", place, "--target", "y"]) == 2
    assert "No such file" in capsys.readouterr().err
