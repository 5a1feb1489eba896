using FleetMdm.Storage.Devices;
using FleetMdm.Storage.GroupCommit;

namespace FleetMdm.Storage.Enrolment;

/// <summary>Invitations on either database; certificates travel in the lanes, those of one invitation in one lane.</summary>
internal sealed class EnrolmentStore(Database database, StoreLanes lanes) : IEnrolmentStore
{
    private const string Columns = "id, name, school, max_uses, uses, created_at, expires_at, revoked_at, created_by";

    public async Task<bool> CreateInvitation(Invitation invitation)
    {
        StoredText.Check("The invitation's id", invitation.Id);
        StoredText.Check("The invitation's name", invitation.Name);
        StoredText.Check("The school", invitation.School);
        StoredText.Check("The name of who asked", invitation.CreatedBy);
        return await database.Write(s => s
            .Sql("""
                INSERT INTO invitations (id, name, school, max_uses, created_at, expires_at, revoked_at, created_by)
                VALUES (@id, @name, @school, @maxUses, @created, @expires, @revoked, @by)
                ON CONFLICT (id) DO NOTHING
                """)
            .Text("@id", invitation.Id).Text("@name", invitation.Name).Text("@school", invitation.School)
            .Int("@maxUses", invitation.MaxUses).Time("@created", invitation.CreatedAt).Time("@expires", invitation.ExpiresAt)
            .Time("@revoked", invitation.RevokedAt).Text("@by", invitation.CreatedBy).Execute()) > 0;
    }

    public Task<Invitation?> FindInvitation(string id)
    {
        StoredText.Check("The invitation's id", id);
        return database.Read(s => s.Sql($"SELECT {Columns} FROM invitations WHERE id = @id").Text("@id", id).First(Read));
    }

    public async Task<IReadOnlyList<Invitation>> ListInvitations(string? before, int limit)
    {
        StoredText.Check("The invitation's id", before);
        return await database.Read(s => s
            .Sql($"""
                SELECT {Columns} FROM invitations
                WHERE @before IS NULL OR number < (SELECT b.number FROM invitations b WHERE b.id = @before)
                ORDER BY number DESC LIMIT @limit
                """)
            .Text("@before", before).Int("@limit", limit).List(Read));
    }

    public async Task<bool> RevokeInvitation(string id, DateTimeOffset at)
    {
        StoredText.Check("The invitation's id", id);
        return await database.Write(s => s
            .Sql("UPDATE invitations SET revoked_at = coalesce(revoked_at, @at) WHERE id = @id").Text("@id", id).Time("@at", at).Execute()) > 0;
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
    };
}
