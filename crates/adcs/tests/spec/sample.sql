CREATE TABLE Requests (
    RequestID INTEGER PRIMARY KEY, RawRequest BLOB, StatusCode INTEGER, Disposition INTEGER NOT NULL, SubmittedWhen INTEGER,
    RevokedEffectiveWhen INTEGER, RevokedReason INTEGER, "$RequesterName" TEXT, CommonName TEXT, Extra TEXT
);
CREATE TABLE Certificates (
    RequestID INTEGER PRIMARY KEY, RawCertificate BLOB, SerialNumber TEXT, NotAfter INTEGER, CertificateTemplate TEXT,
    CertificateHash TEXT, DistinguishedName TEXT, CommonName TEXT
);
CREATE TABLE RequestAttributes (AttributeRequestId INTEGER NOT NULL, AttributeName TEXT NOT NULL, AttributeValue TEXT);
CREATE TABLE CertificateExtensions (
    ExtensionRequestId INTEGER NOT NULL, ExtensionName TEXT NOT NULL, ExtensionFlags INTEGER, ExtensionRawValue BLOB
);
CREATE TABLE CRLs (CRLRowId INTEGER PRIMARY KEY, CRLNumber INTEGER, CRLRawCRL BLOB);
-- 133485408000000000 is 2024-01-01.
INSERT INTO Requests VALUES
    (2, x'3000', 0, 20, 133485408000000000, NULL, NULL, 'CORP\alice', 'asked', 'kept'),
    (3, x'3000', 2148089876, 31, 133485408000000001, NULL, NULL, 'CORP\bob', 'refused', NULL),
    (7, x'3000', 0, 21, 133485408000000000, 133485408000000000, 1, 'CORP\alice', NULL, NULL);
INSERT INTO Certificates VALUES
    (2, x'00', '00 4F 2A', 134800000000000000, 'WebServer', '4f 2a aa', 'CN=www', 'www'),
    (7, NULL, '61ab', 133485408000000000, 'User', NULL, 'CN=mail', NULL),
    (9, x'00', '62', NULL, NULL, NULL, NULL, NULL);
-- Out of order, so that the order of the reader is its own.
INSERT INTO RequestAttributes VALUES (7, 'b', '1'), (2, 'CertificateTemplate', 'WebServer'), (7, 'a', NULL), (2, 'ccm', 'pc');
INSERT INTO CertificateExtensions VALUES (2, '2.5.29.17', 65536, x'3000'), (9, '2.5.29.15', 1, x'03');
INSERT INTO CRLs VALUES (1, 5, zeroblob(3000000)), (2, 6, x'3000');
