using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Groups;

namespace FleetMdm.Storage.Enrolment;

/// <inheritdoc cref="IReenrolmentStore"/>
internal sealed class ReenrolmentStore(Database database) : IReenrolmentStore
{
    private const string Columns =
        "device_id, claim_id, sha256, invitation_id, serial_number, product_name, device_name, address, first_at, last_at, attempts, decision, " +
        "decided_at, decided_by, allowed_until";

    /// <summary>The row of an iPad is overwritten and never deleted by a claim: whoever waits for its lock finds it.</summary>
    private const string Overwriting = """
        ON CONFLICT (device_id) DO UPDATE SET
          claim_id = excluded.claim_id, sha256 = excluded.sha256, invitation_id = excluded.invitation_id,
          serial_number = excluded.serial_number, product_name = excluded.product_name, device_name = excluded.device_name,
          address = excluded.address, first_at = excluded.first_at, last_at = excluded.last_at, attempts = excluded.attempts,
          decision = excluded.decision, decided_at = excluded.decided_at, decided_by = excluded.decided_by, allowed_until = excluded.allowed_until
        """;

    public Task<bool> Keep(Claim claim, AuditRecord? audit = null)
    {
        StoredText.Check("The device id", claim.DeviceId);
        StoredText.Check("The serial number", claim.SerialNumber);
        StoredText.Check("The product name", claim.ProductName);
        StoredText.Check("The device name", claim.DeviceName);
        return database.Write(async s =>
        {
            // Locked: what a person decides meanwhile is decided before or after, not lost between.
            var newest = await Find(s, claim.DeviceId, database.ForUpdate);
            // One claim a certificate: 1,000 ids claimed by one leave one row.
            var known = await s.Sql($"SELECT {Columns} FROM claims WHERE sha256 = @sha UNION ALL SELECT {Columns} FROM earlier_claims WHERE sha256 = @sha")
                .Bytes("@sha", claim.Sha256).First(Read);
            if (known is not null && known.DeviceId != claim.DeviceId) return false;
            if (newest is null && await CountOpen(s, "claims") >= IReenrolmentStore.MostOpenClaims) return false;

            // The same certificate once more leaves the decision about it as it is; when its permission is over, it asks anew.
            var again = known is not null && !(known.Decision == ClaimDecision.Allowed && known.AllowedUntil < claim.LastAt);
            if (known is not null && known.ClaimId != newest?.ClaimId)
            {
                if (again && known.Decision != ClaimDecision.Open) return true;
                if (newest is not null) await SetAside(s, newest, claim.LastAt);
                if (again) await Promote(s, known.ClaimId);
                else await s.Sql("DELETE FROM earlier_claims WHERE claim_id = @claim").Guid("@claim", known.ClaimId).Execute();
            }
            else if (known is null && newest is not null)
            {
                await SetAside(s, newest, claim.LastAt);
                await s.Sql("""
                        DELETE FROM earlier_claims WHERE claim_id IN (
                          SELECT claim_id FROM earlier_claims WHERE device_id = @id AND decision = 0 ORDER BY last_at DESC, claim_id LIMIT 1000 OFFSET @most)
                        """)
                    .Text("@id", claim.DeviceId).Int("@most", IReenrolmentStore.MostEarlierClaims).Execute();
            }

            if (again)
            {
                await s.Sql("UPDATE claims SET last_at = @last, attempts = attempts + 1, address = @address WHERE device_id = @id AND last_at < @last")
                    .Text("@id", claim.DeviceId).Time("@last", claim.LastAt).Text("@address", claim.Address).Execute();
                return true;
            }

            await s.Sql($"""
                    INSERT INTO claims ({Columns})
                    VALUES (@id, @claim, @sha, @invitation, @serial, @product, @name, @address, @first, @last, @attempts, 0, NULL, NULL, NULL)
                    {Overwriting}
                    """)
                .Text("@id", claim.DeviceId).Guid("@claim", claim.ClaimId).Bytes("@sha", claim.Sha256).Text("@invitation", claim.InvitationId)
                .Text("@serial", claim.SerialNumber).Text("@product", claim.ProductName).Text("@name", claim.DeviceName)
                .Text("@address", claim.Address)
                .Time("@first", newest is { Decision: ClaimDecision.Open } ? newest.FirstAt : claim.FirstAt).Time("@last", claim.LastAt)
                .Long("@attempts", newest is { Decision: ClaimDecision.Open } ? newest.Attempts + 1 : claim.Attempts)
                .Execute();
            // It had got its place in the invitation back for the permission that is over.
            if (known?.InvitationId is { } invitation)
                await s.Sql("UPDATE invitations SET uses = uses + 1 WHERE id = @invitation").Text("@invitation", invitation).Execute();
            if (audit is not null) await AuditColumns.Add(s, audit);
            return true;
        });
    }

