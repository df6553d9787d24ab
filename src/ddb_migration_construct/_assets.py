"""Where the code that runs in AWS lies: the functions under `lambda/`, the Glue scripts under `glue/`."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_IN_WHEEL = _PACKAGE / "assets"
_IN_CHECKOUT = _PACKAGE.parents[1] / "assets"


def assets_root() -> Path:
    """Return the folder that holds `lambda/` and `glue/`.

    A wheel carries it inside the package; a checkout, and so an editable install, has it at the top.

    Raises:
        FileNotFoundError: neither place has it, so the installation is not whole.
    """
    for candidate in (_IN_WHEEL, _IN_CHECKOUT):
        if (candidate / "lambda").is_dir():
            return candidate
    raise FileNotFoundError(
        f"the functions and Glue scripts of ddb-migration-construct are neither in {_IN_WHEEL} nor in "
        f"{_IN_CHECKOUT}; install ddb-migration-construct again"
    )
