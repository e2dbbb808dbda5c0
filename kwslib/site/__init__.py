"""The site: Sphinx, papermill and what is built around them; no chapter is known here."""

# papermill loads the engine of this package while it is imported itself; it must come first
import papermill  # noqa: F401
