namespace FleetMdm.Storage.Enrolment;

/// <summary>sha256, der, invitation_id, school, renews, issued_at, not_after: once for both databases.</summary>
internal static class CertificateColumns
{
    public static IssuedCertificate Read(Row row, int at = 0) => new()
    {
        Sha256 = row.Bytes(at),
        Der = row.Bytes(at + 1),
        InvitationId = row.TextOrNull(at + 2),
        School = row.TextOrNull(at + 3),
        Renews = row.BytesOrNull(at + 4),
        IssuedAt = row.Time(at + 5),
        NotAfter = row.Time(at + 6),
    };
}
