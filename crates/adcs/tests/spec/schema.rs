use adcs::{Kind, Table, schema};

fn named(table: Table, physical: &[&str]) -> Vec<String> {
    let columns = schema::columns(table, physical.iter().map(|name| (*name, Kind::Text)));
    columns
        .iter()
        .map(|column| format!("{}={} {:?} {}", column.physical, column.name, column.kind, column.known))
        .collect()
}

#[test]
fn columns_of_windows_databases_get_the_names_of_the_protocol() {
    assert_eq!(
        named(
            Table::Requests,
            &["RequestID", "$RequesterName", "SubmittedWhen", "$EMAIL", "$OrganizationalUnit", "$StateOrProvince"]
        ),
        [
            "RequestID=RequestID Long true",
            "$RequesterName=RequesterName Text true",
            "SubmittedWhen=SubmittedWhen Date true",
            "$EMAIL=EMail Text true",
            "$OrganizationalUnit=OrgUnit Text true",
            "$StateOrProvince=State Text true",
        ]
    );
    assert_eq!(
        named(Table::Certificates, &["PublicKey", "PublicKeyParams", "NameId", "$SerialNumber"]),
        [
            "PublicKey=RawPublicKey Binary true",
            "PublicKeyParams=RawPublicKeyAlgorithmParameters Binary true",
            "NameId=IssuerNameId Long true",
            "$SerialNumber=SerialNumber Text true",
        ]
    );
    assert_eq!(
        named(
            Table::Crls,
            &["RowId", "Number", "NameId", "PropgationComplete", "RawCRL", "$PublishError", "CRLPartitionIndex"]
        ),
        [
            "RowId=CRLRowId Long true",
            "Number=CRLNumber Long true",
            "NameId=CRLNameId Long true",
            "PropgationComplete=CRLPropagationComplete Date true",
            "RawCRL=CRLRawCRL Binary true",
            "$PublishError=CRLPublishError Text true",
            "CRLPartitionIndex=CRLPartitionIndex Long true",
        ]
    );
    assert_eq!(named(Table::RequestAttributes, &["RequestId"]), ["RequestId=AttributeRequestId Long true"]);
    assert_eq!(named(Table::CertificateExtensions, &["requestid"]), ["requestid=ExtensionRequestId Long true"]);
}

#[test]
fn what_no_specification_names_is_kept() {
    assert_eq!(named(Table::Requests, &["$Future", "Other"]), ["$Future=$Future Text false", "Other=Other Text false"]);
}

#[test]
fn no_name_comes_twice() {
    assert_eq!(named(Table::Requests, &["$EMail", "EMail"]), ["$EMail=EMail Text true", "EMail=EMail Text false"]);
    for table in Table::ALL {
        let mut names: Vec<String> = schema::standard(table).iter().map(|column| column.name.to_lowercase()).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count, "{table}");
        assert!(names.contains(&table.id_column().to_lowercase()), "{table}");
    }
}

#[test]
fn the_standard_is_that_of_the_newest_version() {
    assert_eq!(Table::ALL.map(|table| schema::standard(table).len()), [46, 36, 3, 4, 18]);
    assert_eq!(
        Table::ALL.map(Table::name),
        ["Requests", "Certificates", "RequestAttributes", "CertificateExtensions", "CRLs"]
    );
    assert_eq!(Table::of_name("crls"), Some(Table::Crls));
    assert_eq!(Table::of_name("MSysObjects"), None);
}
