"""The sweeps that the report shows: their settings, and what each of them measures."""
