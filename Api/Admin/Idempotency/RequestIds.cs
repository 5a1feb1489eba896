using System.Security.Cryptography;
using System.Text;
using FleetMdm.Storage.Hosting;
using FleetMdm.Storage.Secrets;

namespace FleetMdm.Api.Admin;

/// <summary>
/// The ids of what a request makes: random, or, when it carries an Idempotency-Key, derived from the key. Whoever repeats the
/// request makes the same command, operation, invitation or token again, which changes nothing: even if the server died between
/// doing and answering, and even if two nodes do it at the same moment.
/// </summary>
/// <remarks>
/// Derived by HMAC-SHA256 under a secret of this installation (sealed in the store, agreed on by all nodes): ids of invitations
/// and secrets of tokens stay unguessable though clients choose their keys.
/// </remarks>
internal sealed class RequestIds(IStoreControl store, SecretSealer sealer)
{
    private const string FactName = "idempotency-seed";
    private const int SeedBytes = 32;

    private static readonly object SeedOfRequest = new();

    private byte[]? _secret;

    /// <summary>From now on the request's ids are derived from its key.</summary>
    public async ValueTask Bind(HttpContext context, string scope, string key)
    {
        _secret ??= sealer.Open(FactName, await store.GetOrAddFact(
            FactName, sealer.Seal(FactName, RandomNumberGenerator.GetBytes(SeedBytes)), context.RequestAborted));
        context.Items[SeedOfRequest] = HMACSHA256.HashData(_secret, Encoding.UTF8.GetBytes($"{scope}\0{key}"));
    }

    /// <summary>A UUID: version 8 when derived, 4 when random (RFC 9562).</summary>
    public static Guid NewGuid(HttpContext context, string purpose)
    {
        if (context.Items[SeedOfRequest] is not byte[]) return Guid.NewGuid();
        var bytes = NewBytes(context, purpose, 16);
        bytes[6] = (byte)(0x80 | (bytes[6] & 0x0f));
        bytes[8] = (byte)(0x80 | (bytes[8] & 0x3f));
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>At most 32 bytes that nobody can guess.</summary>
    public static byte[] NewBytes(HttpContext context, string purpose, int count) =>
        context.Items[SeedOfRequest] is byte[] seed
            ? HMACSHA256.HashData(seed, Encoding.UTF8.GetBytes(purpose))[..count]
            : RandomNumberGenerator.GetBytes(count);
}
