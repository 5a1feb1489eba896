using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Mdm;

/// <summary>
/// Looks at a configuration profile that an administrator hands in, so that a wrong file is refused here and not by thousands of
/// iPads: a property list, or one signed as CMS, whose PayloadType is Configuration. Who signed it is the iPads' business.
/// </summary>
internal static class ProfileCheck
{
    /// <summary>Bytes. It travels in every delivery, and an iPad refuses what takes too long; fonts and web clips fit.</summary>
    public const int LongestProfile = 4 * 1024 * 1024;

    /// <summary>The first byte of anything in DER or BER that is a SEQUENCE, as CMS is.</summary>
    private const byte Sequence = 0x30;

    /// <summary>What is wrong with the profile, for an administrator; null: nothing.</summary>
    public static string? Objection(byte[] profile)
    {
        var content = profile;
        if (profile[0] == Sequence && (content = SignedContent(profile)) is null)
            return "This is neither a property list nor one signed as CMS.";
        try
        {
            var root = PlistReader.ReadDictionary(content, PlistLimits.Admin);
            return root.GetString("PayloadType") == "Configuration"
                ? null
                : "This is no configuration profile: PayloadType must be Configuration.";
        }
        catch (PlistFormatException wrong)
        {
            return $"This is no configuration profile: {wrong.Message}";
        }
    }

    private static byte[]? SignedContent(byte[] profile)
    {
        var cms = new SignedCms();
        try
        {
            cms.Decode(profile);
            return cms.ContentInfo.Content;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }
}
