using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.Enrolment;

/// <inheritdoc cref="IReenrolmentStore"/>
internal sealed class ReenrolmentStore(Database database) : IReenrolmentStore
{
    private const string Columns =
        "device_id, claim_id, sha256, invitation_id, serial_number, product_name, device_name, address, first_at, last_at, attempts, decision, " +
        "decided_at, decided_by, allowed_until";

    public Task<bool> Keep(Claim claim, AuditRecord? audit = null)
    {
        StoredText.Check("The device id", claim.DeviceId);
        StoredText.Check("The serial number", claim.SerialNumber);
        StoredText.Check("The product name", claim.ProductName);
        StoredText.Check("The device name", claim.DeviceName);
        return database.Write(async s =>
        {
            // One claim a certificate: 1,000 ids claimed by one leave one row.
            if (await s.Sql("SELECT device_id FROM claims WHERE sha256 = @sha").Bytes("@sha", claim.Sha256).First(row => row.Text(0)) is { } other
                && other != claim.DeviceId)
                return false;
            var standing = await Find(s, claim.DeviceId);
            if (standing is null && await CountOpen(s) >= IReenrolmentStore.MostOpenClaims) return false;
            // The same certificate once more leaves the decision about it as it is.
            if (standing is not null && standing.Sha256.AsSpan().SequenceEqual(claim.Sha256))
            {
                await s.Sql("UPDATE claims SET last_at = @last, attempts = attempts + 1, address = @address WHERE device_id = @id AND last_at < @last")
                    .Text("@id", claim.DeviceId).Time("@last", claim.LastAt).Text("@address", claim.Address).Execute();
                return true;
            }

            await s.Sql($"""
                    INSERT INTO claims ({Columns})
                    VALUES (@id, @claim, @sha, @invitation, @serial, @product, @name, @address, @first, @last, @attempts, 0, NULL, NULL, NULL)
                    ON CONFLICT (device_id) DO UPDATE SET
                      claim_id = excluded.claim_id, sha256 = excluded.sha256, invitation_id = excluded.invitation_id,
                      serial_number = excluded.serial_number, product_name = excluded.product_name, device_name = excluded.device_name,
                      address = excluded.address,
                      first_at = CASE WHEN claims.decision = 0 THEN claims.first_at ELSE excluded.first_at END,
                      last_at = excluded.last_at,
                      attempts = CASE WHEN claims.decision = 0 THEN claims.attempts + 1 ELSE 1 END,
                      decision = 0, decided_at = NULL, decided_by = NULL, allowed_until = NULL
                    """)
                .Text("@id", claim.DeviceId).Guid("@claim", claim.ClaimId).Bytes("@sha", claim.Sha256).Text("@invitation", claim.InvitationId)
                .Text("@serial", claim.SerialNumber).Text("@product", claim.ProductName).Text("@name", claim.DeviceName)
                .Text("@address", claim.Address).Time("@first", claim.FirstAt).Time("@last", claim.LastAt).Long("@attempts", claim.Attempts)
                .Execute();
            if (audit is not null) await AuditColumns.Add(s, audit);
            return true;
        });
    }

    public Task<Claim?> FindClaim(string deviceId)
    {
        StoredText.Check("The device id", deviceId);
        return database.Read(s => Find(s, deviceId));
    }

    public async Task<IReadOnlyList<Claim>> ListOpenClaims(string? before, int limit)
    {
        StoredText.Check("The device id", before);
        return await database.Read(s => s
            .Sql($"""
                SELECT {Columns} FROM claims
                WHERE decision = 0 AND (@before IS NULL OR (last_at, device_id) < (SELECT b.last_at, b.device_id FROM claims b WHERE b.device_id = @before))
                ORDER BY last_at DESC, device_id DESC LIMIT @limit
                """)
            .Text("@before", before).Int("@limit", limit).List(Read));
    }

    public Task<long> CountOpenClaims() => database.Read(CountOpen);

    public Task<Claim?> Decide(string deviceId, Guid claimId, ClaimDecision decision, DateTimeOffset at, string by, DateTimeOffset? allowedUntil)
    {
        StoredText.Check("The device id", deviceId);
        StoredText.Check("Who decides", by);
        return database.Write(async s =>
        {
            if (await Find(s, deviceId) is not { } claim || claim.ClaimId != claimId) return null;
            if (claim.Decision != ClaimDecision.Open) return claim;
            await s.Sql("""
                    UPDATE claims SET decision = @decision, decided_at = @at, decided_by = @by, allowed_until = @until
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

            return await Find(s, deviceId);
        });
    }

    public Task<int> DropClaims(DateTimeOffset before, int limit) => database.Write(s => s
        .Sql("DELETE FROM claims WHERE device_id IN (SELECT device_id FROM claims WHERE last_at < @before LIMIT @limit)")
        .Time("@before", before).Int("@limit", limit).Execute());

    public async Task<long> Allow(IReadOnlyList<string> deviceIds, DateTimeOffset at, DateTimeOffset until)
    {
        foreach (var id in deviceIds) StoredText.Check("The device id", id);
        return await database.Write(async s => (long)await s
            .Sql($"""
                UPDATE device_activity SET reenrolment_granted_at = @at, reenrolment_until = @until
                WHERE id IN (SELECT d.id FROM {database.IdsTable} JOIN devices d ON d.id = ids.id WHERE d.id = d.device_id)
                """)
            .Ids(deviceIds).Time("@at", at).Time("@until", until).Execute());
    }

    public async Task<long> Allow(DeviceFilter filter, DateTimeOffset at, DateTimeOffset until)
    {
        DeviceConditions.Check(filter);
        return await database.Write(async s => (long)await s
            .Sql($"""
                UPDATE device_activity SET reenrolment_granted_at = @at, reenrolment_until = @until
                WHERE id IN (SELECT d.id FROM {DeviceColumns.Joined} WHERE d.id = d.device_id{DeviceConditions.Of(filter, database)})
                """)
            .Bind(p => DeviceConditions.Bind(p, filter)).Time("@at", at).Time("@until", until).Execute());
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

    private static async Task<Claim?> Find(Session s, string deviceId) =>
        await s.Sql($"SELECT {Columns} FROM claims WHERE device_id = @id").Text("@id", deviceId).First(Read);

    private static async Task<long> CountOpen(Session s) => await s.Sql("SELECT count(*) FROM claims WHERE decision = 0").First(row => row.Long(0));

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
