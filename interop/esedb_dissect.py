"""Every table of an ESE database as dissect.esedb reads it, for `cargo xtask oracles`.

One line a table, then one line a row:

    {"table": name, "columns": [{"name": ..., "number": ..., "deleted": ...}, ...], "deleted": ...}
    {"row": [cell, ...], "deleted": ...}

A cell is null, the bytes of a value in hexadecimal, a list of those, or {"unread": why}.
"""

import json
import sys

from dissect.esedb import EseDB

DELETED = 2


def as_stored(value, **_):
    """Takes the place of dissect's interpretation of the bytes of a value."""
    return bytes(value)


def cell(record, column):
    try:
        value = record._data.get(column)
    except Exception as error:  # whatever the reader says is its answer
        return {"unread": f"{type(error).__name__}: {error}"}
    if value is None:
        return None
    if isinstance(value, list):
        return [canonical(one, column) for one in value]
    return canonical(value, column)


def canonical(value, column):
    if column.type.name == "Bit":
        return "00" if value == b"\0" else "01"
    return value.hex()


def rows(table):
    for record in table.records():
        yield {"row": [cell(record, column) for column in table.columns], "deleted": deleted(record)}


def deleted(record):
    return bool(record._node.tag.flags & DELETED)


def described(column):
    return {"name": column.name, "number": column.identifier, "deleted": deleted(column.record)}


def main(path):
    with open(path, "rb") as file:
        tables = EseDB(file).tables()
        # What the catalog says is needed with its meaning; every value from here on as it is stored.
        for table in tables:
            for column in table.columns:
                _ = column.size, column.default, column.encoding, column.ctype
        for table in tables:
            for column in table.columns:
                column.__dict__["ctype"] = column.ctype._replace(parse=as_stored)
        for table in tables:
            columns = [described(column) for column in table.columns]
            print(json.dumps({"table": table.name, "columns": columns, "deleted": deleted(table.record)}))
            try:
                for row in rows(table):
                    print(json.dumps(row))
            except Exception as error:
                print(json.dumps({"error": f"{type(error).__name__}: {error}"}))


main(sys.argv[1])
