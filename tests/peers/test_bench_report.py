"""The benchmark's report: its tables, records, means and lists. Nothing is timed."""

import json

import pytest
from convcore.benchmarks import filters, passes, peers, report, runner
from convcore.benchmarks.memory_speed import MEMORY, Copy, Read

from convcore import benchmarks
from tests.tables.bench_cases import LAYERS


@pytest.fixture
def clock(monkeypatch):
    """Every call takes one second, a copy 0.7, reading 0.6: no clock is read."""
    monkeypatch.setattr(peers.Peer, "time_calls", lambda self, call, count: 1.0 * count)
    monkeypatch.setattr(Copy, "time_calls", lambda self, call, count: 0.7 * count)
    monkeypatch.setattr(Read, "time_calls", lambda self, call, count: 0.6 * count)
    monkeypatch.setattr(runner, "settle", lambda: None)
    monkeypatch.setattr(benchmarks, "_fma_probe", lambda: None)


def tables(text):
    """The lines of each table of a report, by its title, as lists of cells."""
    found = {}
    for block in text.split("\n### ")[1:]:
        title, _, *lines = block.splitlines()
        rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("|")]
        found[title] = [dict(zip(rows[0], row, strict=True)) for row in rows[2:]]
    return found


def test_a_pooling_stands_beside_the_copy_and_a_convolution_beside_the_peak(
    clock, tmp_path, capsys
):
    file = tmp_path / "bench.json"
    chosen = ["--layers", "small-1-4-8", "pool-small", "--peers", "convcore-nhwc"]
    assert benchmarks.main([*chosen, "--rounds", "1", "--markdown", "--json", str(file)]) == 0
    conv, pooling, times, means = tables(capsys.readouterr().out).values()
    assert [row["layer"] for row in conv] == ["small-1-4-8"]
    assert (conv[0]["peak"], conv[0]["GFLOP/s"]) == ("-", "0.0000")
    assert "copy" not in conv[0]
    assert [row["layer"] for row in pooling] == ["pool-small-avg-8"]
    assert pooling[0]["copy"] == "70%"
    assert pooling[0]["best peer"] == "-"  # a copy is no peer
    assert {"peak", "GFLOP/s", "read"}.isdisjoint(pooling[0])
    assert [row["copy"] for row in times] == ["-", "700"]
    assert [row["group"] for row in means] == [
        "small",
        "all convolution",
        "pool-small",
        "all pooling",
    ]
    record = json.loads(file.read_text())
    chosen = [layer["algorithm"] for layer in record["layers"]]
    assert chosen == [conv[0]["algorithm"], pooling[0]["algorithm"]]
    assert chosen[0].startswith("direct_")  # tests pin it
    assert [row["roof_share"] for row in record["rows"]] == [None, pytest.approx(0.7)]
    assert [layer["roof"] for layer in record["layers"]] == ["peak", "copy"]


def test_a_local_layer_stands_beside_the_reading_of_its_weights(clock, tmp_path, capsys):
    file = tmp_path / "bench.json"
    chosen = ["--layers", "local-lenet5-c5", "table-lenet5-c3", "--peers", "none"]
    assert benchmarks.main([*chosen, "--rounds", "1", "--markdown", "--json", str(file)]) == 0
    variants, times, means = tables(capsys.readouterr().out).values()
    assert [row["read"] for row in variants] == ["60%", "-"]
    assert [row["best peer"] for row in variants] == ["-", "-"]
    assert [row["read"] for row in times] == ["600", "-"]
    assert [row["group"] for row in means] == ["local", "table", "all variants"]
    layer = json.loads(file.read_text())["layers"][0]
    rates = {result["library"]: result["rate"] for result in layer["results"]}
    assert rates == pytest.approx({"convcore": 2 * 120 * 400 / 1e9, "read": 120 * 1600 / 0.6e9})


def test_convcore_without_the_table_is_no_peer(clock, capsys):
    chosen = ["--layers", "table-lenet5-c3", "--peers", "convcore-dense"]
    assert benchmarks.main([*chosen, "--rounds", "1", "--markdown"]) == 0
    variants, times, _ = tables(capsys.readouterr().out).values()
    assert variants[0]["best peer"] == "-"
    assert times[0]["convcore-dense"] == "1000"
    assert "read" not in variants[0]


def test_stale_scratch_takes_part_if_asked_for(clock, capsys):
    assert not peers.ConvcoreStale.usual
    chosen = ["--layers", "table-lenet5-c3", "--peers", "convcore-stale"]
    assert benchmarks.main([*chosen, "--rounds", "1", "--markdown"]) == 0
    variants, times, _ = tables(capsys.readouterr().out).values()
    assert variants[0]["best peer"] == "-"
    assert "convcore-stale" in times[0]


