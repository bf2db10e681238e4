//! Logs.

use ese::log::LogHeader;
use testkit::ese::{Engine, Row, RowKey, Session, Table};

use crate::scene::{FORMATS, at_work, records, table, utf16};

#[test]
fn logs_have_no_fault_and_every_kind_of_record_that_the_engine_knows() {
    let mut kinds = std::collections::BTreeMap::<&str, usize>::new();
    for seed in 1..4 {
        let (mut engine, backup) = at_work(FORMATS[1], seed);
        engine.finish_backup(backup);
        there_and_back(&mut engine);
        empty(&mut engine);
        let logs: Vec<Vec<u8>> = (1..=engine.generation()).map(|generation| engine.log_file(generation)).collect();
        for (kind, count) in records(logs.iter().map(Vec::as_slice)) {
            *kinds.entry(kind).or_default() += count;
        }
    }
    let kinds: Vec<&str> = kinds.into_keys().collect();
    assert_eq!(
        kinds,
        [
            "AttachDB",
            "Backup2",
            "Begin",
            "Begin0",
            "Commit",
            "Commit0",
            "ConvertFDP2",
            "CreateDB",
            "CreateDBFinish",
            "CreateMultipleExtentFDP",
            "CreateSingleExtentFDP",
            "Delete",
            "Delta",
            "EmptyTree",
            "ExtendDB",
            "FlagDelete",
            "FlagInsert",
            "FlagInsertAndReplaceData",
            "Init2",
            "Insert",
            "MacroBegin",
            "MacroCommit",
            "MacroInfo",
            "Merge2",
            "NOP2",
            "NewPage",
            "Replace",
            "ReplaceD",
            "Rollback",
            "SetDbVersion",
            "SetExternalHeader",
            "ShutDownMark",
            "Split2",
            "Term2",
            "Undo",
            "UndoInfo",
        ]
    );
}

/// A row gets another name, and its old one again: the entry in the index is deleted, and comes back.
fn there_and_back(engine: &mut Engine) {
    let session = Session(7);
    let table = engine.create_table(Table { name: "names".into(), ..table() });
    engine.begin(session);
    let name = |name: &str| Row::from([("Name".to_owned(), vec![utf16(name)])]);
    let key = engine.insert_row(session, table, name("one"));
    engine.update_row(session, table, &key, name("other"));
    engine.update_row(session, table, &key, name("one"));
    engine.commit(session);
}

/// A table of several pages loses all rows.
fn empty(engine: &mut Engine) {
    let session = Session(7);
    let table = engine.create_table(Table { name: "emptied".into(), ..table() });
    engine.begin(session);
    let row = || Row::from([("Plain".to_owned(), vec![vec![b'x'; 250]])]);
    let keys: Vec<RowKey> = (0..60).map(|_| engine.insert_row(session, table, row())).collect();
    engine.commit(session);
    assert_eq!(engine.shape(table).0, 2);
    engine.begin(session);
    keys.iter().for_each(|key| engine.delete_row(session, table, key));
    engine.commit(session);
    engine.clean_up();
    assert_eq!(engine.shape(table), (1, 1));
}

#[test]
fn each_log_names_the_one_before_it() {
    let (mut engine, backup) = at_work(FORMATS[2], 1);
    let set = engine.finish_backup(backup);
    let headers: Vec<LogHeader> = set.logs.values().map(|log| LogHeader::parse(log).unwrap()).collect();
    assert!(headers.len() > 2);
    for pair in headers.windows(2) {
        assert_eq!(pair[0].generation + 1, pair[1].generation);
        assert_eq!(pair[0].created, pair[1].previous_created);
        assert_eq!(pair[0].signature, pair[1].signature);
        assert_eq!(pair[1].attachments[0].path, set.path);
    }
}
