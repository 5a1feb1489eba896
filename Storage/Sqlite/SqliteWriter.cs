using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.GroupCommit;
using FleetMdm.Storage.Inventory;
using FleetMdm.Storage.Webhooks;
using Microsoft.Data.Sqlite;

namespace FleetMdm.Storage.Sqlite;

/// <summary>
/// One batch, one transaction, one fsync, by prepared statements on the only connection that writes the device plane. SQLite lets one
/// writer in at a time, so what a statement reads holds until the commit: a change is checked first and then written, and a
/// refused one has written nothing. No savepoints are needed; a row that SQLite refuses undoes the batch, and the lane finds it.
/// </summary>
/// <remarks>The same steps as on PostgreSQL: 1. changes of enrolments; 2. bodies; 3. appends; 4. marks; 5. finishes; 6. certificates.
/// Audit records are written with the change that they speak of.</remarks>
internal sealed class SqliteWriter(SqliteConnections connections, AuditSeal seal, TimeProvider time) : SqliteExecutor("BEGIN IMMEDIATE")
{
    private static readonly string Insert =
        $"INSERT INTO devices ({DeviceColumns.Names}) VALUES ({string.Join(", ", DeviceColumns.All.Select((_, n) => $"@{n + 1}"))})";

    private static readonly string Update =
        $"UPDATE devices SET {string.Join(", ", DeviceColumns.All.Select((c, n) => $"{c.Name} = {c.Assigned($"@{n + 1}", c.Name, "x''")}"))} WHERE id = @1";

    private const string UpsertBody = """
        INSERT INTO bodies (hash, content, last_used) VALUES (@1, @2, @3)
        ON CONFLICT (hash) DO UPDATE SET last_used = excluded.last_used WHERE bodies.last_used < @4
        """;

    private const string FindCommand = """
        SELECT sequence, body_hash, accepted_at FROM queue WHERE command_uuid = @1 AND enrolment_id = @2
        UNION ALL
        SELECT sequence, body_hash, accepted_at FROM history WHERE command_uuid = @1 AND enrolment_id = @2
        LIMIT 1
        """;

    private const string AppendRow = """
        INSERT INTO queue (enrolment_id, command_uuid, request_type, body_hash, accepted_at, expires_at)
        VALUES (@1, @2, @3, @4, @5, @6)
        RETURNING sequence
        """;

    private const string MarkRow = """
        UPDATE queue SET not_now_at = @3, not_now_count = @4, unanswered_at = @5, unanswered_count = @6
        WHERE sequence = @1 AND enrolment_id = @2
        """;

    private const string FinishRow = $"""
        INSERT INTO history ({QueueColumns.Kept}, {QueueColumns.Added})
        SELECT {QueueColumns.Kept}, @3, @4, @5, @6, @7, @8 FROM queue WHERE sequence = @1 AND enrolment_id = @2
        """;

    /// <summary>Notes when the bodies of queued rows (@2 to @3) were last used; see <see cref="BodySql"/>.</summary>
    private const string RefreshBodies = """
        UPDATE bodies SET last_used = @4
        WHERE hash IN (SELECT body_hash FROM queue WHERE enrolment_id = @1 AND sequence BETWEEN @2 AND @3) AND last_used < @5
        """;

    /// <summary>Only the command that the library sent last counts, and its first ending.</summary>
    private const string SettleProfile = """
        UPDATE profile_installs SET outcome = CASE WHEN @3 = 1 THEN 1 WHEN @3 IN (2, 3) THEN 2 ELSE 3 END, changed_at = @4, reason = @5
        WHERE device_id = @1 AND command_uuid = @2 AND outcome = 0
        """;

    /// <summary>Another command has removed or replaced a profile of the library. What waits is settled by its own answer.</summary>
    private const string SettleOtherProfile = $"""
        UPDATE profile_installs SET wanted = CASE WHEN q.request_type = 'RemoveProfile' THEN 2 ELSE wanted END,
          outcome = CASE WHEN q.request_type = 'RemoveProfile' THEN 1 ELSE 4 END, command_uuid = @2, changed_at = @4,
          reason = CASE WHEN q.request_type = 'RemoveProfile' THEN NULL ELSE '{QueueFinish.ReplacedReason}' END
        FROM history q
        WHERE q.sequence = @5 AND q.enrolment_id = @1 AND profile_installs.device_id = @1 AND outcome <> 0 AND profile_installs.command_uuid <> @2 AND changed_at <= @4
          AND profile_id IN (SELECT id FROM profiles WHERE identifier = @3)
        """;

