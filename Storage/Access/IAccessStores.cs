namespace FleetMdm.Storage.Access;

/// <summary>What was answered to a request that carried an Idempotency-Key.</summary>
public interface IIdempotencyStore
{
    /// <summary>Claims the key for this request, or tells what stands under it. A request that was refused did nothing: another one takes its key over.</summary>
    Task<IdempotencyRecord> Claim(string scope, string key, byte[] requestHash, DateTimeOffset at);

    /// <summary>Stores the answer under a claimed key.</summary>
    Task Complete(string scope, string key, int status, string? contentType, ReadOnlyMemory<byte> body, string? location);

    /// <summary>Forgets at most <paramref name="limit"/> keys claimed before the given time; returns how many.</summary>
    Task<int> Prune(DateTimeOffset claimedBefore, int limit);
}

/// <param name="RequestHash">Of the request that claimed the key first.</param>
/// <param name="IsNew">True: this call claimed it.</param>
/// <param name="ClaimedAt">By the first who claimed it.</param>
/// <param name="Status">Of the stored answer; null while none is stored.</param>
public sealed record IdempotencyRecord(
    byte[] RequestHash, bool IsNew, DateTimeOffset ClaimedAt, int? Status, string? ContentType, byte[]? Body, string? Location);

/// <summary>Keys of ASP.NET's data protection (session cookies), shared by all nodes. Synchronous, as its callers are.</summary>
public interface IKeyRingStore
{
    IReadOnlyList<string> LoadKeys();

    void StoreKey(string name, string xml);
}
