using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Text;
using FleetMdm.Protocol.Identity;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Profiles;

/// <summary>A file that is no profile.</summary>
/// <param name="code">One of <see cref="ProfileCodes"/>.</param>
/// <param name="message">What it is, and what would be right, for an administrator.</param>
internal sealed class ProfileFileException(string code, string message) : FormatException(message)
{
    public string Code { get; } = code;
}

/// <summary>
/// Opens a file with a configuration profile: a property list (XML, binary, UTF-16), or one that is signed as CMS (DER, PEM, S/MIME).
/// </summary>
/// <param name="Bytes">As iPads take it: as it came, but DER where it was PEM or S/MIME, and UTF-8 where it was UTF-16.</param>
/// <param name="Root">The property list.</param>
/// <param name="Cms">Null: it is not signed.</param>
internal sealed record ProfileInspectionFile(byte[] Bytes, PlistDictionary Root, SignedCms? Cms)
{
    /// <summary>Bytes. It travels in every delivery, and an iPad refuses what takes too long; fonts and web clips fit.</summary>
    public const int LongestProfile = 4 * 1024 * 1024;

    /// <summary>The first byte of anything in DER or BER that is a SEQUENCE, as CMS is.</summary>
    private const byte Sequence = 0x30;

    private const string NoProfile = "This is no configuration profile";

    /// <exception cref="ProfileFileException"/>
    public static ProfileInspectionFile Open(byte[] given)
    {
        if (given.Length == 0)
            throw new ProfileFileException(ProfileCodes.Unreadable, "The file is empty.");
        if (given.Length > LongestProfile)
            throw new ProfileFileException(ProfileCodes.TooLarge, $"The file has {given.Length} bytes; at most {LongestProfile} are taken.");
        var profile = Unwrap(given);
        var cms = profile is [Sequence, ..] ? Decode(profile) : null;
        try
        {
            return new ProfileInspectionFile(profile, PlistReader.ReadDictionary(cms?.ContentInfo.Content ?? profile, PlistLimits.Admin), cms);
        }
        catch (PlistFormatException wrong)
        {
            throw new ProfileFileException(wrong.Reason == PlistReason.TooLarge ? ProfileCodes.TooLarge : ProfileCodes.Unreadable, $"{NoProfile}: {wrong.Message}");
        }
    }