    private const string EndRows = $"""
        INSERT INTO history ({QueueColumns.Kept}, ending, finished_at)
        SELECT {QueueColumns.Kept}, @2, @3 FROM queue WHERE enrolment_id = @1
        """;

    private const string StoreCertificate = """
        INSERT INTO issued_certificates (sha256, der, invitation_id, renews, issued_at, not_after, authority, proven_udid, proven_serial_number, issuer)
        VALUES (@1, @2, @3, @4, @5, @6, @7, @8, @9, @10)
        ON CONFLICT (sha256) DO NOTHING
        """;

    private const string FindChallenge = """
        SELECT u.public_key_hash, c.sha256, c.der, c.invitation_id, v.school, c.renews, c.issued_at, c.not_after, c.authority
        FROM used_challenges u JOIN issued_certificates c ON c.sha256 = u.certificate LEFT JOIN invitations v ON v.id = c.invitation_id
        WHERE u.hash = @1
        """;

    private const string UseInvitation = """
        UPDATE invitations SET uses = uses + 1
        WHERE id = @1 AND revoked_at IS NULL AND expires_at > @2 AND (max_uses IS NULL OR uses < max_uses)
        """;

    private const string AddAudit = $"""
        INSERT INTO audit ({AuditColumns.Names}) VALUES (@1, @2, @3, @4, @5, @6, @7, @8, @9, @10, @11, @12, @13, @14, @15, @16)
        ON CONFLICT (id) DO NOTHING
        """;

    protected override Task<SqliteConnection> Open(CancellationToken cancellationToken) => connections.OpenWriter(cancellationToken);

    protected override async Task ExecuteInTransaction(Batch batch, CancellationToken cancellationToken)
    {
        foreach (var item in batch.Commits)
            item.Outcome = Commit(item);
        foreach (var item in batch.Bodies)
        {
            StoreBody(item.Hash, item.Body);
            item.Outcome = item.Hash;
        }

        foreach (var item in batch.Appends)
            item.Outcome = Append(item, batch.Repeated);
        foreach (var item in batch.Marks)
        {
            var mark = item.Mark;
            Run(MarkRow, mark.Sequence, mark.EnrolmentId, mark.NotNowAt, mark.NotNowCount, mark.UnansweredAt, mark.UnansweredCount);
        }

        foreach (var item in batch.Finishes)
            item.Outcome = Finish(item.Finish, batch.Repeated);
        foreach (var item in batch.Issues)
            item.Outcome = Issue(item.Request);
        if (batch.Transaction is { } transaction)
            await transaction.Run(Connection, cancellationToken);
    }

    private EnrolmentCommitted Commit(CommitItem item)
    {
        var change = item.Change;
        var row = change.Row;
        var standing = First("SELECT version, write_id FROM devices WHERE id = @1", r => (Version: r.Long(0), WriteId: r.Guid(1)), row.Id);
        // The row as this very change has left it: the answer to it was lost.
        if (standing.Version > 0 && standing.WriteId == change.WriteId)
            return Committed(change);
        if (change.Pin is { } pin
            && First("SELECT device_id, dropped_at FROM pins WHERE sha256 = @1", r => new PinOwner(r.Text(0), r.TimeOrNull(1)), pin.Sha256) is { } owner
            && (owner.DeviceId != row.DeviceId || owner.DroppedAt is not null))
            return new EnrolmentCommitted(CommitOutcome.PinnedElsewhere, []);
        if (standing.Version != row.Version - 1)
            return new EnrolmentCommitted(CommitOutcome.VersionConflict, []);

        var values = new object?[DeviceColumns.All.Count];
        for (var i = 0; i < values.Length; i++)
            values[i] = DeviceColumns.All[i].Value(item);
        Run(standing.Version == 0 ? Insert : Update, values);
        Run("INSERT INTO device_activity (id) VALUES (@1) ON CONFLICT (id) DO NOTHING", row.Id);
        if (change.Pin is { } mine)
        {
            Run("INSERT INTO pins (sha256, device_id, not_after, pinned_at) VALUES (@1, @2, @3, @4) ON CONFLICT (sha256) DO NOTHING",
                mine.Sha256, row.DeviceId, mine.NotAfter, mine.PinnedAt);
        }

        if (change.DropPinsBefore is { } before)
        {
            Run("UPDATE pins SET dropped_at = @4 WHERE device_id = @1 AND pinned_at < @2 AND sha256 IS NOT @3 AND dropped_at IS NULL",
                row.DeviceId, before, change.Pin?.Sha256, change.At);
        }

        if (change.Inventory == InventoryEnd.Forgotten)
        {
            Run("DELETE FROM inventory_items WHERE device_id = @1", row.Id);
            Run("DELETE FROM inventory_lists WHERE device_id = @1", row.Id);
            Run("DELETE FROM profile_installs WHERE device_id = @1", row.Id);
        }
        else if (change.Inventory == InventoryEnd.LocationForgotten)
        {
            ForgetList(row.Id, InventoryList.Location);
        }

        if (change.Place is { } place)
            Run("UPDATE invitations SET uses = max(0, uses + @2) WHERE id = @1", place.InvitationId, place.Delta);
        var finished = change.Finish is { } finish && Finish(finish with { Audit = null }, repeated: false);
        if (change.EndUserChannels)
            EndUserChannels(change);
        if (change.EndQueue is { } ending)
            EndQueue(row.Id, ending, change.At);
        foreach (var record in change.Audit)
            Add(record);
        if (change.Event is { } happened)
            Add(happened);
        return Committed(change) with { Finished = finished };
    }

