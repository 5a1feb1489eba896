using System.Security.Cryptography;
using System.Text;
using FleetMdm.Storage.Hosting;
using FleetMdm.Storage.Secrets;

namespace FleetMdm.Api.Rest;

/// <summary>
/// The ids of what a request makes: random, or, when it carries an Idempotency-Key, derived from the key. Whoever repeats the
/// request makes the same command, operation, invitation or token again, which changes nothing: even if the server died between
/// doing and answering, and even if two nodes do it at the same moment. Commands and operations are the same as long as the key is kept, which is a day.
/// </summary>
/// <remarks>
/// Derived by HMAC-SHA256 under a secret of this installation (sealed in the store, agreed on by all nodes): ids of invitations
/// and secrets of tokens stay unguessable though clients choose their keys.
/// <para>Ids of commands and operations begin with the time: what is queued later stands behind what was queued before in the indexes of queue and
/// history. That makes an operation a sixth cheaper for PostgreSQL, and it gets hardly dearer with the commands that wait already.</para>
/// </remarks>
internal sealed class RequestIds(IStoreControl store, SecretSealer sealer)
{
    private const string FactName = "idempotency-seed";
    private const int SeedBytes = 32;

    /// <summary>Of a UUID of version 7: milliseconds since 1970.</summary>
    private const int TimeBytes = 6;

    private static readonly object ItemKey = new();

    private byte[]? _secret;

    /// <summary>From now on the request's ids are derived from its key.</summary>
    /// <param name="claimedAt">When the key was first used, the same for each repetition; null when nobody noted it.</param>
    public async ValueTask Bind(HttpContext context, string scope, string key, DateTimeOffset? claimedAt)
    {
        _secret ??= sealer.Open(FactName, await store.GetOrAddFact(
            FactName, sealer.Seal(FactName, RandomNumberGenerator.GetBytes(SeedBytes)), context.RequestAborted));
        context.Items[ItemKey] = new BoundKey(HMACSHA256.HashData(_secret, Encoding.UTF8.GetBytes($"{scope}\0{key}")), claimedAt);
    }

    /// <summary>A CommandUUID, as Apple spells it.</summary>
    public static string NewCommandUuid(HttpContext context, TimeProvider time) =>
        NewOrderedGuid(context, "command", time).ToString("D").ToUpperInvariant();

    /// <summary>A UUID of version 7 (RFC 9562), which begins with the time; of version 8 when derived from a key of unknown time.</summary>
    public static Guid NewOrderedGuid(HttpContext context, string purpose, TimeProvider time) => Bound(context) switch
    {
        null => Guid.CreateVersion7(time.GetUtcNow()),
        { ClaimedAt: { } claimedAt } => Derived(context, purpose, 7, claimedAt),
        _ => Derived(context, purpose, 8),
    };

    /// <summary>A UUID: version 8 when derived, 4 when random (RFC 9562).</summary>
    public static Guid NewGuid(HttpContext context, string purpose) => Bound(context) is null ? Guid.NewGuid() : Derived(context, purpose, 8);

    /// <summary>At most 32 bytes that nobody can guess.</summary>
    public static byte[] NewBytes(HttpContext context, string purpose, int count) => Bound(context) is { } bound
        ? HMACSHA256.HashData(bound.Seed, Encoding.UTF8.GetBytes(purpose))[..count]
        : RandomNumberGenerator.GetBytes(count);

    private static BoundKey? Bound(HttpContext context) => context.Items[ItemKey] as BoundKey;

    private static Guid Derived(HttpContext context, string purpose, int version, DateTimeOffset? begins = null)
    {
        var bytes = NewBytes(context, purpose, 16);
        if (begins is { } time)
            Guid.CreateVersion7(time).ToByteArray(bigEndian: true).AsSpan(0, TimeBytes).CopyTo(bytes);
        bytes[6] = (byte)((version << 4) | (bytes[6] & 0x0f));
        bytes[8] = (byte)(0x80 | (bytes[8] & 0x3f));
        return new Guid(bytes, bigEndian: true);
    }

    private sealed record BoundKey(byte[] Seed, DateTimeOffset? ClaimedAt);
}
