using System.Globalization;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.GroupCommit;

namespace FleetMdm.Storage.Enrolment;

/// <summary>Invitations on either database; certificates travel in the lanes, those of one invitation in one lane.</summary>
internal sealed class EnrolmentStore(Database database, StoreLanes lanes) : IEnrolmentStore
{
    private const string Columns = "id, name, school, max_uses, uses, created_at, expires_at, revoked_at, created_by, number";

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
                    INSERT INTO invitations (id, name, school, max_uses, created_at, expires_at, revoked_at, created_by)
                    VALUES (@id, @name, @school, @maxUses, @created, @expires, @revoked, @by)
                    ON CONFLICT (id) DO NOTHING
                    RETURNING number
                    """)
                .Text("@id", invitation.Id).Text("@name", invitation.Name).Text("@school", invitation.School)
                .Int("@maxUses", invitation.MaxUses).Time("@created", invitation.CreatedAt).Time("@expires", invitation.ExpiresAt)
                .Time("@revoked", invitation.RevokedAt).Text("@by", invitation.CreatedBy).First(row => row.Long(0));
            if (created > 0 && audit is not null) await AuditColumns.Add(s, OfInvitation(audit, created));
            return created > 0;
        });
    }

    public Task<Invitation?> FindInvitation(string id)
    {
        StoredText.Check("The invitation's id", id);
        return database.Read(s => s.Sql($"SELECT {Columns} FROM invitations WHERE id = @id").Text("@id", id).First(Read));
    }

    public Task<Invitation?> FindInvitation(long number) =>
        database.Read(s => s.Sql($"SELECT {Columns} FROM invitations WHERE number = @number").Long("@number", number).First(Read));

    public async Task<IReadOnlyList<Invitation>> ListInvitations(long? before, int limit) => await database.Read(s => s
        .Sql($"SELECT {Columns} FROM invitations WHERE number < @before ORDER BY number DESC LIMIT @limit")
        .Long("@before", before ?? long.MaxValue).Int("@limit", limit).List(Read));

    public async Task<bool> RevokeInvitation(string id, DateTimeOffset at, AuditRecord? audit = null)
    {
        StoredText.Check("The invitation's id", id);
        return await database.Write(async s =>
        {
            var revoked = await s
                .Sql("UPDATE invitations SET revoked_at = @at WHERE id = @id AND revoked_at IS NULL RETURNING number")
                .Text("@id", id).Time("@at", at).First(row => row.Long(0));
            if (revoked > 0 && audit is not null) await AuditColumns.Add(s, OfInvitation(audit, revoked));
            return revoked > 0 || await s.Sql("SELECT 1 FROM invitations WHERE id = @id").Text("@id", id).First(_ => true);
        });
    }

    public async Task<IssueResult> Issue(IssueRequest request)
    {
        _ = new BodyKey(request.ChallengeHash);
        _ = new BodyKey(request.Certificate.Sha256);
        StoredText.Check("The invitation's id", request.Certificate.InvitationId);
        if (request.Certificate.InvitationId is not { } invitation)
            return new IssueResult(IssueOutcome.InvitationClosed, null);
        return await lanes.Writer(invitation).Run(new IssueItem(request));
    }

    public Task StoreRenewal(IssuedCertificate certificate)
    {
        _ = new BodyKey(certificate.Sha256);
        StoredText.Check("The invitation's id", certificate.InvitationId);
        return lanes.Writer(certificate.Sha256).Run(new RenewalItem(certificate));
    }

    /// <summary>By its number: the id is a secret while the invitation is open.</summary>
    private static AuditRecord OfInvitation(AuditRecord record, long number) =>
        record with { TargetKind = AuditTargets.Invitation, TargetId = number.ToString(CultureInfo.InvariantCulture) };

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
    };
}
