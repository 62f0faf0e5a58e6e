"""The steps from one schema to the next. `catalog/schema.py` runs them; there is no alembic.ini.

On SQLite a step that rebuilds a table others point to must not drop it while foreign keys are
enforced: dropping deletes its rows first, and their children with them.
"""