    public Task<Claim?> FindClaim(string deviceId)
    {
        StoredText.Check("The device id", deviceId);
        return database.Read(s => Find(s, deviceId));
    }

    public Task<IReadOnlyList<Claim>> FindClaims(string deviceId)
    {
        StoredText.Check("The device id", deviceId);
        return database.Read<IReadOnlyList<Claim>>(async s =>
        [
            .. await s.Sql($"SELECT {Columns} FROM claims WHERE device_id = @id").Text("@id", deviceId).List(Read),
            .. await s.Sql($"SELECT {Columns} FROM earlier_claims WHERE device_id = @id ORDER BY last_at DESC").Text("@id", deviceId).List(Read),
        ]);
    }

    public async Task<IReadOnlyList<Claim>> ListOpenClaims(Scope scope, string? before, int limit)
    {
        StoredText.Check("The device id", before);
        return await database.Read(s => s
            .Sql($"""
                SELECT {Columns} FROM claims
                WHERE decision = 0 AND (@before IS NULL OR (last_at, device_id) < (SELECT b.last_at, b.device_id FROM claims b WHERE b.device_id = @before)){OfScope(scope)}
                ORDER BY last_at DESC, device_id DESC LIMIT @limit
                """)
            .Text("@before", before).Int("@limit", limit).Within(scope).List(Read));
    }

    public Task<long> CountOpenClaims(Scope scope) => scope.SchoolIds is null
        ? database.Read(s => CountOpen(s, "claims"))
        : database.Read(s => s.Sql($"SELECT count(*) FROM claims WHERE decision = 0{OfScope(scope)}").Within(scope).First(row => row.Long(0)));

    /// <summary>Of a row of <c>claims</c>: the iPad that is claimed, whatever the claimant says.</summary>
    private string OfScope(Scope scope) => scope.SchoolIds is null
        ? ""
        : $" AND EXISTS (SELECT 1 FROM devices d WHERE d.id = claims.device_id{scope.AndDevice(database)})";

    public Task<Claim?> Decide(string deviceId, Guid claimId, ClaimDecision decision, DateTimeOffset at, string by, DateTimeOffset? allowedUntil)
    {
        StoredText.Check("The device id", deviceId);
        StoredText.Check("Who decides", by);
        return database.Write(async s =>
        {
            var newest = await Find(s, deviceId, database.ForUpdate);
            if (await FindSeen(s, deviceId, claimId) is not { } claim) return null;
            if (claim.Decision != ClaimDecision.Open) return claim;
            var isNewest = newest?.ClaimId == claimId;
            await s.Sql($"""
                    UPDATE {(isNewest ? "claims" : "earlier_claims")} SET decision = @decision, decided_at = @at, decided_by = @by, allowed_until = @until
                    WHERE device_id = @id AND claim_id = @claim AND decision = 0
                    """)
                .Text("@id", deviceId).Guid("@claim", claimId).Short("@decision", (short)decision).Time("@at", at).Text("@by", by)
                .Time("@until", allowedUntil).Execute();
            if (decision == ClaimDecision.Refused)
            {
                await s.Sql("""
                        INSERT INTO pins (sha256, device_id, not_after, pinned_at, dropped_at) VALUES (@sha, @id, @at, @at, @at)
                        ON CONFLICT (sha256) DO NOTHING
                        """)
                    .Bytes("@sha", claim.Sha256).Text("@id", deviceId).Time("@at", at).Execute();
            }
            else if (claim.InvitationId is { } invitation)
            {
                await s.Sql("UPDATE invitations SET uses = uses - 1 WHERE id = @invitation AND uses > 0").Text("@invitation", invitation).Execute();
            }

            var decided = await FindSeen(s, deviceId, claimId);
            // The next one that is undecided is to be seen now.
            if (isNewest && await s
                    .Sql("SELECT claim_id FROM earlier_claims WHERE device_id = @id AND decision = 0 ORDER BY last_at DESC LIMIT 1")
                    .Text("@id", deviceId).List(row => row.Guid(0)) is [var next])
            {
                await SetAside(s, decided!, at);
                await Promote(s, next);
            }

            return decided;
        });
    }

    public Task<int> DropClaims(DateTimeOffset before, int limit) => database.Write(async s =>
        await s.Sql("DELETE FROM claims WHERE device_id IN (SELECT device_id FROM claims WHERE last_at < @before LIMIT @limit)")
            .Time("@before", before).Int("@limit", limit).Execute() +
        await s.Sql("DELETE FROM earlier_claims WHERE claim_id IN (SELECT claim_id FROM earlier_claims WHERE last_at < @before LIMIT @limit)")
            .Time("@before", before).Int("@limit", limit).Execute());

