"""Rows of data in the specification of a chart."""


def rows_of(spec):
    """All rows in a specification, wherever its data stand."""
    if isinstance(spec, list):
        return [row for each in spec for row in rows_of(each)]
    if not isinstance(spec, dict):
        return []
    own = spec["values"] if isinstance(spec.get("values"), list) else []
    return [row for row in own if isinstance(row, dict)] + rows_of(list(spec.values()))
