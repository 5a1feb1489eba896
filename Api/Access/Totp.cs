using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace FleetMdm.Api.Access;

/// <summary>Codes that change each half minute, as apps for sign-in make them (RFC 6238, with SHA-1 and six digits: what all of them know).</summary>
public static class Totp
{
    public const int SecretBytes = 20;
    public const int Digits = 6;

    private const int Seconds = 30;

    /// <summary>Clocks differ, and people type slowly: one code earlier and one later is taken.</summary>
    private const int Around = 1;

    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    public static long StepOf(DateTimeOffset at) => at.ToUnixTimeSeconds() / Seconds;

    /// <summary>Which step this code is of; null: of none about now.</summary>
    public static long? Find(ReadOnlySpan<byte> secret, string code, DateTimeOffset now)
    {
        long? found = null;
        for (var step = StepOf(now) - Around; step <= StepOf(now) + Around; step++)
        {
            if (CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(Code(secret, step)), Encoding.UTF8.GetBytes(code))) found = step;
        }

        return found;
    }

    public static string Code(ReadOnlySpan<byte> secret, long step)
    {
        Span<byte> counter = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(counter, step);
        // The standard's own choice; apps know no other. Nobody needs collisions here.
#pragma warning disable CA5350
        var hash = HMACSHA1.HashData(secret, counter);
#pragma warning restore CA5350
        var number = BinaryPrimitives.ReadUInt32BigEndian(hash.AsSpan(hash[^1] & 0xf)) & 0x7fff_ffff;
        return (number % 1_000_000).ToString("D6", CultureInfo.InvariantCulture);
    }

    /// <summary>What the QR code says to the app.</summary>
    public static string Address(ReadOnlySpan<byte> secret, string userName) =>
        $"otpauth://totp/FleetMdm:{Uri.EscapeDataString(userName)}?secret={Base32(secret)}&issuer=FleetMdm";

    /// <summary>RFC 4648, without padding.</summary>
    public static string Base32(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder();
        var (bits, count) = (0, 0);
        foreach (var b in bytes)
        {
            (bits, count) = ((bits << 8) | b, count + 8);
            for (; count >= 5; count -= 5) text.Append(Alphabet[(bits >> (count - 5)) & 31]);
            bits &= (1 << count) - 1;
        }

        return count > 0 ? text.Append(Alphabet[(bits << (5 - count)) & 31]).ToString() : text.ToString();
    }
}

/// <summary>Codes on paper, for those who have lost their phone: each opens once.</summary>
internal static class RecoveryCodes
{
    private const int Count = 10;

    /// <summary>80 bits: what is stored of them need not be slow to compute.</summary>
    private const int Bytes = 10;

    private const int Length = 16;

    public static IReadOnlyList<string> New() => [.. Enumerable.Range(0, Count).Select(_ => Shown(Totp.Base32(RandomNumberGenerator.GetBytes(Bytes))))];

    /// <summary>What is stored of one, however it was typed; null: it cannot be one.</summary>
    public static byte[]? Hash(string typed)
    {
        var plain = string.Concat(typed.Where(char.IsAsciiLetterOrDigit)).ToUpperInvariant();
        return plain.Length == Length ? SHA256.HashData(Encoding.ASCII.GetBytes(plain)) : null;
    }

    private static string Shown(string code) => string.Join('-', code.Chunk(4).Select(part => new string(part)));
}
