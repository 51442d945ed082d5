"""Files of the user's with the names of our packages, `kernel` and `compat`. They hide ours, or ours hide them.

Python imports the first that it finds, and it looks first in the program's directory, or in the current one.
"""

from __future__ import annotations

import os
import sys

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # where both packages are
NAMES = "compat", "kernel"


def check_kernel() -> None:
    """Raise `ImportError` where `import kernel` does not give the package on which compat stands."""
    if "kernel" in sys.modules:
        found = getattr(sys.modules["kernel"], "__file__", None)
    else:
        # What `importlib.util.find_spec` does. To import that module takes as long as two of ours.
        specs = (finder.find_spec("kernel", None) for finder in sys.meta_path if hasattr(finder, "find_spec"))
        found = next((spec.origin for spec in specs if spec is not None), None)
    ours = os.path.join(HERE, "kernel", "__init__.py")
    if found in (None, ours):  # the usual answer, without a look at the files
        return
    if os.path.exists(found) and os.path.exists(ours) and not os.path.samefile(found, ours):
        raise ImportError(f"'import kernel' finds {found}, and not the package {os.path.dirname(ours)} that compat "
                          f"stands on: rename that file, or run Python with -P, which leaves its directory out",
                          name="kernel")


def hidden_in(directory: str, program: str | None = None) -> list[str]:
    """The modules in `directory` that a program there cannot import, as ours have their names; not `program` itself."""
    hidden = []
    for name in NAMES:
        ours = os.path.join(HERE, name)
        package, module = os.path.join(directory, name), os.path.join(directory, f"{name}.py")
        for path, file in (package, os.path.join(package, "__init__.py")), (module, module):
            if os.path.isfile(file) and not any(other and same_file(path, other) for other in (ours, program)):
                hidden.append(path)
    return hidden


def same_file(path: str, other: str) -> bool:
    return os.path.exists(path) and os.path.exists(other) and os.path.samefile(path, other)
