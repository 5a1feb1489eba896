using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.Access;

/// <summary>Idempotency keys on either database.</summary>
internal sealed class IdempotencyStore(Database database) : IIdempotencyStore
{
    public async Task<IdempotencyRecord> Claim(string scope, string key, byte[] requestHash, DateTimeOffset at)
    {
        StoredText.Check("The scope", scope);
        StoredText.Check("The key", key);
        // Made once for the call: a repetition after a lost answer still knows its own claim.
        var claim = Guid.NewGuid();
        return (await database.Write(async s =>
        {
            await s.Sql("""
                    INSERT INTO idempotency_keys (scope, key, claim_id, request_hash, claimed_at)
                    VALUES (@scope, @key, @claim, @hash, @at)
                    ON CONFLICT (scope, key) DO UPDATE SET
                      claim_id = excluded.claim_id, request_hash = excluded.request_hash, claimed_at = excluded.claimed_at,
                      status = NULL, content_type = NULL, body = NULL, location = NULL
                    WHERE idempotency_keys.status >= 400 AND idempotency_keys.request_hash <> excluded.request_hash
                    """)
                .Text("@scope", scope).Text("@key", key).Guid("@claim", claim).Bytes("@hash", requestHash).Time("@at", at).Execute();
            return await s
                .Sql("SELECT request_hash, claim_id, claimed_at, status, content_type, body, location FROM idempotency_keys WHERE scope = @scope AND key = @key")
                .Text("@scope", scope).Text("@key", key)
                .First(row => new IdempotencyRecord(
                    row.Bytes(0), row.Guid(1) == claim, row.Time(2), row.IntOrNull(3), row.TextOrNull(4), row.BytesOrNull(5), row.TextOrNull(6)));
        }))!;
    }

    public Task Complete(string scope, string key, int status, string? contentType, ReadOnlyMemory<byte> body, string? location)
    {
        StoredText.Check("The scope", scope);
        StoredText.Check("The key", key);
        StoredText.Check("The content type", contentType);
        StoredText.Check("The location", location);
        return database.Write(s => s
            .Sql("""
                UPDATE idempotency_keys SET status = @status, content_type = @type, body = @body, location = @location
                WHERE scope = @scope AND key = @key AND status IS NULL
                """)
            .Text("@scope", scope).Text("@key", key).Int("@status", status).Text("@type", contentType).Bytes("@body", body.ToArray())
            .Text("@location", location).Execute());
    }

    public Task<int> Prune(DateTimeOffset claimedBefore, int limit) => database.Write(s => s
        .Sql("""
            DELETE FROM idempotency_keys WHERE (scope, key) IN (
              SELECT scope, key FROM idempotency_keys WHERE claimed_at < @before ORDER BY claimed_at LIMIT @limit)
            """)
        .Time("@before", claimedBefore).Int("@limit", limit).Execute());
}
