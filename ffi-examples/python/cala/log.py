"""The package's logger, "cala": what the library reports, and what the package does by itself."""
import logging

log = logging.getLogger("cala")
