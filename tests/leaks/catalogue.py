"""All rows: importing the modules that have them fills the table."""

from . import facade_loop as facade_loop
from . import facade_tasks as facade_tasks
from . import mixed as mixed
from . import native_host as native_host
from . import native_network as native_network
from . import native_queues as native_queues
from . import native_requests as native_requests
from . import native_scopes as native_scopes
from . import native_streams as native_streams
from . import native_sync as native_sync
from . import native_tasks as native_tasks
from . import whole_runs as whole_runs
from .rows import TABLE as TABLE
