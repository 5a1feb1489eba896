using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.SharedIPads;

/// <summary>Reads what an iPad answers to Settings: it acknowledges the command, and says of each item whether it took it.</summary>
public static class SettingsAnswer
{
    private const int LongestSummary = 400;

    /// <param name="report">The whole answer.</param>
    /// <returns>Why the iPad did not take an item; null: it took all, or said nothing that can be read.</returns>
    public static string? Refusal(byte[] report)
    {
        if (report.Length == 0) return null;
        PlistDictionary answer;
        try
        {
            answer = PlistReader.ReadDictionary(report, PlistLimits.ForBytes(report.Length));
        }
        catch (FormatException)
        {
            return null;
        }

        foreach (var item in (answer.GetArray("Settings") ?? []).OfType<PlistDictionary>())
        {
            if (item.GetString("Status") is null or "Acknowledged") continue;
            var error = (item.GetArray("ErrorChain") ?? []).OfType<PlistDictionary>().FirstOrDefault();
            var summary = error is null
                ? "The iPad refused it, and did not say why."
                : new CommandError(error.GetString("ErrorDomain"), error.GetInteger("ErrorCode"), error.GetString("LocalizedDescription"), error.GetString("USEnglishDescription")).Summary;
            return PlistText.Cut($"{item.GetString("Item")}: {summary}", LongestSummary);
        }

        return null;
    }
}