    public async Task<long> Allow(Scope scope, IReadOnlyList<string> deviceIds, DateTimeOffset at, DateTimeOffset until)
    {
        foreach (var id in deviceIds) StoredText.Check("The device id", id);
        return await database.Write(async s => (long)await s
            .Sql($"""
                UPDATE device_activity SET reenrolment_granted_at = @at, reenrolment_until = @until
                WHERE id IN (SELECT d.id FROM {database.IdsTable} JOIN devices d ON d.id = ids.id WHERE d.id = d.device_id{scope.AndDevice(database)})
                """)
            .Ids(deviceIds).Within(scope).Time("@at", at).Time("@until", until).Execute());
    }

    public async Task<long> Allow(Scope scope, DeviceFilter filter, DateTimeOffset at, DateTimeOffset until)
    {
        DeviceConditions.Check(filter);
        return await database.Write(async s =>
        {
            var meant = await GroupRules.Expand(s, filter with { Scope = scope });
            return (long)await s
                .Sql($"""
                    UPDATE device_activity SET reenrolment_granted_at = @at, reenrolment_until = @until
                    WHERE id IN (SELECT d.id FROM {DeviceColumns.Joined} WHERE d.id = d.device_id{DeviceConditions.Of(meant, database)})
                    """)
                .Bind(p => DeviceConditions.Bind(p, meant)).Time("@at", at).Time("@until", until).Execute();
        });
    }

    /// <remarks>Under a new version, so that a grain that still remembers them cannot write them back.</remarks>
    public Task<int> ForgetEscrow(DateTimeOffset endedBefore, int limit) => database.Write(s => s
        .Sql("""
            UPDATE devices SET unlock_token = NULL, bootstrap_token = NULL, version = version + 1
            WHERE id IN (
              SELECT id FROM devices
              WHERE status IN (3, 4, 5) AND unenrolled_at < @before AND (unlock_token IS NOT NULL OR bootstrap_token IS NOT NULL)
              LIMIT @limit)
            """)
        .Time("@before", endedBefore).Int("@limit", limit).Execute());

    /// <summary>Keeps the newest claim beside the one that comes: a person may still decide about it, or has decided.</summary>
    private static async Task SetAside(Session s, Claim newest, DateTimeOffset at)
    {
        if (newest.Decision == ClaimDecision.Allowed && newest.AllowedUntil < at) return;
        if (newest.Decision == ClaimDecision.Open && await CountOpen(s, "earlier_claims") >= IReenrolmentStore.MostOpenClaims) return;

        await s.Sql($"INSERT INTO earlier_claims ({Columns}) SELECT {Columns} FROM claims WHERE device_id = @id ON CONFLICT DO NOTHING")
            .Text("@id", newest.DeviceId).Execute();
    }

    /// <summary>An earlier claim becomes the newest one.</summary>
    private static async Task Promote(Session s, Guid claimId)
    {
        await s.Sql($"INSERT INTO claims ({Columns}) SELECT {Columns} FROM earlier_claims WHERE claim_id = @claim {Overwriting}")
            .Guid("@claim", claimId).Execute();
        await s.Sql("DELETE FROM earlier_claims WHERE claim_id = @claim").Guid("@claim", claimId).Execute();
    }

    private static async Task<Claim?> Find(Session s, string deviceId, string locked = "") =>
        await s.Sql($"SELECT {Columns} FROM claims WHERE device_id = @id{locked}").Text("@id", deviceId).First(Read);

    private static async Task<Claim?> FindSeen(Session s, string deviceId, Guid claimId) => await s
        .Sql($"""
            SELECT {Columns} FROM claims WHERE device_id = @id AND claim_id = @claim
            UNION ALL SELECT {Columns} FROM earlier_claims WHERE device_id = @id AND claim_id = @claim
            """)
        .Text("@id", deviceId).Guid("@claim", claimId).First(Read);

    private static async Task<long> CountOpen(Session s, string table) =>
        await s.Sql($"SELECT count(*) FROM {table} WHERE decision = 0").First(row => row.Long(0));

    private static Claim Read(Row row) => new()
    {
        DeviceId = row.Text(0),
        ClaimId = row.Guid(1),
        Sha256 = row.Bytes(2),
        InvitationId = row.TextOrNull(3),
        SerialNumber = row.TextOrNull(4),
        ProductName = row.TextOrNull(5),
        DeviceName = row.TextOrNull(6),
        Address = row.TextOrNull(7),
        FirstAt = row.Time(8),
        LastAt = row.Time(9),
        Attempts = row.Long(10),
        Decision = (ClaimDecision)row.Short(11),
        DecidedAt = row.TimeOrNull(12),
        DecidedBy = row.TextOrNull(13),
        AllowedUntil = row.TimeOrNull(14),
    };
}
