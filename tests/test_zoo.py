import pytest
import torch
from toy import detector, random_codes

from argminn_core import zoo
from argminn_core.checkpoint import load_model, save_model
from argminn_core.errors import ModelFileError
from argminn_core.predict import predict

BUNDLED = sorted(zoo.BUNDLED.glob(f"*{zoo.SUFFIX}"))


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A user's folder with the model `mine`, beside a package with the models `REST` and `SPI1`."""
    monkeypatch.setenv("ARGMINN_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(zoo, "BUNDLED", tmp_path / "package")
    for folder, names in (
        (tmp_path / "package", ("SPI1", "REST")),
        (tmp_path / "home" / "models", ("mine",)),
    ):
        folder.mkdir(parents=True)
        for name in names:
            save_model(folder / f"{name}.safetensors", detector().renamed(name))
    return tmp_path


def test_the_users_folder_is_that_of_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("ARGMINN_HOME", str(tmp_path))
    assert zoo.user_dir() == tmp_path / "models" and not zoo.user_dir().exists()
    monkeypatch.delenv("ARGMINN_HOME")
    monkeypatch.setattr("pathlib.Path.home", lambda: tmp_path / "someone")
    assert zoo.user_dir() == tmp_path / "someone" / ".argminn" / "models"


def test_names_are_bundled_models_then_the_users(home):
    assert zoo.names() == ["REST", "SPI1", "mine"]
    assert zoo.is_bundled("REST") and not zoo.is_bundled("mine") and not zoo.is_bundled("none")


def test_names_and_paths_resolve(home):
    assert zoo.resolve("REST") == home / "package" / "REST.safetensors"
    assert zoo.resolve("mine") == home / "home" / "models" / "mine.safetensors"
    file = home / "elsewhere.safetensors"
    save_model(file, detector())
    assert zoo.resolve(file) == file and zoo.resolve(str(file)) == file
    assert load_model(zoo.resolve("mine")).name == "mine"


def test_a_users_model_does_not_hide_a_bundled_one(home):
    save_model(zoo.user_dir() / "REST.safetensors", detector().renamed("impostor"))
    assert zoo.names() == ["REST", "SPI1", "mine"]
    assert load_model(zoo.resolve("REST")).name == "REST"


@pytest.mark.parametrize("name", ["rest", "none", "", ".", "../package/REST", "models"])
def test_what_there_is_not_is_an_error_that_lists_what_there_is(home, name, monkeypatch):
    monkeypatch.chdir(home)
    with pytest.raises(ModelFileError, match=r"there is no model.*REST, SPI1, mine"):
        zoo.resolve(name)


def test_without_a_users_folder_the_bundled_ones_remain(home, monkeypatch):
    monkeypatch.setenv("ARGMINN_HOME", str(home / "nowhere"))
    assert zoo.names() == ["REST", "SPI1"] and not (home / "nowhere").exists()


@pytest.mark.skipif(bool(BUNDLED), reason="there are bundled models")
def test_no_bundled_models_is_no_error(tmp_path, monkeypatch):
    monkeypatch.setenv("ARGMINN_HOME", str(tmp_path))
    assert zoo.names() == []


@pytest.mark.parametrize("path", BUNDLED, ids=lambda path: path.stem)
def test_a_bundled_model_loads_and_has_its_card(path):
    bundle = load_model(path)
    assert bundle.name == path.stem
    assert {"description", "data", "split", "metrics", "training"} <= bundle.card.keys()
    assert any(motif.counts for motif in bundle.motifs)
    assert bundle.model.scanner.weight.sum(1).abs().max() < 1e-4  # an N reads as the mean base
    logits = predict(bundle.model, random_codes(2, bundle.length))
    assert torch.isfinite(torch.from_numpy(logits)).all()