    private static byte[] Unwrap(byte[] given)
    {
        if (given.AsSpan().StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE]) || given.AsSpan().StartsWith("<\0"u8))
            return FromUtf16(Encoding.Unicode.GetString(given));
        if (given.AsSpan().StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF]) || given.AsSpan().StartsWith("\0<"u8))
            return FromUtf16(Encoding.BigEndianUnicode.GetString(given));

        // XML has nothing before its declaration; editors do.
        var trimmed = given.AsSpan().TrimStart(" \t\r\n"u8);
        if (trimmed is [(byte)'<', ..])
            return trimmed.ToArray();
        if (trimmed is [(byte)'{', ..] or [(byte)'[', ..])
        {
            throw new ProfileFileException(
                ProfileCodes.IsJson, $"{NoProfile}: it looks like JSON. A .mobileconfig file is a property list, or one that is signed as CMS. To build a profile from JSON, send it as application/json.");
        }

        if (trimmed.StartsWith("-----BEGIN"u8))
            return FromPem(Encoding.Latin1.GetString(trimmed));
        var text = Encoding.Latin1.GetString(trimmed[..Math.Min(trimmed.Length, "Content-Transfer-Encoding:".Length)]);
        return text.StartsWith("MIME-Version:", StringComparison.OrdinalIgnoreCase) || text.StartsWith("Content-", StringComparison.OrdinalIgnoreCase)
            ? FromSmime(Encoding.Latin1.GetString(trimmed))
            : given is [Sequence, ..] || PlistReader.IsBinary(given) || given.AsSpan().StartsWith("\uFEFF<"u8) ? given
            : throw new ProfileFileException(ProfileCodes.NoProfile, $"{NoProfile}: it begins with neither '<' nor bplist00. A .mobileconfig file is a property list, or one that is signed as CMS.");
    }

    private static byte[] FromUtf16(string text)
    {
        text = text.TrimStart('\uFEFF').TrimStart();
        // The declaration names the encoding that it had.
        if (text.StartsWith("<?xml", StringComparison.Ordinal) && text.IndexOf("?>", StringComparison.Ordinal) is > 0 and var end)
            text = text[(end + 2)..];
        return Encoding.UTF8.GetBytes("<?xml version=\"1.0\" encoding=\"UTF-8\"?>" + text);
    }

    private static byte[] FromPem(string text)
    {
        if (!PemEncoding.TryFind(text, out var fields))
            throw new ProfileFileException(ProfileCodes.NoProfile, $"{NoProfile}: it begins as PEM, and is damaged.");
        var label = text[fields.Label];
        return label is "PKCS7" or "CMS" or "PKCS #7 SIGNED DATA"
            ? Convert.FromBase64String(text[fields.Base64Data])
            : throw new ProfileFileException(ProfileCodes.NoProfile, $"{NoProfile}: it is PEM of the kind {PlistText.Excerpt(label)}. A signed profile as PEM is PKCS7 or CMS; DER is taken too.");
    }

    private static byte[] FromSmime(string text)
    {
        text = text.ReplaceLineEndings("\n");
        var blank = text.IndexOf("\n\n", StringComparison.Ordinal);
        var headers = blank < 0 ? text : text[..blank];
        if (headers.Contains("multipart/", StringComparison.OrdinalIgnoreCase))
        {
            throw new ProfileFileException(
                ProfileCodes.NoProfile, $"{NoProfile}: it is an S/MIME mail whose signature stands beside the profile. Sign it so that the signature holds the profile: openssl smime -sign -nodetach -outform der.");
        }

        var bytes = new byte[text.Length];
        return blank > 0 && headers.Contains("pkcs7-mime", StringComparison.OrdinalIgnoreCase) && headers.Contains("base64", StringComparison.OrdinalIgnoreCase)
            && Convert.TryFromBase64String(text[blank..].Trim(), bytes, out var length) && length > 0
            ? bytes[..length]
            : throw new ProfileFileException(ProfileCodes.NoProfile, $"{NoProfile}: it is a MIME mail that is not understood. Send the signed profile as DER: openssl smime -sign -nodetach -outform der.");
    }

    private static SignedCms Decode(byte[] profile)
    {
        var cms = new SignedCms();
        try
        {
            cms.Decode(profile);
        }
        catch (CryptographicException)
        {
            throw new ProfileFileException(
                IsEnveloped(profile) ? ProfileCodes.Encrypted : ProfileCodes.NoProfile,
                "This is neither a property list nor one signed as CMS. A certificate, a ZIP archive or an encrypted file is no profile.");
        }

        // DER, PEM or S/MIME.
        if (cms.ContentInfo.Content is [Sequence, ..] || cms.ContentInfo.Content.AsSpan().StartsWith("-----BEGIN"u8)
            || cms.ContentInfo.Content.AsSpan().StartsWith("MIME-Version:"u8) || cms.ContentInfo.Content.AsSpan().StartsWith("Content-"u8))
        {
            throw new ProfileFileException(
                IsEnveloped(cms.ContentInfo.Content) ? ProfileCodes.Encrypted : ProfileCodes.NoProfile,
                $"{NoProfile}: what is signed is signed or encrypted itself. Hand in the profile with one signature, or none.");
        }

        return cms.ContentInfo.Content.Length > 0
            ? cms
            : throw new ProfileFileException(
                ProfileCodes.NoProfile, $"{NoProfile}: it is a signature without the profile in it. Sign it so that the signature holds the profile: openssl smime -sign -nodetach -outform der.");
    }

    /// <summary>CMS that only the holder of a key can open (RFC 5652, 6).</summary>
    private static bool IsEnveloped(byte[] profile)
    {
        try
        {
            return new AsnReader(profile, AsnEncodingRules.BER).ReadSequence().ReadObjectIdentifier() == Oids.EnvelopedData;
        }
        catch (AsnContentException)
        {
            return false;
        }
    }
}
