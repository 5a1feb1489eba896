namespace FleetMdm.Storage.Enrolment;

/// <summary>What is read of a certificate: once for both databases.</summary>
internal static class CertificateColumns
{
    /// <summary>How many columns <see cref="Read"/> reads.</summary>
    private const int Count = 8;

    /// <summary>What <see cref="ReadStanding"/> reads, for fingerprints in <c>i(sha256)</c>.</summary>
    public const string Standing = """
        c.sha256, c.der, c.invitation_id, v.school, c.renews, c.issued_at, c.not_after, c.authority,
          p.device_id, p.dropped_at, r.device_id, r.dropped_at, v.created_at, v.revoked_at, v.certificates_withdrawn_at, v.allow_reenrolment, v.only_for,
          c.proven_udid, c.proven_serial_number, v.access_rights, v.person_id, v.of_schools
        """;

    /// <summary>The joins for <see cref="Standing"/>: the certificate, its invitation, its own pin and the pin of what it renews.</summary>
    public const string StandingJoins = """
        LEFT JOIN issued_certificates c ON c.sha256 = i.sha256 LEFT JOIN invitations v ON v.id = c.invitation_id
        LEFT JOIN pins p ON p.sha256 = i.sha256 LEFT JOIN pins r ON r.sha256 = c.renews
        """;

    public static CertificateStanding ReadStanding(Row row, int at = 0)
    {
        var more = at + Count;
        return new CertificateStanding
        {
            Issued = row.IsNull(at) ? null : Read(row, at),
            Pinned = Owner(row, more),
            RenewedPinned = Owner(row, more + 2),
            Proven = row.IsNull(more + 9) ? null : new ProvenIPad(row.Text(more + 9), row.Text(more + 10)),
            Invitation = row.IsNull(more + 4) ? null : new InvitationStanding
            {
                Id = row.Text(at + 2),
                CreatedAt = row.Time(more + 4),
                RevokedAt = row.TimeOrNull(more + 5),
                CertificatesWithdrawnAt = row.TimeOrNull(more + 6),
                AllowReenrolment = row.Bool(more + 7),
                OnlyFor = InvitationTargets.Split(row.TextOrNull(more + 8)),
                AccessRights = row.IntOrNull(more + 11),
                PersonId = row.TextOrNull(more + 12),
                School = row.TextOrNull(at + 3),
                OfSchools = row.Bool(more + 13),
            },
        };
    }

    private static PinOwner? Owner(Row row, int at) => row.IsNull(at) ? null : new PinOwner(row.Text(at), row.TimeOrNull(at + 1));

    public static IssuedCertificate Read(Row row, int at = 0) => new()
    {
        Sha256 = row.Bytes(at),
        Der = row.Bytes(at + 1),
        InvitationId = row.TextOrNull(at + 2),
        School = row.TextOrNull(at + 3),
        Renews = row.BytesOrNull(at + 4),
        IssuedAt = row.Time(at + 5),
        NotAfter = row.Time(at + 6),
        Authority = row.TextOrNull(at + 7),
    };
}