def test_a_gradient_stands_beside_all_three(clock, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(peers.ConvcoreAll, "time_calls", lambda self, call, count: 2.5 * count)
    file = tmp_path / "bench.json"
    chosen = ["--layers", "grad-lenet5-c3-n8-*", "--peers", "convcore-nhwc", "convcore-all"]
    assert benchmarks.main([*chosen, "--rounds", "1", "--markdown", "--json", str(file)]) == 0
    training, times, means = tables(capsys.readouterr().out).values()
    words = ["forward", "input", "weight"]
    assert [row["layer"] for row in training] == [f"grad-lenet5-c3-n8-{word}" for word in words]
    assert [row["all"] for row in training] == ["-", "2.50", "2.50"]
    assert [row["best peer"] for row in training] == ["-"] * 3
    assert [row["convcore-all"] for row in times] == ["-", "2500", "2500"]
    assert [row["algorithm"].partition("_")[0] for row in training] == ["direct", "-", "-"]
    groups = [f"gradients-{word}" for word in words]
    assert [row["group"] for row in means] == [*groups, "all training"]
    records = json.loads(file.read_text())["layers"]
    assert [layer["op"] for layer in records] == list(passes.PASSES)
    assert all(
        result["relative_l2_error"] < 1e-6 for layer in records for result in layer["results"]
    )


def test_a_network_stands_beside_its_peers(clock, tmp_path, capsys):
    file = tmp_path / "bench.json"
    chosen = ["--layers", "network-lenet5-n1", "network-step", "--peers", "torch", "onnxruntime"]
    assert benchmarks.main([*chosen, "--rounds", "1", "--markdown", "--json", str(file)]) == 0
    whole, times, means = tables(capsys.readouterr().out).values()
    assert [row["layer"] for row in whole] == ["network-lenet5-n1", "network-lenet5-step-n64"]
    assert {"read", "all", "copy", "algorithm"}.isdisjoint(whole[0])
    assert [row["convcore"] for row in times] == ["1000", "1000"]
    groups = ["network-lenet5", "network-step", "all networks"]
    assert [row["group"] for row in means] == groups
    records = json.loads(file.read_text())["layers"]
    assert [layer["net"] for layer in records] == ["lenet5"] * 2
    assert [layer["refused"] for layer in records] == [{}] * 2
    assert all(
        result["relative_l2_error"] < 2e-6 for layer in records for result in layer["results"]
    )


def test_what_is_measured_once_comes_before_the_rounds(clock, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(peers.ConvcoreDense, "time_calls", lambda self, call, count: 9.0 * count)
    file = tmp_path / "bench.json"
    chosen = ["--layers", "table-lenet5-c3", "--peers", "convcore-dense"]
    assert benchmarks.main([*chosen, "--rounds", "3", "--json", str(file)]) == 0
    (layer,) = json.loads(file.read_text())["layers"]
    rounds = {result["library"]: len(result["rounds_ms"]) for result in layer["results"]}
    assert rounds == {"convcore": 3, "convcore-dense": 1}


def test_a_row_without_an_algorithm_is_printed(clock, tmp_path, capsys):
    file = tmp_path / "bench.json"
    chosen = ["--layers", "small-1-4-8", "pool-small", "--peers", "none", "--rounds", "1"]
    assert benchmarks.main([*chosen, "--json", str(file)]) == 0
    run = json.loads(file.read_text())
    del run["layers"][0]["algorithm"]  # as in older files
    conv, pooling, *_ = tables(report.render(run, markdown=True)).values()
    assert "algorithm" not in conv[0]
    assert pooling[0]["algorithm"] == run["layers"][1]["algorithm"]


def test_means_never_mix_convolution_and_pooling():
    rows = [
        {
            "kind": kind,
            "group": group,
            "image": image,
            "threads": 1,
            "torch_ratio": ratio,
            "best_ratio": ratio,
        }
        for kind, group, image, ratio in (
            ("conv", "net", False, 2.0),
            ("conv", "net", False, 8.0),
            ("conv", "image", True, 32.0),
            ("pool", "pool-max", False, 3.0),
            ("pool", "pool-image", True, 12.0),
        )
    ]
    means = {mean["group"]: mean["torch_ratio"] for mean in runner.geometric_means(rows)}
    assert means == pytest.approx(
        {
            "net": 4.0,
            "image": 32.0,
            "all convolution but image": 4.0,
            "all convolution": 8.0,
            "pool-max": 3.0,
            "pool-image": 12.0,
            "all pooling but image": 3.0,
            "all pooling": 6.0,
        }
    )


def test_list_shows_every_layer_and_library(capsys):
    assert benchmarks.main(["--list"]) == 0
    printed = capsys.readouterr().out.split()
    names = [item.name for item in (*LAYERS, *peers.OURS, *filters.PEERS, *MEMORY)]
    assert [name for name in names if name not in printed] == []


def test_list_as_json(capsys, tmp_path):
    file = tmp_path / "list.json"
    chosen = ["--list", "--layers", "lenet5-*", "--peers", "none", "--json", str(file)]
    assert benchmarks.main(chosen) == 0
    printed = capsys.readouterr().out
    listed = json.loads(file.read_text())
    names = [layer["name"] for layer in listed["layers"]]
    assert names == [layer.name for layer in LAYERS if layer.name.startswith("lenet5-")]
    assert all(layer["flops"] > 0 for layer in listed["layers"])
    assert listed["peers"][0]["name"] == "convcore"
    assert [name for name in names if name not in printed] == []
    with pytest.raises(SystemExit):
        benchmarks.main(["--list", "--json", str(tmp_path / "no" / "list.json")])
    assert "its folder does not exist" in capsys.readouterr().err
