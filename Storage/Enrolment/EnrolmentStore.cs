using System.Globalization;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.GroupCommit;

namespace FleetMdm.Storage.Enrolment;

/// <summary>Invitations on either database; certificates travel in the lanes, those of one invitation in one lane.</summary>
internal sealed class EnrolmentStore(Database database, StoreLanes lanes) : IEnrolmentStore
{
    private const string Columns =
        "id, name, school, max_uses, uses, created_at, expires_at, revoked_at, created_by, number, allow_reenrolment, only_for, certificates_withdrawn_at, access_rights, person_id, of_schools";

    /// <summary>It is that of a server of Automated Device Enrolment, which opens it by itself: for nobody else it is there.</summary>
    private const string Automated = "invitations.automated";

    public async Task<bool> CreateInvitation(Invitation invitation, AuditRecord? audit = null)
    {
        StoredText.Check("The invitation's id", invitation.Id);
        StoredText.Check("The invitation's name", invitation.Name);
        StoredText.Check("The school", invitation.School);
        StoredText.Check("The name of who asked", invitation.CreatedBy);
        return await database.Write(async s =>
        {
            var created = await s
                .Sql("""
                    INSERT INTO invitations (id, name, school, max_uses, created_at, expires_at, revoked_at, created_by, allow_reenrolment, only_for, access_rights, person_id, of_schools)
                    VALUES (@id, @name, @school, @maxUses, @created, @expires, @revoked, @by, @reenrol, @onlyFor, @rights, @person, @ofSchools)
                    ON CONFLICT (id) DO NOTHING
                    RETURNING number
                    """)
                .Text("@id", invitation.Id).Text("@name", invitation.Name).Text("@school", invitation.School)
                .Int("@maxUses", invitation.MaxUses).Time("@created", invitation.CreatedAt).Time("@expires", invitation.ExpiresAt)
                .Time("@revoked", invitation.RevokedAt).Text("@by", invitation.CreatedBy)
                .Bool("@reenrol", invitation.AllowReenrolment).Text("@onlyFor", InvitationTargets.Join(invitation.OnlyFor)).Int("@rights", invitation.AccessRights)
                .Text("@person", invitation.PersonId).Bool("@ofSchools", invitation.OfSchools).First(row => row.Long(0));
            if (created > 0 && audit is not null) await AuditColumns.Add(s, OfInvitation(audit, created));
            return created > 0;
        });
    }

    public Task<Invitation?> FindInvitation(string id) => FindInvitation(Scope.District, id);

    public Task<Invitation?> FindInvitation(Scope scope, string id)
    {
        StoredText.Check("The invitation's id", id);
        return database.Read(s => s
            .Sql($"SELECT {Columns} FROM invitations WHERE id = @id AND NOT {Automated} AND {scope.CoversName(database, "invitations.school")}").Text("@id", id).Within(scope).First(Read));
    }

    public Task<Invitation?> FindInvitation(Scope scope, long number) => database.Read(s => s
        .Sql($"SELECT {Columns} FROM invitations WHERE number = @number AND NOT {Automated} AND {scope.CoversName(database, "invitations.school")}").Long("@number", number).Within(scope).First(Read));

    public async Task<IReadOnlyList<Invitation>> ListInvitations(Scope scope, long? before, int limit) => await database.Read(s => s
        .Sql($"SELECT {Columns} FROM invitations WHERE number < @before AND NOT {Automated} AND {scope.CoversName(database, "invitations.school")} ORDER BY number DESC LIMIT @limit")
        .Long("@before", before ?? long.MaxValue).Int("@limit", limit).Within(scope).List(Read));

    public async Task<bool> RevokeInvitation(string id, DateTimeOffset at, bool withdrawCertificates = false, AuditRecord? audit = null)
    {
        StoredText.Check("The invitation's id", id);
        return await database.Write(async s =>
        {
            var revoked = await s
                .Sql("""
                    UPDATE invitations SET revoked_at = coalesce(revoked_at, @at),
                      certificates_withdrawn_at = CASE WHEN @withdraw THEN coalesce(certificates_withdrawn_at, @at) ELSE certificates_withdrawn_at END
                    WHERE id = @id AND NOT automated AND (revoked_at IS NULL OR (@withdraw AND certificates_withdrawn_at IS NULL))
                    RETURNING number
                    """)
                .Text("@id", id).Time("@at", at).Bool("@withdraw", withdrawCertificates).First(row => row.Long(0));
            if (revoked > 0 && audit is not null) await AuditColumns.Add(s, OfInvitation(audit, revoked));
            return revoked > 0 || await s.Sql("SELECT 1 FROM invitations WHERE id = @id AND NOT automated").Text("@id", id).First(_ => true);
        });
    }

