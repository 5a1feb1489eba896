using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Text;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.Profiles;

namespace FleetMdm.Protocol.Mdm;

/// <summary>A profile that iPads would refuse, or that would take them away from this server.</summary>
/// <param name="message">Names the key and says what would be right, for an administrator.</param>
/// <param name="endsEnrolment">It is about management itself.</param>
internal sealed class ProfileException(string message, bool endsEnrolment = false) : FormatException(message)
{
    public bool EndsEnrolment { get; } = endsEnrolment;
}

/// <summary>
/// Looks at a configuration profile that an administrator hands in, so that a wrong file is refused here and not by thousands of
/// iPads: a property list, or one signed as CMS, with the keys that Apple requires. Who signed it is the iPads' business.
/// <see href="https://developer.apple.com/documentation/devicemanagement/toplevel"/>
/// </summary>
internal static class ProfileCheck
{
    /// <summary>Bytes. It travels in every delivery, and an iPad refuses what takes too long; fonts and web clips fit.</summary>
    public const int LongestProfile = 4 * 1024 * 1024;

    private const string Configuration = "Configuration";

    private const string MdmPayload = "com.apple.mdm";

    /// <summary>The first byte of anything in DER or BER that is a SEQUENCE, as CMS is.</summary>
    private const byte Sequence = 0x30;

    private const string NoProfile = "This is no configuration profile";

    /// <summary>The profile as iPads take it: as it came, but DER where it was PEM or S/MIME, and UTF-8 where it was UTF-16.</summary>
    /// <param name="given">Not empty.</param>
    /// <param name="mayEnrol">It is for an iPad that has just been erased, which may be told how to enrol.</param>
    /// <param name="root">What is in it.</param>
    /// <exception cref="ProfileException"/>
    public static byte[] Accept(byte[] given, bool mayEnrol, out PlistDictionary root)
    {
        var profile = Unwrap(given);
        var content = profile is [Sequence, ..] ? SignedContent(profile) : profile;
        try
        {
            root = PlistReader.ReadDictionary(content, PlistLimits.Admin);
        }
        catch (PlistFormatException wrong)
        {
            throw new ProfileException($"{NoProfile}: {wrong.Message}");
        }

        CheckRoot(root, mayEnrol);
        return profile;
    }

    /// <summary>Whether a property list is a profile, and so no command.</summary>
    public static bool IsProfile(PlistDictionary root) => root.GetString("PayloadType") == Configuration;

    private static void CheckRoot(PlistDictionary root, bool mayEnrol)
    {
        if (root.GetString("PayloadType") != Configuration)
            throw new ProfileException($"{NoProfile}: PayloadType must be Configuration.");
        CheckPayload(root, "");
        if (!mayEnrol && root.GetString("PayloadIdentifier")!.Trim().Equals(EnrolmentProfile.Identifier, StringComparison.OrdinalIgnoreCase))
        {
            throw new ProfileException(
                $"PayloadIdentifier is {EnrolmentProfile.Identifier}, the iPad's enrolment with this server. The profile would replace it. Give it another PayloadIdentifier. To renew the iPad's certificate, send its enrolment profile in a property list that is marked raw.",
                endsEnrolment: true);
        }

        if (!root.TryGetValue("PayloadContent", out var content))
            return;
        if (content is not PlistArray payloads)
            throw new ProfileException($"PayloadContent must be an array of payloads, and is <{content.ElementName}>.");
        for (var index = 0; index < payloads.Count; index++)
        {
            var place = $"PayloadContent[{index}]";
            if (payloads[index] is not PlistDictionary payload)
                throw new ProfileException($"{place} must be a dictionary, and is <{payloads[index].ElementName}>.");
            CheckPayload(payload, place + ".");
            if (!mayEnrol && payload.GetString("PayloadType")!.Trim().Equals(MdmPayload, StringComparison.OrdinalIgnoreCase))
            {
                throw new ProfileException(
                    $"{place} has the PayloadType {MdmPayload}: it would put the iPad under another management. iPads refuse a second one, and this server would lose them.",
                    endsEnrolment: true);
            }
        }
    }

