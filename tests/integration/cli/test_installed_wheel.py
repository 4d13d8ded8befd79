"""`pip install .`: the wheel in its own venv, started from any directory, is the complete server."""

import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import httpx
import pytest

from cloudchat.page.build import build_page, read_directory
from support.server import RunningServer

CHECKOUT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the `cloudchat` command of a venv with the wheel and this venv's dependencies, without the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(CHECKOUT / name, source)
    for name in ("src", "frontend", "alembic"):
        shutil.copytree(CHECKOUT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip"]
    wheel_options = ["--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run([*pip, "wheel", *wheel_options, str(source)], check=True, capture_output=True)
    shutil.rmtree(source)

    home = folder / "venv"
    venv.create(home, symlinks=True)
    target = Path(sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)}))
    dependencies = Path(sysconfig.get_path("purelib"))
    # The dependencies by path: the .pth files of this venv would also load the editable install of the checkout.
    (target / "dependencies.pth").write_text(f"{dependencies}\n")
    (wheel,) = folder.glob("*.whl")
    install = ["--python", str(home), "install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([*pip, *install], check=True, capture_output=True)
    return home / "bin" / "cloudchat"


def test_the_wheel_serves_page_and_api(installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    print_path = [str(installed.parent / "python"), "-c", "import cloudchat; print(cloudchat.__file__)"]
    package = Path(subprocess.run(print_path, check=True, capture_output=True, text=True).stdout.strip()).parent
    assert package.is_relative_to(installed.parent.parent)
    with RunningServer(command=[str(installed)]) as server:
        assert httpx.get(f"{server.url}/readyz").status_code == 200
        assert (
            httpx.get(server.url).text
            == build_page(read_directory(CHECKOUT / "frontend"))["index.html"].content.decode()
        )
        assert len(server.first_password) >= 20  # the migrations ran
        assert server.terminate() == 0


def test_the_wheel_has_every_file_of_the_page_and_of_the_migrations(installed: Path) -> None:
    package = next(installed.parent.parent.glob("lib/*/site-packages/cloudchat"))
    for checkout, packaged in (("frontend", "_frontend"), ("alembic", "_migrations")):
        wanted = {p.relative_to(CHECKOUT / checkout) for p in (CHECKOUT / checkout).rglob("*") if p.is_file()}
        carried = {p.relative_to(package / packaged) for p in (package / packaged).rglob("*") if p.is_file()}
        assert {p for p in wanted if "__pycache__" not in p.parts} <= carried
    assert (package / "broker" / "functions" / "append.lua").is_file()
    assert (package / "py.typed").is_file()
