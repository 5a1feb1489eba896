using System.Security.Cryptography;
using System.Text;

namespace FleetMdm.Storage.Secrets;

/// <summary>Seals secrets that are kept at rest (AES-256-GCM under the master key).</summary>
/// <remarks>
/// A sealed value is bound to its purpose: one sealed for an iPad's unlock token cannot be opened as a CA key. Format: one byte of
/// version (2), 4 bytes that tell the master key, 12 bytes of nonce, the ciphertext, 16 bytes of tag; version and purpose are authenticated
/// with it. Version 1 did not tell the key; it is read. Nonces are random: good for four billion values under one key. Safe from any thread.
/// </remarks>
public sealed class SecretSealer
{
    /// <summary>Of the master key, in bytes.</summary>
    public const int KeyLength = 32;

    private const byte WithoutKeyId = 1;
    private const byte WithKeyId = 2;
    private const int KeyIdLength = 4;
    private const int NonceLength = 12;
    private const int TagLength = 16;

    private readonly byte[] _key;
    private readonly byte[] _keyId;

    /// <param name="masterKey">32 bytes.</param>
    public SecretSealer(ReadOnlySpan<byte> masterKey)
    {
        if (masterKey.Length != KeyLength)
            throw new ArgumentException($"The master key has {masterKey.Length} bytes, not {KeyLength}.", nameof(masterKey));
        _key = masterKey.ToArray();
        _keyId = Derive("key-id", KeyIdLength);
    }

    /// <param name="purpose">What the secret is and whose, as in <c>unlock-token/UDID</c>.</param>
    public byte[] Seal(string purpose, ReadOnlySpan<byte> secret)
    {
        var sealedSecret = new byte[1 + KeyIdLength + NonceLength + secret.Length + TagLength];
        sealedSecret[0] = WithKeyId;
        _keyId.CopyTo(sealedSecret.AsSpan(1));
        var rest = sealedSecret.AsSpan(1 + KeyIdLength);
        RandomNumberGenerator.Fill(rest[..NonceLength]);
        using var aes = new AesGcm(_key, TagLength);
        aes.Encrypt(rest[..NonceLength], secret, rest[NonceLength..^TagLength], rest[^TagLength..], Bound(WithKeyId, purpose));
        return sealedSecret;
    }

    /// <exception cref="CryptographicException">Another key, another purpose, or damaged.</exception>
    public byte[] Open(string purpose, ReadOnlySpan<byte> sealedSecret)
    {
        var keyId = LooksSealed(sealedSecret) ? KeyIdOf(sealedSecret) : throw new CryptographicException("This is not a sealed secret of a version that is known here.");
        if (!keyId.IsEmpty && !keyId.SequenceEqual(_keyId))
            throw new CryptographicException("This secret was sealed under another master key.");
        var rest = sealedSecret[(1 + keyId.Length)..];
        var secret = new byte[rest.Length - NonceLength - TagLength];
        using var aes = new AesGcm(_key, TagLength);
        aes.Decrypt(rest[..NonceLength], rest[NonceLength..^TagLength], rest[^TagLength..], secret, Bound(sealedSecret[0], purpose));
        return secret;
    }

    /// <summary>The same, or null where it cannot be opened.</summary>
    internal byte[]? TryOpen(string purpose, ReadOnlySpan<byte> sealedSecret)
    {
        try
        {
            return Open(purpose, sealedSecret);
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    /// <summary>Whether it says of itself that it was sealed under this key. False for version 1, which does not say.</summary>
    internal bool IsMine(ReadOnlySpan<byte> sealedSecret) =>
        LooksSealed(sealedSecret) && sealedSecret[0] == WithKeyId && KeyIdOf(sealedSecret).SequenceEqual(_keyId);

    /// <summary>A secret that follows from the master key: the same for all that have it, and of no use to find another purpose's or the key.</summary>
    public byte[] Derive(string purpose, int length) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _key, length, info: Encoding.UTF8.GetBytes($"fleetmdm/derived/{purpose}"));

    private static bool LooksSealed(ReadOnlySpan<byte> value) =>
        value.Length >= 1 + NonceLength + TagLength && (value[0] == WithoutKeyId || (value[0] == WithKeyId && value.Length >= 1 + KeyIdLength + NonceLength + TagLength));

    private static ReadOnlySpan<byte> KeyIdOf(ReadOnlySpan<byte> sealedSecret) => sealedSecret[0] == WithKeyId ? sealedSecret.Slice(1, KeyIdLength) : [];

    private static byte[] Bound(byte version, string purpose) => Encoding.UTF8.GetBytes($"fleetmdm/v{version}/{purpose}");
}
