-- The AD CS schema, [MS-CSRA] 7 note 4, "Windows Server 2012 and later".
-- Tables have the names of the Windows database, columns those of the protocol (Request.X is column X of Requests).
-- A date is a FILETIME: 100 ns intervals since 1601-01-01 UTC. Hashes are hexadecimal bytes with blanks between them,
-- serial numbers hexadecimal digits without.

CREATE TABLE Requests (
    RequestID INTEGER PRIMARY KEY AUTOINCREMENT, -- 1000, indexed, long
    RawRequest BLOB, -- 1001, binary, at most 65536 bytes
    RawArchivedKey BLOB, -- 1002, binary, at most 65536 bytes
    KeyRecoveryHashes TEXT, -- 1003, string, at most 8192 bytes
    RawOldCertificate BLOB, -- 1004, binary, at most 16384 bytes
    RequestAttributes TEXT, -- 1005, string, at most 32768 bytes
    RequestType INTEGER, -- 1006, long
    RequestFlags INTEGER, -- 1007, long
    StatusCode INTEGER, -- 1008, long
    Disposition INTEGER NOT NULL, -- 1009, indexed, long
    DispositionMessage TEXT, -- 100a, string, at most 8192 bytes
    SubmittedWhen INTEGER, -- 100b, indexed, date
    ResolvedWhen INTEGER, -- 100c, indexed, date
    RevokedWhen INTEGER, -- 100d, date
    RevokedEffectiveWhen INTEGER, -- 100e, indexed, date
    RevokedReason INTEGER, -- 100f, long
    RequesterName TEXT, -- 1010, indexed, string, at most 2048 bytes
    CallerName TEXT, -- 1011, indexed, string, at most 2048 bytes
    SignerPolicies TEXT, -- 1012, string, at most 8192 bytes
    SignerApplicationPolicies TEXT, -- 1013, string, at most 8192 bytes
    Officer INTEGER, -- 1014, long
    DistinguishedName TEXT, -- 1015, string, at most 8192 bytes
    RawName BLOB, -- 1016, binary, at most 4096 bytes
    Country TEXT, -- 1017, string, at most 8192 bytes
    Organization TEXT, -- 1018, string, at most 8192 bytes
    OrgUnit TEXT, -- 1019, string, at most 8192 bytes
    CommonName TEXT, -- 101a, string, at most 8192 bytes
    Locality TEXT, -- 101b, string, at most 8192 bytes
    State TEXT, -- 101c, string, at most 8192 bytes
    Title TEXT, -- 101d, string, at most 8192 bytes
    GivenName TEXT, -- 101e, string, at most 8192 bytes
    Initials TEXT, -- 101f, string, at most 8192 bytes
    SurName TEXT, -- 1020, string, at most 8192 bytes
    DomainComponent TEXT, -- 1021, string, at most 8192 bytes
    EMail TEXT, -- 1022, string, at most 8192 bytes
    StreetAddress TEXT, -- 1023, string, at most 8192 bytes
    UnstructuredName TEXT, -- 1024, string, at most 8192 bytes
    UnstructuredAddress TEXT, -- 1025, string, at most 8192 bytes
    DeviceSerialNumber TEXT, -- 1026, string, at most 8192 bytes
    AttestationChallenge BLOB, -- 1027, binary, at most 4096 bytes, 2012 R2 and later
    EndorsementKeyHash TEXT, -- 1028, string, at most 144 bytes, 2012 R2 and later
    EndorsementCertificateHash TEXT, -- 1029, string, at most 144 bytes, 2012 R2 and later
    RawPrecertificate BLOB, -- 102a, binary, at most 16384 bytes, 2016 and later
    CRLPartitionIndex INTEGER, -- 102b, long, 2019 and later
    LinterCertificate BLOB -- 102c, binary, at most 16384 bytes, 2022 and later
) STRICT;
CREATE INDEX RequestsDisposition ON Requests (Disposition);
CREATE INDEX RequestsSubmittedWhen ON Requests (SubmittedWhen);
CREATE INDEX RequestsResolvedWhen ON Requests (ResolvedWhen);
CREATE INDEX RequestsRevokedEffectiveWhen ON Requests (RevokedEffectiveWhen);
CREATE INDEX RequestsRequesterName ON Requests (RequesterName);
CREATE INDEX RequestsCallerName ON Requests (CallerName);

