using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.GroupCommit;
using Npgsql;

namespace FleetMdm.Storage.PostgreSql;

/// <summary>
/// The statements for one-time challenges. 1. The invitations are locked, so that nodes take turns at one; 2. new challenges are noted
/// while the invitation is open, the first of the batch first; 3. their certificates are stored; 4. the uses are counted; 5. what
/// stands now. The rows of this transaction are told by <c>xmin</c>.
/// </summary>
internal static class PostgresIssues
{
    private const string LockInvitations = """
        SELECT v.id FROM invitations v WHERE v.id IN (SELECT unnest($1)) ORDER BY v.id FOR UPDATE
        """;

    private const string NoteChallenges = """
        INSERT INTO used_challenges (hash, invitation_id, public_key_hash, certificate, used_at)
        SELECT n.hash, n.invitation_id, n.public_key_hash, n.certificate, n.at
        FROM (
          SELECT i.*, row_number() OVER (PARTITION BY i.invitation_id ORDER BY i.number) AS place
          FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY AS i(hash, invitation_id, public_key_hash, certificate, at, number)
          WHERE NOT EXISTS (SELECT 1 FROM used_challenges c WHERE c.hash = i.hash)) n
        JOIN invitations v ON v.id = n.invitation_id
        WHERE v.revoked_at IS NULL AND v.expires_at > n.at AND (v.max_uses IS NULL OR v.uses + n.place <= v.max_uses)
        ORDER BY n.hash
        ON CONFLICT (hash) DO NOTHING
        """;

    private const string StoreCertificates = """
        INSERT INTO issued_certificates (sha256, der, invitation_id, renews, issued_at, not_after, authority, proven_udid, proven_serial_number, issuer)
        SELECT i.sha256, i.der, i.invitation_id, i.renews, i.issued_at, i.not_after, i.authority, i.proven_udid, i.proven_serial_number, i.issuer
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
          AS i(hash, sha256, der, invitation_id, renews, issued_at, not_after, authority, proven_udid, proven_serial_number, issuer)
        JOIN used_challenges c ON c.hash = i.hash AND c.certificate = i.sha256
        ORDER BY i.sha256
        ON CONFLICT (sha256) DO NOTHING
        """;

    private const string CountUses = """
        UPDATE invitations v SET uses = v.uses + n.count
        FROM (
          SELECT c.invitation_id, count(*) AS count
          FROM unnest($1) AS i(hash) JOIN used_challenges c ON c.hash = i.hash AND c.xmin = pg_current_xact_id()::xid
          GROUP BY c.invitation_id) n
        WHERE v.id = n.invitation_id
        """;

    private const string Outcomes = """
        SELECT i.hash, u.public_key_hash, c.sha256, c.der, c.invitation_id, v.school, c.renews, c.issued_at, c.not_after, c.authority
        FROM unnest($1) AS i(hash)
        JOIN used_challenges u ON u.hash = i.hash
        JOIN issued_certificates c ON c.sha256 = u.certificate
        LEFT JOIN invitations v ON v.id = c.invitation_id
        """;

    public static void Add(NpgsqlBatch statements, List<IssueItem> issues)
    {
        new ArrayStatement<IssueItem>(statements, LockInvitations, issues).Text(i => i.Request.Certificate.InvitationId);
        new ArrayStatement<IssueItem>(statements, NoteChallenges, issues)
            .Bytes(i => i.Request.ChallengeHash).Text(i => i.Request.Certificate.InvitationId).Bytes(i => i.Request.PublicKeyHash)
            .Bytes(i => i.Request.Certificate.Sha256).Time(i => i.Request.At);
        new ArrayStatement<IssueItem>(statements, StoreCertificates, issues)
            .Bytes(i => i.Request.ChallengeHash).Bytes(i => i.Request.Certificate.Sha256).Bytes(i => i.Request.Certificate.Der)
            .Text(i => i.Request.Certificate.InvitationId).Bytes(i => i.Request.Certificate.Renews)
            .Time(i => i.Request.Certificate.IssuedAt).Time(i => i.Request.Certificate.NotAfter)
            .Text(i => i.Request.Certificate.Authority)
            .Text(i => i.Request.Certificate.Proven?.Udid).Text(i => i.Request.Certificate.Proven?.SerialNumber)
            .Bytes(i => i.Request.Certificate.Issuer);
        new ArrayStatement<IssueItem>(statements, CountUses, issues).Bytes(i => i.Request.ChallengeHash);
        new ArrayStatement<IssueItem>(statements, Outcomes, issues).Bytes(i => i.Request.ChallengeHash);
    }

    public static async Task Read(NpgsqlDataReader reader, List<IssueItem> issues, CancellationToken cancellationToken)
    {
        // The first result is that of the locks.
        await reader.NextResultAsync(cancellationToken);
        var row = PostgresExecutor.RowOf(reader);
        var stored = new Dictionary<BodyKey, (byte[] Key, IssuedCertificate Certificate)>();
        while (await reader.ReadAsync(cancellationToken))
            stored[new BodyKey(row.Bytes(0))] = (row.Bytes(1), CertificateColumns.Read(row, 2));
        await reader.NextResultAsync(cancellationToken);
        foreach (var issue in issues)
        {
            issue.Outcome = stored.TryGetValue(new BodyKey(issue.Request.ChallengeHash), out var standing)
                ? IssueOutcomes.Of(issue.Request, standing.Key, standing.Certificate)
                : new IssueResult(IssueOutcome.InvitationClosed, null);
        }
    }
}