    private EnrolmentCommitted Committed(EnrolmentChange change) => new(
        CommitOutcome.Committed,
        change.EndUserChannels
            ? List("SELECT id FROM devices WHERE device_id = @1 AND device_id <> id AND write_id = @2 ORDER BY id", r => r.Text(0),
                change.Row.Id, change.WriteId)
            : []);

    // The condition on the two ids stands as in the index: turned round, SQLite does not see that the index will do, and reads all devices.
    private void EndUserChannels(EnrolmentChange change)
    {
        Run("""
            UPDATE devices SET status = 3, unenrolled_at = @3, version = version + 1, write_id = @2
            WHERE device_id = @1 AND device_id <> id AND status IN (1, 2)
            """, change.Row.Id, change.WriteId, change.At);
        foreach (var user in List("SELECT id FROM devices WHERE device_id = @1 AND device_id <> id", r => r.Text(0), change.Row.Id))
            EndQueue(user, change.EndQueue ?? CommandEnding.Reenrolled, change.At);
    }

    private void EndQueue(string enrolmentId, CommandEnding ending, DateTimeOffset at)
    {
        Run(RefreshBodies, enrolmentId, 0, long.MaxValue, at, at - BodySql.RefreshAfter);
        Run(EndRows, enrolmentId, (short)ending, at);
        Run("DELETE FROM queue WHERE enrolment_id = @1", enrolmentId);
    }

    private void StoreBody(byte[] hash, ReadOnlyMemory<byte> body)
    {
        var now = time.GetUtcNow();
        Run(UpsertBody, hash, body, now, now - BodySql.RefreshAfter);
    }

    private QueueAppended Append(AppendItem item, bool repeated)
    {
        var command = item.Command;
        var standing = First(
            FindCommand, r => (Sequence: r.Long(0), Hash: r.Bytes(1), At: r.Time(2)), command.CommandUuid, command.EnrolmentId);
        if (standing.Hash is not null)
        {
            // After an attempt without an answer, the row with this very time is our own.
            var own = repeated && standing.At.ToUnixTimeMilliseconds() == command.AcceptedAt.ToUnixTimeMilliseconds();
            return new QueueAppended(standing.Sequence, standing.Hash, AlreadyThere: !own);
        }

        StoreBody(item.BodyHash, command.Body);
        var sequence = First(
            AppendRow, r => r.Long(0),
            command.EnrolmentId, command.CommandUuid, command.RequestType, item.BodyHash, command.AcceptedAt, command.ExpiresAt);
        if (command.Audit is { } record)
            Add(record);
        return new QueueAppended(sequence, item.BodyHash, AlreadyThere: false);
    }

    private bool Finish(QueueFinish finish, bool repeated)
    {
        Run(RefreshBodies, finish.EnrolmentId, finish.Sequence, finish.Sequence, finish.FinishedAt, finish.FinishedAt - BodySql.RefreshAfter);
        if (finish.ResultHash is { } report)
            Run("UPDATE bodies SET last_used = @2 WHERE hash = @1 AND last_used < @3", report, finish.FinishedAt, finish.FinishedAt - BodySql.RefreshAfter);
        var moved = Run(FinishRow, finish.Sequence, finish.EnrolmentId, (short)finish.Ending, finish.SentAt, finish.FinishedAt,
            finish.ErrorSummary, finish.Result, finish.ResultHash);
        if (moved > 0)
            Run("DELETE FROM queue WHERE sequence = @1", finish.Sequence);
        if (moved > 0 && finish.Audit is { } record)
            Add(record);
        if (moved > 0 && finish.Event is { } happened)
            Add(happened);
        if (moved > 0 && finish.ProfileCommand is { } command)
        {
            Run(SettleProfile, finish.EnrolmentId, command, (short)finish.Ending, finish.FinishedAt, finish.ErrorSummary);
            if (finish.ProfileIdentifier is { } identifier)
                Run(SettleOtherProfile, finish.EnrolmentId, command, identifier, finish.FinishedAt, finish.Sequence);
        }

        if (moved > 0 && finish.Inventory is { } inventory)
            Tell(finish.EnrolmentId, inventory);
        return moved > 0 || (repeated && First("SELECT 1 FROM history WHERE sequence = @1 AND enrolment_id = @2 AND finished_at = @3",
            _ => true, finish.Sequence, finish.EnrolmentId, finish.FinishedAt));
    }