CREATE TABLE Certificates (
    RequestID INTEGER PRIMARY KEY REFERENCES Requests (RequestID), -- 2000, indexed, long
    RawCertificate BLOB, -- 2001, binary, at most 16384 bytes
    CertificateHash TEXT, -- 2002, indexed, string, at most 128 bytes
    CertificateTemplate TEXT, -- 2003, indexed, string, at most 254 bytes
    EnrollmentFlags INTEGER, -- 2004, long
    GeneralFlags INTEGER, -- 2005, long
    PrivateKeyFlags INTEGER, -- 2006, long
    SerialNumber TEXT, -- 2007, indexed, string, at most 128 bytes
    IssuerNameId INTEGER, -- 2008, long
    NotBefore INTEGER, -- 2009, date
    NotAfter INTEGER, -- 200a, indexed, date
    SubjectKeyIdentifier TEXT, -- 200b, string, at most 128 bytes
    RawPublicKey BLOB, -- 200c, binary, at most 4096 bytes
    PublicKeyLength INTEGER, -- 200d, long
    PublicKeyAlgorithm TEXT, -- 200e, string, at most 254 bytes
    RawPublicKeyAlgorithmParameters BLOB, -- 200f, binary, at most 4096 bytes
    PublishExpiredCertInCRL INTEGER, -- 2010, long
    UPN TEXT, -- 2011, indexed, string, at most 2048 bytes
    DistinguishedName TEXT, -- 2012, string, at most 8192 bytes
    RawName BLOB, -- 2013, binary, at most 4096 bytes
    Country TEXT, -- 2014, string, at most 8192 bytes
    Organization TEXT, -- 2015, string, at most 8192 bytes
    OrgUnit TEXT, -- 2016, string, at most 8192 bytes
    CommonName TEXT, -- 2017, indexed, string, at most 8192 bytes
    Locality TEXT, -- 2018, string, at most 8192 bytes
    State TEXT, -- 2019, string, at most 8192 bytes
    Title TEXT, -- 201a, string, at most 8192 bytes
    GivenName TEXT, -- 201b, string, at most 8192 bytes
    Initials TEXT, -- 201c, string, at most 8192 bytes
    SurName TEXT, -- 201d, string, at most 8192 bytes
    DomainComponent TEXT, -- 201e, string, at most 8192 bytes
    EMail TEXT, -- 201f, string, at most 8192 bytes
    StreetAddress TEXT, -- 2020, string, at most 8192 bytes
    UnstructuredName TEXT, -- 2021, string, at most 8192 bytes
    UnstructuredAddress TEXT, -- 2022, string, at most 8192 bytes
    DeviceSerialNumber TEXT -- 2023, string, at most 8192 bytes
) STRICT;
CREATE INDEX CertificatesCertificateHash ON Certificates (CertificateHash);
CREATE INDEX CertificatesCertificateTemplate ON Certificates (CertificateTemplate);
CREATE UNIQUE INDEX CertificatesSerialNumber ON Certificates (SerialNumber);
CREATE INDEX CertificatesNotAfter ON Certificates (NotAfter);
CREATE INDEX CertificatesUPN ON Certificates (UPN);
CREATE INDEX CertificatesCommonName ON Certificates (CommonName);

CREATE TABLE RequestAttributes (
    AttributeRequestId INTEGER NOT NULL REFERENCES Requests (RequestID), -- 3000, indexed, long
    AttributeName TEXT NOT NULL COLLATE NOCASE, -- 3001, string, at most 254 bytes
    AttributeValue TEXT -- 3002, string, at most 8192 bytes
) STRICT;
CREATE UNIQUE INDEX RequestAttributesName ON RequestAttributes (AttributeRequestId, AttributeName);

CREATE TABLE CertificateExtensions (
    ExtensionRequestId INTEGER NOT NULL REFERENCES Requests (RequestID), -- 4000, indexed, long
    ExtensionName TEXT NOT NULL, -- 4001, string, at most 254 bytes
    ExtensionFlags INTEGER, -- 4002, long
    ExtensionRawValue BLOB -- 4003, binary, at most 16384 bytes
) STRICT;
CREATE UNIQUE INDEX CertificateExtensionsName ON CertificateExtensions (ExtensionRequestId, ExtensionName);

CREATE TABLE CRLs (
    CRLRowId INTEGER PRIMARY KEY AUTOINCREMENT, -- 5000, indexed, long
    CRLNumber INTEGER, -- 5001, indexed, long
    CRLMinBase INTEGER, -- 5002, long
    CRLNameId INTEGER, -- 5003, long
    CRLCount INTEGER, -- 5004, long
    CRLThisUpdate INTEGER, -- 5005, date
    CRLNextUpdate INTEGER, -- 5006, indexed, date
    CRLThisPublish INTEGER, -- 5007, date
    CRLNextPublish INTEGER, -- 5008, indexed, date
    CRLEffective INTEGER, -- 5009, date
    CRLPropagationComplete INTEGER, -- 500a, indexed, date
    CRLLastPublish INTEGER, -- 500b, indexed, date
    CRLPublishAttempts INTEGER, -- 500c, indexed, long
    CRLPublishFlags INTEGER, -- 500d, long
    CRLPublishStatusCode INTEGER, -- 500e, indexed, long
    CRLPublishError TEXT, -- 500f, string, at most 8192 bytes
    CRLRawCRL BLOB, -- 5010, binary, at most 536870912 bytes
    CRLPartitionIndex INTEGER -- 5011, long, 2019 and later
) STRICT;
CREATE INDEX CRLsCRLNumber ON CRLs (CRLNumber);
CREATE INDEX CRLsCRLNextUpdate ON CRLs (CRLNextUpdate);
CREATE INDEX CRLsCRLNextPublish ON CRLs (CRLNextPublish);
CREATE INDEX CRLsCRLPropagationComplete ON CRLs (CRLPropagationComplete);
CREATE INDEX CRLsCRLLastPublish ON CRLs (CRLLastPublish);
CREATE INDEX CRLsCRLPublishAttempts ON CRLs (CRLPublishAttempts);
CREATE INDEX CRLsCRLPublishStatusCode ON CRLs (CRLPublishStatusCode);