    public async Task<IssueResult> Issue(IssueRequest request)
    {
        _ = new BodyKey(request.ChallengeHash);
        _ = new BodyKey(request.Certificate.Sha256);
        StoredText.Check("The invitation's id", request.Certificate.InvitationId);
        StoredText.Check("The authority", request.Certificate.Authority);
        StoredText.Check("The UDID", request.Certificate.Proven?.Udid);
        StoredText.Check("The serial number", request.Certificate.Proven?.SerialNumber);
        if (request.Certificate.InvitationId is not { } invitation)
            return new IssueResult(IssueOutcome.InvitationClosed, null);
        return await lanes.Writer(invitation).Run(new IssueItem(request));
    }

    public async Task<RenewalResult> Renew(RenewalRequest request)
    {
        var certificate = request.Certificate;
        _ = new BodyKey(certificate.Sha256);
        _ = new BodyKey(request.PublicKeyHash);
        var old = certificate.Renews ?? throw new ArgumentException("It does not say what it renews.", nameof(request));
        _ = new BodyKey(old);
        if (request.ChallengeHash is { } hash) _ = new BodyKey(hash);
        StoredText.Check("The authority", certificate.Authority);
        return (await database.Write(async s =>
        {
            // The pin is locked: two that renew the same certificate at once take turns.
            var pin = await s.Sql($"SELECT device_id, dropped_at FROM pins WHERE sha256 = @old{database.ForUpdate}").Bytes("@old", old)
                .First(row => new PinOwner(row.Text(0), row.TimeOrNull(1)));
            if (pin is null) return new RenewalResult(RenewalOutcome.NeverUsed);
            if (request.ChallengeHash is { } challenge &&
                await s.Sql("SELECT public_key_hash FROM used_challenges WHERE hash = @hash").Bytes("@hash", challenge).First(row => row.Bytes(0)) is { } used &&
                !Same(used, request.PublicKeyHash))
                return new RenewalResult(RenewalOutcome.ChallengeUsed);
            var status = await s.Sql("SELECT status FROM devices WHERE id = @id").Text("@id", pin.DeviceId).First(row => (EnrolmentStatus)row.Short(0));
            if (status is not (EnrolmentStatus.Authenticated or EnrolmentStatus.Enrolled)) return new RenewalResult(RenewalOutcome.Ended);

            var invitation = await s
                .Sql("""
                    SELECT c.invitation_id, v.certificates_withdrawn_at, c.authority FROM issued_certificates c LEFT JOIN invitations v ON v.id = c.invitation_id
                    WHERE c.sha256 = @old
                    """)
                .Bytes("@old", old).First(row => (Id: row.TextOrNull(0), WithdrawnAt: row.TimeOrNull(1), Authority: row.TextOrNull(2)));
            if (invitation.WithdrawnAt is not null) return new RenewalResult(RenewalOutcome.Withdrawn);

            var successors = await s
                .Sql("""
                    SELECT c.sha256, c.der, c.invitation_id, NULL, c.renews, c.issued_at, c.not_after, c.authority, c.public_key_hash, p.dropped_at
                    FROM issued_certificates c LEFT JOIN pins p ON p.sha256 = c.sha256
                    WHERE c.renews = @old
                    """)
                .Bytes("@old", old)
                .List(row => (Certificate: CertificateColumns.Read(row), Key: row.BytesOrNull(8), Dropped: row.TimeOrNull(9) is not null));
            var live = successors.FindAll(successor => !successor.Dropped);
            if (live.Find(successor => Same(successor.Key, request.PublicKeyHash) || Same(successor.Certificate.Sha256, certificate.Sha256)).Certificate is { } before)
                return new RenewalResult(Same(before.Sha256, certificate.Sha256) ? RenewalOutcome.Renewed : RenewalOutcome.RenewedBefore, before);

            var newest = await s
                .Sql("SELECT sha256 FROM pins WHERE device_id = @id AND dropped_at IS NULL ORDER BY pinned_at DESC, sha256 LIMIT 1")
                .Text("@id", pin.DeviceId).First(row => row.Bytes(0));
            if (pin.DroppedAt is not null || !Same(newest, old)) return new RenewalResult(RenewalOutcome.Replaced);

            foreach (var (successor, _, _) in live)
            {
                await s.Sql("""
                        INSERT INTO pins (sha256, device_id, not_after, pinned_at, dropped_at) VALUES (@sha, @id, @end, @at, @at)
                        ON CONFLICT (sha256) DO NOTHING
                        """)
                    .Bytes("@sha", successor.Sha256).Text("@id", pin.DeviceId).Time("@end", successor.NotAfter).Time("@at", request.At).Execute();
            }

            if (request.ChallengeHash is { } noted)
            {
                await s.Sql("""
                        INSERT INTO used_challenges (hash, invitation_id, public_key_hash, certificate, used_at)
                        VALUES (@hash, @invitation, @key, @sha, @at)
                        ON CONFLICT (hash) DO NOTHING
                        """)
                    .Bytes("@hash", noted).Text("@invitation", invitation.Id ?? "").Bytes("@key", request.PublicKeyHash)
                    .Bytes("@sha", certificate.Sha256).Time("@at", request.At).Execute();
            }

            var authority = certificate.Authority ?? invitation.Authority;
            await s.Sql("""
                    INSERT INTO issued_certificates (sha256, der, invitation_id, renews, issued_at, not_after, public_key_hash, authority, issuer)
                    VALUES (@sha, @der, @invitation, @old, @at, @end, @key, @authority, @issuer)
                    ON CONFLICT (sha256) DO NOTHING
                    """)
                .Bytes("@sha", certificate.Sha256).Bytes("@der", certificate.Der).Text("@invitation", invitation.Id).Bytes("@old", old)
                .Time("@at", certificate.IssuedAt).Time("@end", certificate.NotAfter).Bytes("@key", request.PublicKeyHash)
                .Text("@authority", authority).Bytes("@issuer", certificate.Issuer).Execute();
            return new RenewalResult(RenewalOutcome.Renewed, certificate with { InvitationId = invitation.Id, Authority = authority });
        }))!;
    }

