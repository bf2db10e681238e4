use super::{cabak, events, failure, str, text, world};

#[test]
fn revocation_lists_are_told_by_their_columns() {
    let set = world().path("sets/incremental");
    let crls = events(&["crls", str(&set)], "crl", 0);
    let facts: Vec<(i64, i64, &str, i64)> = crls
        .iter()
        .map(|crl| {
            let number = |name: &str| crl[name].as_i64().unwrap();
            (number("row"), number("number"), crl["kind"].as_str().unwrap(), number("entries"))
        })
        .collect();
    // At CRL 2 requests 3 and 6 were revoked; at CRL 3 it was 2 and 3.
    assert_eq!(facts, [(1, 1, "base", 0), (2, 2, "base", 2), (3, 3, "base", 2)]);
    assert!(crls[2]["size"].as_u64().unwrap() > 100);
    assert_eq!(crls[2]["published"], "0x45 (base, complete, manual)");
    let table = text(&["crls", str(&set)], 0);
    assert!(table.starts_with("ROW    NUMBER   KIND "), "{table}");
    assert_eq!(table.lines().count(), 4, "{table}");
    let csv = text(&["crls", str(&set), "--csv"], 0);
    assert!(csv.starts_with("row,number,kind,key,partition,entries,this_update,"), "{csv}");
}

#[test]
fn logs_are_told_by_their_headers() {
    let set = world().path("sets/incremental");
    let logs = events(&["logs", str(&set)], "log", 0);
    let generations: Vec<i64> = logs.iter().map(|log| log["generation"].as_i64().unwrap()).collect();
    assert!(generations.len() >= 2, "those of the full set too: {generations:?}");
    assert!(generations.windows(2).all(|pair| pair[1] == pair[0] + 1), "{generations:?}");
    for pair in logs.windows(2) {
        assert_eq!(pair[1]["previous_created"], pair[0]["created"]);
        assert_eq!(pair[1]["signature"], pair[0]["signature"]);
    }
    assert_eq!(logs[0]["file"], "edb00001.log");
    assert!(logs[0]["size"].as_u64().unwrap() > 4096);
    let table = text(&["logs", str(&world().path("full"))], 0);
    assert!(table.starts_with("GENERATION  FILE            SIZE       CREATED "), "{table}");
    assert!(table.contains("\n0x1         edb00001.log    "), "{table}");
}

#[test]
fn a_gap_between_logs_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let from = world().path("last/DataBase");
    let incremental = world().path("incremental/DataBase");
    let mut logs = Vec::new();
    for source in [world().path("full/DataBase"), incremental, from] {
        for entry in std::fs::read_dir(source).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().unwrap() == "log" {
                let name = path.file_name().unwrap().to_owned();
                std::fs::copy(&path, directory.path().join(&name)).unwrap();
                logs.push(name);
            }
        }
    }
    logs.sort();
    logs.dedup();
    assert!(logs.len() >= 3, "{logs:?}");
    assert_eq!(events(&["logs", str(directory.path())], "warning", 0), [] as [serde_json::Value; 0]);
    std::fs::remove_file(directory.path().join(&logs[1])).unwrap();
    let warnings = events(&["logs", str(directory.path())], "warning", 0);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(warnings[0]["message"], "generation 0x2 is missing");
    std::fs::write(directory.path().join(&logs[0]), b"CERTLOG\0 and then nothing").unwrap();
    // The others are listed all the same.
    let output = cabak(&["logs", str(directory.path())]);
    let (text, error) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(21), "{error}");
    assert!(error.contains("edb00001.log: no log of certdb: ") && error.contains("\nhint: "), "{error}");
    assert_eq!(text.lines().count(), logs.len() - 1, "{text}");
}

#[test]
fn locations_come_from_the_restore_map_of_a_set() {
    let map = world().path("full/DataBase/certbkxp.dat");
    for place in [world().path("full"), world().path("full/DataBase"), world().path("sets/latest"), map] {
        let result = &events(&["locations", str(&place)], "result", 0)[0];
        let expected = serde_json::json!([{ "type": "database", "path": "\\\\ca01\\CertSrv$\\DataBase\\Test CA.db" }]);
        assert_eq!(result["locations"], expected, "{}", place.display());
    }
    let directory = tempfile::tempdir().unwrap();
    let error = failure(&["locations", str(directory.path())], 10);
    assert!(error.contains("holds no backup set"), "{error}");
    let file = directory.path().join("certbkxp.dat");
    std::fs::write(&file, b"odd").unwrap();
    let error = failure(&["locations", str(&file)], 21);
    assert!(error.contains("is no restore map: "), "{error}");
    let error = failure(&["locations", str(&world().path("full")), "--user", "x"], 2);
    assert!(error.starts_with("error: --user: not with a set"), "{error}");
}
