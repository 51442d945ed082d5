"""Acting on modules when they are imported. `compat.install` changes some that it does not want to import itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.abc import Loader, MetaPathFinder
else:
    # `importlib.abc`, with all that it imports, takes as long as compat itself: the row `import`. These two classes are
    # asked for no method that the ones below do not have.
    Loader = MetaPathFinder = object

Action = Callable[[ModuleType], object]


class AfterImport(MetaPathFinder):
    """Calls a module's action once the module is imported: at `start` for one that is there already."""

    def __init__(self, actions: Mapping[str, Action]) -> None:
        self._actions = actions

    def start(self) -> None:
        for name, action in self._actions.items():
            module = sys.modules.get(name)
            if module is not None:
                action(module)
        sys.meta_path.insert(0, self)

    def stop(self) -> None:
        """Do nothing about what is imported from now on."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(self, name: str, path: Sequence[str] | None = None,
                  target: ModuleType | None = None) -> ModuleSpec | None:
        action = self._actions.get(name)
        spec = None if action is None else PathFinder.find_spec(name, path, target)
        if action is not None and spec is not None and spec.loader is not None:
            spec.loader = ActingLoader(spec.loader, action)
        return spec


class ActingLoader(Loader):
    """Loads a module as its own loader does, then calls the action with it."""

    def __init__(self, loader: Loader, action: Action) -> None:
        self._loader = loader
        self._action = action

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        vars(module)["__loader__"] = self._loader  # by which tools find the source code
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._action(module)