    /// <summary>A difference is written only where the list is still the one that it was worked out from.</summary>
    private void Tell(string deviceId, InventoryChange change)
    {
        var list = (short)change.List;
        if (change.Forget)
        {
            ForgetList(deviceId, change.List);
            return;
        }

        if (change.Difference is not { } difference)
        {
            Run("UPDATE inventory_lists SET as_of = @4 WHERE device_id = @1 AND list = @2 AND digest = @3 AND as_of < @4", deviceId, list, change.Digest, change.At);
            return;
        }

        var written = difference.Before is { } before
            ? Run("""
                UPDATE inventory_lists SET digest = @4, as_of = @5, changed_at = CASE WHEN @6 THEN @5 ELSE changed_at END, items = @7, cut = @8
                WHERE device_id = @1 AND list = @2 AND digest = @3
                """, deviceId, list, before, change.Digest, change.At, difference.IsNews, difference.Items, difference.Cut)
            : Run("""
                INSERT INTO inventory_lists (device_id, list, digest, as_of, changed_at, items, cut) VALUES (@1, @2, @3, @4, @4, @5, @6)
                ON CONFLICT (device_id, list) DO NOTHING
                """, deviceId, list, change.Digest, change.At, difference.Items, difference.Cut);
        if (written == 0)
            return;
        foreach (var key in difference.Dropped)
            Run("DELETE FROM inventory_items WHERE device_id = @1 AND list = @2 AND key = @3", deviceId, list, key);
        foreach (var item in difference.Put)
        {
            Run("""
                INSERT INTO inventory_items (device_id, list, key, name, value, expires_at, details) VALUES (@1, @2, @3, @4, @5, @6, @7)
                ON CONFLICT (device_id, list, key) DO UPDATE
                SET name = excluded.name, value = excluded.value, expires_at = excluded.expires_at, details = excluded.details
                """, deviceId, list, item.Key, item.Name, item.Value, item.ExpiresAt, item.Details);
        }
    }

    private void ForgetList(string deviceId, InventoryList list)
    {
        Run("DELETE FROM inventory_items WHERE device_id = @1 AND list = @2", deviceId, (short)list);
        Run("DELETE FROM inventory_lists WHERE device_id = @1 AND list = @2", deviceId, (short)list);
    }

    private IssueResult Issue(IssueRequest request)
    {
        if (Find() is { } before)
            return before;
        var certificate = request.Certificate;
        if (Run(UseInvitation, certificate.InvitationId, request.At) == 0)
            return new IssueResult(IssueOutcome.InvitationClosed, null);
        Run("INSERT INTO used_challenges (hash, invitation_id, public_key_hash, certificate, used_at) VALUES (@1, @2, @3, @4, @5)",
            request.ChallengeHash, certificate.InvitationId, request.PublicKeyHash, certificate.Sha256, request.At);
        Store(certificate);
        return Find()!;

        IssueResult? Find() => First(
            FindChallenge, r => IssueOutcomes.Of(request, r.Bytes(0), CertificateColumns.Read(r, 1)), request.ChallengeHash);
    }

    private void Add(AuditRecord r) => Run(AddAudit,
        r.Key, r.At, (short)r.Actor.Kind, r.Actor.Id, r.Actor.Name, r.Actor.Address, r.Verb, r.TargetKind, r.TargetId, r.Subject, r.Detail,
        r.Count, r.Reason, (short)r.Result, r.Right, seal.Sign(r));

    private void Add(WebhookEvent e) => Run(
        "INSERT INTO webhook_outbox (id, at, kind, device_id, subject, data) VALUES (@1, @2, @3, @4, @5, @6)", e.Id.ToString("D"), e.At, e.Kind, e.DeviceId, e.Subject, e.Data);

    private void Store(IssuedCertificate c) => Run(
        StoreCertificate, c.Sha256, c.Der, c.InvitationId, c.Renews, c.IssuedAt, c.NotAfter, c.Authority, c.Proven?.Udid, c.Proven?.SerialNumber, c.Issuer);
}
