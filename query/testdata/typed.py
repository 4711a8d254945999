"""Reads what reports say as Arrow and Parquet, as an analyst would, and prints it for TestServer_Reports_Python."""

import json
import sys
from decimal import Decimal

import pandas
import polars


def plain(value):
    """A value as JSON has it: decimals and times as texts."""
    if value is None or value is pandas.NaT or isinstance(value, float) and value != value:
        return None
    if isinstance(value, Decimal):
        return str(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value if isinstance(value, (str, bool, int)) else str(value)


def rows(records):
    return [{name: plain(value) for name, value in row.items()} for row in records]


folder = sys.argv[1]
stream = polars.read_ipc_stream(folder + "/rows.arrow")
parquet = polars.read_parquet(folder + "/rows.parquet")
frame = pandas.read_parquet(folder + "/rows.parquet", dtype_backend="pyarrow")
json.dump(
    {
        "types": {name: str(kind) for name, kind in stream.schema.items()},
        "stream": rows(stream.to_dicts()),
        "parquet": rows(parquet.to_dicts()),
        "pandas": rows(frame.astype(object).where(frame.notna(), None).to_dict("records")),
        "cost": str(stream["cost"].sum()),
    },
    sys.stdout,
)
