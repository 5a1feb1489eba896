using System.Buffers.Binary;
using System.Security.Cryptography;
using FleetMdm.Storage.Hosting;

namespace FleetMdm.Storage.Secrets;

/// <summary>
/// Seals command bodies and iPads' answers at rest (AES-256-GCM), and names bodies by a keyed hash: a profile holds Wi-Fi passwords, and
/// whoever has a copy of the database may neither read one nor find out by its hash that he has guessed it.
/// </summary>
/// <remarks>
/// <para>By data keys of the database, which are one of its facts, sealed under the master key: a new master key leaves bodies as they are.</para>
/// <para>Format: <c>00 46 4D 42</c> (no property list begins so), one byte with the number of the data key, 24 random bytes, the ciphertext,
/// 16 bytes of tag. Half of the random bytes make the key of this value, the other half are its nonce. A thread makes a new key after
/// <see cref="ValuesOfAKey"/> values, since making one costs more than sealing a small answer; the nonce is new for each: there is no number of values
/// after which two of them might share both. A body is bound to its hash, an answer to the sequence of its command, which nobody else ever has.</para>
/// <para>What an older version stored begins otherwise, and is read as it is. Safe from any thread once <see cref="Load"/> has ended.</para>
/// </remarks>
internal sealed class BodySealer
{
    /// <summary>The fact that holds the data keys.</summary>
    public const string Fact = "body-keys";

    /// <summary>How many bytes tell a sealed value.</summary>
    public const int MarkLength = 4;

    private const byte KeyNumber = 1;
    private const int HeaderLength = MarkLength + 1;
    private const int SaltLength = 12;
    private const int NonceLength = 12;
    private const int TagLength = 16;
    private const int ContentAt = HeaderLength + SaltLength + NonceLength;
    private const int KeyLength = 32;

    /// <summary>So few that random nonces of 96 bits never meet, so many that the key costs nothing.</summary>
    private const int ValuesOfAKey = 1000;

    [ThreadStatic]
    private static KeyOfThread? _keyOfThread;

    private byte[]? _sealingKey;
    private byte[]? _namingKey;

    public BodySealer()
    {
    }

    /// <summary>With the data keys at once.</summary>
    public BodySealer(byte[] keys) => Use(keys);

    public static byte[] Mark => [0, (byte)'F', (byte)'M', (byte)'B'];

    /// <summary>Reads the data keys; the first node makes them.</summary>
    public async Task Load(SecretSealer sealer, IStoreControl control, CancellationToken cancellationToken)
    {
        var made = sealer.Seal(Fact, RandomNumberGenerator.GetBytes(2 * KeyLength));
        Use(sealer.Open(Fact, await control.GetOrAddFact(Fact, made, cancellationToken)));
    }

    /// <summary>The name under which a body is stored once.</summary>
    public byte[] Name(ReadOnlySpan<byte> body) => HMACSHA256.HashData(Loaded(_namingKey), body);

    /// <summary>Whether this body has that name, or had it in an older version.</summary>
    public bool IsNamed(ReadOnlySpan<byte> name, ReadOnlySpan<byte> body) =>
        CryptographicOperations.FixedTimeEquals(Name(body), name) || CryptographicOperations.FixedTimeEquals(SHA256.HashData(body), name);

    public byte[] SealBody(ReadOnlySpan<byte> name, ReadOnlySpan<byte> body) => Seal(name, body);

    public byte[] SealAnswer(long sequence, ReadOnlySpan<byte> answer) => Seal(Bound(sequence), answer);

    /// <exception cref="CryptographicException">It is another body's, or damaged.</exception>
    public byte[] OpenBody(ReadOnlySpan<byte> name, byte[] stored) => Open(name, stored);

    /// <exception cref="CryptographicException">It is another command's, or damaged.</exception>
    public byte[] OpenAnswer(long sequence, byte[] stored) => Open(Bound(sequence), stored);

    private void Use(byte[] keys)
    {
        _sealingKey = keys[..KeyLength];
        _namingKey = keys[KeyLength..];
    }

    private byte[] Seal(ReadOnlySpan<byte> bound, ReadOnlySpan<byte> content)
    {
        var stored = new byte[ContentAt + content.Length + TagLength];
        Mark.CopyTo(stored.AsSpan());
        stored[MarkLength] = KeyNumber;
        var key = SealingKey();
        key.Salt.CopyTo(stored.AsSpan(HeaderLength));
        RandomNumberGenerator.Fill(stored.AsSpan(HeaderLength + SaltLength, NonceLength));
        key.Aes.Encrypt(stored.AsSpan(HeaderLength + SaltLength, NonceLength), content, stored.AsSpan(ContentAt, content.Length), stored.AsSpan(^TagLength..), bound);
        return stored;
    }

    private byte[] Open(ReadOnlySpan<byte> bound, byte[] stored)
    {
        if (!stored.AsSpan().StartsWith(Mark))
            return stored;
        if (stored.Length < ContentAt + TagLength || stored[MarkLength] != KeyNumber)
            throw new CryptographicException("This body was not sealed by a data key that is known here.");
        var content = new byte[stored.Length - ContentAt - TagLength];
        using var aes = KeyOf(stored.AsSpan(HeaderLength, SaltLength));
        aes.Decrypt(stored.AsSpan(HeaderLength + SaltLength, NonceLength), stored.AsSpan(ContentAt, content.Length), stored.AsSpan(^TagLength..), content, bound);
        return content;
    }

    /// <summary>This thread's key, a new one when it has sealed enough or was another database's.</summary>
    private KeyOfThread SealingKey()
    {
        var master = Loaded(_sealingKey);
        if (_keyOfThread is { } held && ReferenceEquals(held.Master, master) && held.Sealed++ < ValuesOfAKey)
            return held;
        _keyOfThread?.Aes.Dispose();
        var salt = RandomNumberGenerator.GetBytes(SaltLength);
        return _keyOfThread = new KeyOfThread(master, salt, KeyOf(salt)) { Sealed = 1 };
    }

    private AesGcm KeyOf(ReadOnlySpan<byte> salt)
    {
        Span<byte> key = stackalloc byte[KeyLength];
        HMACSHA256.HashData(Loaded(_sealingKey), salt, key);
        return new AesGcm(key, TagLength);
    }

    private static byte[] Bound(long sequence)
    {
        var bound = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(bound, sequence);
        return bound;
    }

    private static byte[] Loaded(byte[]? key) => key ?? throw new InvalidOperationException("The store has not been started.");

    /// <summary>Used by one thread only, which never waits while it seals.</summary>
    private sealed class KeyOfThread(byte[] master, byte[] salt, AesGcm aes)
    {
        public byte[] Master { get; } = master;

        public byte[] Salt { get; } = salt;

        public AesGcm Aes { get; } = aes;

        public int Sealed { get; set; }
    }
}
