"""The container image holds all that Almanac reads: what runs from it says the same as what runs from the sources."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Everything that lies beside the code and is found by its place.
LOOK = """
import sys
from pathlib import Path

sys.path.insert(0, "")

from alembic.script import ScriptDirectory
from webapp.core.languages import LANGUAGES
from webapp.web.languages import catalog
from wsgi import app

print("templates", sorted(app.jinja_env.list_templates()))
print("static", sorted(str(file.relative_to(app.static_folder)) for file in Path(app.static_folder).rglob("*.*")))
print("migrations", sorted(step.revision for step in ScriptDirectory("migrations").walk_revisions()))
print("translations", [catalog(language).gettext("Save") for language in LANGUAGES])
print("gunicorn", Path("gunicorn.conf.py").is_file())
"""


# Nothing answers there, and nothing is asked.
SETTINGS = {
    "DATABASE_URL": "postgresql://127.0.0.1:9/almanac",
    "REDIS_URL": "redis://127.0.0.1:9/0",
    "CACHE_REDIS_URL": "redis://127.0.0.1:9/1",
    "SMTP_URL": "smtp://127.0.0.1:9",
    "SECRET_KEY": "0123456789abcdef" * 4,
    "PUBLIC_URL": "http://almanac.test",
}


def test_the_image_holds_all_that_the_application_reads(tmp_path: Path) -> None:
    image = tmp_path / "image"
    for name in _let_in():
        _copy(ROOT / name, image / name)
    found = _seen_from(image)
    assert found == _seen_from(ROOT)
    assert "Speichern" in found


def _let_in() -> list[str]:
    """What `.dockerignore` makes an exception for, having left everything out."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    return [line.removeprefix("!") for line in lines if line.startswith("!")]


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy(source, target)


def _seen_from(folder: Path) -> str:
    command = [sys.executable, "-B", "-I", "-c", LOOK]
    looked = subprocess.run(command, cwd=folder, env=SETTINGS, capture_output=True, text=True, check=False)
    assert looked.returncode == 0, looked.stderr
    return looked.stdout
