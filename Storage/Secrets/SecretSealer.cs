using System.Security.Cryptography;
using System.Text;

namespace FleetMdm.Storage.Secrets;

/// <summary>Seals secrets that are kept at rest (AES-256-GCM under the master key).</summary>
/// <remarks>
/// A sealed value is bound to its purpose: one sealed for an iPad's unlock token cannot be opened as a CA key. Format: one byte of
/// version, 12 bytes of nonce, the ciphertext, 16 bytes of tag; version and purpose are authenticated with it. Nonces are random:
/// good for four billion values under one key. Safe from any thread.
/// </remarks>
public sealed class SecretSealer
{
    /// <summary>Of the master key, in bytes.</summary>
    public const int KeyLength = 32;

    private const byte Version = 1;
    private const int NonceLength = 12;
    private const int TagLength = 16;
    private const int Overhead = 1 + NonceLength + TagLength;

    private readonly byte[] _key;

    /// <param name="masterKey">32 bytes.</param>
    public SecretSealer(ReadOnlySpan<byte> masterKey)
    {
        if (masterKey.Length != KeyLength)
            throw new ArgumentException($"The master key has {masterKey.Length} bytes, not {KeyLength}.", nameof(masterKey));
        _key = masterKey.ToArray();
    }

    /// <param name="purpose">What the secret is and whose, as in <c>unlock-token/UDID</c>.</param>
    public byte[] Seal(string purpose, ReadOnlySpan<byte> secret)
    {
        var sealedSecret = new byte[Overhead + secret.Length];
        sealedSecret[0] = Version;
        var nonce = sealedSecret.AsSpan(1, NonceLength);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(_key, TagLength);
        aes.Encrypt(nonce, secret, sealedSecret.AsSpan(1 + NonceLength, secret.Length), sealedSecret.AsSpan(^TagLength..), Bound(purpose));
        return sealedSecret;
    }

    /// <exception cref="CryptographicException">Another key, another purpose, or damaged.</exception>
    public byte[] Open(string purpose, ReadOnlySpan<byte> sealedSecret)
    {
        if (sealedSecret.Length < Overhead || sealedSecret[0] != Version)
            throw new CryptographicException("This is not a sealed secret of a version that is known here.");
        var secret = new byte[sealedSecret.Length - Overhead];
        using var aes = new AesGcm(_key, TagLength);
        aes.Decrypt(
            sealedSecret.Slice(1, NonceLength), sealedSecret.Slice(1 + NonceLength, secret.Length), sealedSecret[^TagLength..], secret,
            Bound(purpose));
        return secret;
    }

    /// <summary>A secret that follows from the master key: the same for all that have it, and of no use to find another purpose's or the key.</summary>
    public byte[] Derive(string purpose, int length) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _key, length, info: Encoding.UTF8.GetBytes($"fleetmdm/derived/{purpose}"));

    private static byte[] Bound(string purpose) => Encoding.UTF8.GetBytes($"fleetmdm/v{Version}/{purpose}");
}