    public Task<byte[]?> FindIssued(byte[] sha256) => database.Read(s => s
        .Sql("SELECT der FROM issued_certificates WHERE sha256 = @sha").Bytes("@sha", sha256).First(row => row.Bytes(0)));

    public Task<bool> Spend(byte[] hash, DateTimeOffset expiresAt)
    {
        _ = new BodyKey(hash);
        return database.Write(async s => await s
            .Sql("INSERT INTO spent_answers (hash, expires_at) VALUES (@hash, @end) ON CONFLICT (hash) DO NOTHING")
            .Bytes("@hash", hash).Time("@end", expiresAt).Execute() > 0);
    }

    public Task<int> ForgetSpent(DateTimeOffset before, int limit) => database.Write(s => s
        .Sql("DELETE FROM spent_answers WHERE hash IN (SELECT hash FROM spent_answers WHERE expires_at < @before LIMIT @limit)")
        .Time("@before", before).Int("@limit", limit).Execute());

    /// <summary>By its number: the id is a secret while the invitation is open.</summary>
    private static AuditRecord OfInvitation(AuditRecord record, long number) =>
        record with { TargetKind = AuditTargets.Invitation, TargetId = number.ToString(CultureInfo.InvariantCulture) };

    private static bool Same(byte[]? one, byte[]? other) => one is not null && other is not null && one.AsSpan().SequenceEqual(other);

    private static Invitation Read(Row row) => new()
    {
        Id = row.Text(0),
        Name = row.TextOrNull(1),
        School = row.TextOrNull(2),
        MaxUses = row.IntOrNull(3),
        Uses = row.Int(4),
        CreatedAt = row.Time(5),
        ExpiresAt = row.Time(6),
        RevokedAt = row.TimeOrNull(7),
        CreatedBy = row.Text(8),
        Number = row.Long(9),
        AllowReenrolment = row.Bool(10),
        OnlyFor = InvitationTargets.Split(row.TextOrNull(11)),
        CertificatesWithdrawnAt = row.TimeOrNull(12),
        AccessRights = row.IntOrNull(13),
        PersonId = row.TextOrNull(14),
        OfSchools = row.Bool(15),
    };
}
