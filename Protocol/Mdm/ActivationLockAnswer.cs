using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Mdm;

/// <summary>An iPad's answer to ActivationLockBypassCode.
/// <see href="https://developer.apple.com/documentation/devicemanagement/activationlockbypasscoderesponse"/></summary>
public static class ActivationLockAnswer
{
    public const string RequestType = "ActivationLockBypassCode";

    /// <summary>Makes the code void.</summary>
    public const string ClearRequestType = "ClearActivationLockBypassCode";

    private const int LongestCode = 128;

    /// <summary>The code; null: there is none in it. An iPad that has none leaves it out, or empty.</summary>
    public static string? Read(ReadOnlyMemory<byte> report)
    {
        try
        {
            var code = PlistReader.ReadDictionary(report, PlistLimits.Admin).GetString("ActivationLockBypassCode")?.Trim();
            return code is { Length: > 0 and <= LongestCode } && !code.Any(char.IsControl) ? code : null;
        }
        catch (PlistFormatException)
        {
            return null;
        }
    }
}