    private static void CheckPayload(PlistDictionary payload, string place)
    {
        foreach (var key in (ReadOnlySpan<string>)["PayloadType", "PayloadIdentifier", "PayloadUUID"])
        {
            if (!payload.TryGetValue(key, out var node))
                throw new ProfileException($"{place}{key} is missing.");
            if (node is not PlistString { Value: var text } || string.IsNullOrWhiteSpace(text))
                throw new ProfileException($"{place}{key} must be a text that is not empty.");
        }

        if (!payload.TryGetValue("PayloadVersion", out var version))
            throw new ProfileException($"{place}PayloadVersion is missing.");
        if (version is not PlistInteger)
            throw new ProfileException($"{place}PayloadVersion must be an integer, as 1.");
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
        if (trimmed.StartsWith("-----BEGIN"u8))
            return FromPem(Encoding.Latin1.GetString(trimmed));
        var text = Encoding.Latin1.GetString(trimmed[..Math.Min(trimmed.Length, "Content-Transfer-Encoding:".Length)]);
        return text.StartsWith("MIME-Version:", StringComparison.OrdinalIgnoreCase) || text.StartsWith("Content-", StringComparison.OrdinalIgnoreCase)
            ? FromSmime(Encoding.Latin1.GetString(trimmed))
            : given is [Sequence, ..] || PlistReader.IsBinary(given) || given.AsSpan().StartsWith("\uFEFF<"u8) ? given
            : throw new ProfileException($"{NoProfile}: it begins with neither '<' nor bplist00. A .mobileconfig file is a property list, or one that is signed as CMS.");
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
            throw new ProfileException($"{NoProfile}: it begins as PEM, and is damaged.");
        var label = text[fields.Label];
        return label is "PKCS7" or "CMS" or "PKCS #7 SIGNED DATA"
            ? Convert.FromBase64String(text[fields.Base64Data])
            : throw new ProfileException($"{NoProfile}: it is PEM of the kind {PlistText.Excerpt(label)}. A signed profile as PEM is PKCS7 or CMS; DER is taken too.");
    }

    private static byte[] FromSmime(string text)
    {
        text = text.ReplaceLineEndings("\n");
        var blank = text.IndexOf("\n\n", StringComparison.Ordinal);
        var headers = blank < 0 ? text : text[..blank];
        if (headers.Contains("multipart/", StringComparison.OrdinalIgnoreCase))
        {
            throw new ProfileException(
                $"{NoProfile}: it is an S/MIME mail whose signature stands beside the profile. Sign it so that the signature holds the profile: openssl smime -sign -nodetach -outform der.");
        }

        var bytes = new byte[text.Length];
        return blank > 0 && headers.Contains("pkcs7-mime", StringComparison.OrdinalIgnoreCase) && headers.Contains("base64", StringComparison.OrdinalIgnoreCase)
            && Convert.TryFromBase64String(text[blank..].Trim(), bytes, out var length) && length > 0
            ? bytes[..length]
            : throw new ProfileException($"{NoProfile}: it is a MIME mail that is not understood. Send the signed profile as DER: openssl smime -sign -nodetach -outform der.");
    }

    private static byte[] SignedContent(byte[] profile)
    {
        var cms = new SignedCms();
        try
        {
            cms.Decode(profile);
        }
        catch (CryptographicException)
        {
            throw new ProfileException("This is neither a property list nor one signed as CMS. A certificate, a ZIP archive or an encrypted file is no profile.");
        }

        return cms.ContentInfo.Content is { Length: > 0 } content
            ? content
            : throw new ProfileException($"{NoProfile}: it is a signature without the profile in it. Sign it so that the signature holds the profile: openssl smime -sign -nodetach -outform der.");
    }
}
