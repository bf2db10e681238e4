use std::collections::BTreeMap;

use certsrvd::authority::SCHEMA;

use crate::place::{authority, caller, request};

/// [MS-CSRA] 7 note 4, Windows Server 2012 and later, with the columns of 2012 R2, 2016, 2019 and 2022.
const COLUMNS: [(&str, &str); 5] = [
    (
        "Requests",
        "RequestID RawRequest RawArchivedKey KeyRecoveryHashes RawOldCertificate RequestAttributes RequestType \
         RequestFlags StatusCode Disposition DispositionMessage SubmittedWhen ResolvedWhen RevokedWhen \
         RevokedEffectiveWhen RevokedReason RequesterName CallerName SignerPolicies SignerApplicationPolicies Officer \
         DistinguishedName RawName Country Organization OrgUnit CommonName Locality State Title GivenName Initials SurName \
         DomainComponent EMail StreetAddress UnstructuredName UnstructuredAddress DeviceSerialNumber AttestationChallenge \
         EndorsementKeyHash EndorsementCertificateHash RawPrecertificate CRLPartitionIndex LinterCertificate",
    ),
    (
        "Certificates",
        "RequestID RawCertificate CertificateHash CertificateTemplate EnrollmentFlags GeneralFlags PrivateKeyFlags \
         SerialNumber IssuerNameId NotBefore NotAfter SubjectKeyIdentifier RawPublicKey PublicKeyLength \
         PublicKeyAlgorithm RawPublicKeyAlgorithmParameters PublishExpiredCertInCRL UPN DistinguishedName RawName Country \
         Organization OrgUnit CommonName Locality State Title GivenName Initials SurName DomainComponent EMail \
         StreetAddress UnstructuredName UnstructuredAddress DeviceSerialNumber",
    ),
    ("RequestAttributes", "AttributeRequestId AttributeName AttributeValue"),
    ("CertificateExtensions", "ExtensionRequestId ExtensionName ExtensionFlags ExtensionRawValue"),
    (
        "CRLs",
        "CRLRowId CRLNumber CRLMinBase CRLNameId CRLCount CRLThisUpdate CRLNextUpdate CRLThisPublish CRLNextPublish \
         CRLEffective CRLPropagationComplete CRLLastPublish CRLPublishAttempts CRLPublishFlags CRLPublishStatusCode \
         CRLPublishError CRLRawCRL CRLPartitionIndex",
    ),
];

#[test]
fn every_column_of_the_protocol_exists() {
    let database = rusqlite::Connection::open_in_memory().unwrap();
    database.execute_batch(SCHEMA).unwrap();
    for (table, columns) in COLUMNS {
        let mut statement =
            database.prepare(&format!("SELECT name FROM pragma_table_info('{table}') ORDER BY cid")).unwrap();
        let found: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert_eq!(found, columns.split_whitespace().collect::<Vec<_>>(), "{table}");
    }
}

#[test]
fn an_issued_certificate_fills_the_columns_as_windows_does() {
    let ca = authority(|_| {});
    let extensions = ["subjectAltName=DNS:web.example,email:a@b.example", "1.2.3.4=DER:0500"];
    let attributes = ["CertificateTemplate:WebServer".to_owned(), "note: for tests".to_owned()];
    let pem = request("/C=DE/O=Acme/OU=One/OU=Two/CN=web.example", &extensions);
    let issued = ca.authority.submit(&caller(), &pem, &attributes).unwrap();
    let row = |statement: &'static str| -> BTreeMap<String, rusqlite::types::Value> {
        let read = ca.authority.database().read(|connection| {
            let mut statement = connection.prepare(statement)?;
            let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
            statement.query_row([], |row| {
                Ok(names.into_iter().enumerate().map(|(at, name)| (name, row.get_unwrap(at))).collect())
            })
        });
        read.map_err(|error: certdb::ReadError<rusqlite::Error>| error.to_string()).unwrap()
    };
    let text = |value: &str| rusqlite::types::Value::Text(value.to_owned());
    let number = rusqlite::types::Value::Integer;

    let request = row("SELECT * FROM Requests WHERE RequestID = 2");
    assert_eq!(request["Disposition"], number(20));
    assert_eq!(request["RequestType"], number(0x100));
    assert_eq!(request["RequesterName"], text("local\\1000"));
    assert_eq!(request["CommonName"], text("web.example"));
    assert_eq!(request["OrgUnit"], text("One\nTwo"));
    assert_eq!(request["RequestAttributes"], text("CertificateTemplate:WebServer\nnote:for tests"));
    let rusqlite::types::Value::Integer(submitted) = request["SubmittedWhen"] else { panic!("no date") };
    // 2020 to 2100 in FILETIME.
    assert!((132_223_104_000_000_000..157_469_184_000_000_000).contains(&submitted), "{submitted}");

    let certificate = row("SELECT * FROM Certificates WHERE RequestID = 2");
    assert_eq!(certificate["SerialNumber"], text(&issued.serial.unwrap()));
    assert_eq!(certificate["CertificateTemplate"], text("WebServer"));
    assert_eq!(certificate["PublicKeyLength"], number(256));
    assert_eq!(certificate["PublicKeyAlgorithm"], text("1.2.840.10045.2.1"));
    assert_eq!(certificate["EMail"], text("a@b.example"));
    let rusqlite::types::Value::Text(hash) = &certificate["CertificateHash"] else { panic!("no hash") };
    assert_eq!((hash.len(), hash.split(' ').count()), (59, 20), "20 bytes with blanks between them: {hash}");

    let flags = row("SELECT group_concat(ExtensionName || ' ' || printf('%x', ExtensionFlags), '; ') AS flags FROM
         (SELECT * FROM CertificateExtensions WHERE ExtensionRequestId = 2 ORDER BY ExtensionName)");
    assert_eq!(
        flags["flags"],
        text(
            "1.2.3.4 10002; 2.5.29.14 40000; 2.5.29.15 20001; 2.5.29.17 10000; 2.5.29.19 20001; 2.5.29.35 40000; 2.5.29.37 20000"
        )
    );
    let own = row("SELECT Disposition, RawRequest, CommonName FROM Requests WHERE RequestID = 1");
    assert_eq!(own["Disposition"], number(15));
    assert_eq!(own["CommonName"], text("Test CA"));
}
