"""Every table of an ESE database as libesedb reads it, for `cargo xtask oracles`: lines as esedb_dissect.py prints them."""

import json
import sys

import pyesedb

BIT, TEXT, LONG_TEXT = 1, 10, 12
LONG, COMPRESSED, MULTI_VALUE = 0x01, 0x02, 0x08


def cell(record, entry, kind):
    try:
        flags = record.get_value_data_flags(entry)
        if flags & MULTI_VALUE:
            return {"unread": "several values"}
        if record.is_long_value(entry):
            long_value = record.get_value_data_as_long_value(entry)
            if long_value is None:
                return {"unread": "long value not found"}
            value = long_value.get_data()
            if value is None:
                return {"unread": "long value without data"}
        elif flags & COMPRESSED:
            return {"unread": "compressed value"}
        else:
            value = record.get_value_data(entry)
    except Exception as error:  # whatever the reader says is its answer
        return {"unread": f"{type(error).__name__}: {error}"}
    if value is None:
        return None
    if kind == BIT:
        return "00" if value == b"\0" else "01"
    return value.hex()


def main(path):
    database = pyesedb.file()
    database.open(path)
    for number in range(database.get_number_of_tables()):
        table = database.get_table(number)
        columns = [table.get_column(entry) for entry in range(table.get_number_of_columns())]
        names = [{"name": column.get_name(), "number": column.get_identifier()} for column in columns]
        kinds = [column.get_type() for column in columns]
        print(json.dumps({"table": table.get_name(), "columns": names}))
        try:
            for number_of_row in range(table.get_number_of_records()):
                record = table.get_record(number_of_row)
                print(json.dumps({"row": [cell(record, entry, kind) for entry, kind in enumerate(kinds)]}))
        except Exception as error:
            print(json.dumps({"error": f"{type(error).__name__}: {error}"}))


main(sys.argv[1])
