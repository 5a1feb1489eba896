using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Profiles;

/// <summary>What holds an iPad in an exam. Whoever asks names those that are true.</summary>
/// <param name="Key">In the payload.</param>
/// <param name="ByUser">The person at the iPad may switch it; otherwise it is so.</param>
public sealed record ExamOption(string Name, string Key, bool ByUser, string Words);

/// <summary>
/// The profile that holds an iPad in an exam. Each exam has an identifier of its own, so that nothing else replaces or removes it. It has an end: an iPad that never comes to the
/// server again lets go by itself.
/// <see href="https://developer.apple.com/documentation/devicemanagement/applock"/>
/// </summary>
public static class ExamProfile
{
    public const string AppLock = "com.apple.app.lock";

    /// <summary>An iPad that does not come to the server any more removes the lock by itself, so long after the end: time enough for a release to arrive, or for a later end.</summary>
    public static readonly TimeSpan FreesItselfAfter = TimeSpan.FromMinutes(15);

    private const string Restrictions = "com.apple.applicationaccess";
    private const string Prefix = "com.fleetmdm.exam.";
    private const string RemovalDate = "RemovalDate";
    private const string AllowedApps = "allowListedAppBundleIDs";

    /// <summary>The options of App Lock that matter in an exam.</summary>
    public static IReadOnlyList<ExamOption> Options { get; } =
    [
        new("disableAutoLock", "DisableAutoLock", false, "The screen stays on"),
        new("disableSleepWakeButton", "DisableSleepWakeButton", false, "The top button does nothing"),
        new("disableVolumeButtons", "DisableVolumeButtons", false, "The volume buttons do nothing"),
        new("disableDeviceRotation", "DisableDeviceRotation", false, "The picture does not turn with the iPad"),
        new("allowVoiceOver", "VoiceOver", true, "The pupil may switch on VoiceOver"),
        new("allowZoom", "Zoom", true, "The pupil may switch on Zoom"),
        new("allowInvertColors", "InvertColors", true, "The pupil may invert colours"),
        new("allowAssistiveTouch", "AssistiveTouch", true, "The pupil may switch on AssistiveTouch"),
        new("enableSpeakSelection", "EnableSpeakSelection", false, "What is selected can be read aloud"),
    ];

    /// <summary>What RemoveProfile names, and what the iPad lists.</summary>
    public static string IdentifierOf(string examId) => Prefix + examId;

    /// <summary>Null: it is not of an exam.</summary>
    public static string? ExamOf(string? identifier) => identifier is not null && identifier.StartsWith(Prefix, StringComparison.Ordinal) ? identifier[Prefix.Length..] : null;

    /// <summary>Without its end.</summary>
    /// <param name="options">Names of <see cref="Options"/>.</param>
    public static PlistDictionary OfApp(string examId, string name, string bundleId, IReadOnlyCollection<string> options)
    {
        var app = new PlistDictionary { ["Identifier"] = bundleId };
        foreach (var (key, byUser) in new[] { ("Options", false), ("UserEnabledOptions", true) })
        {
            var chosen = new PlistDictionary();
            foreach (var option in Options.Where(option => option.ByUser == byUser && options.Contains(option.Name))) chosen[option.Key] = true;
            if (chosen.Count > 0) app[key] = chosen;
        }

        return Of(examId, name, Payload(examId, "lock", AppLock, ("App", app)));
    }

    /// <summary>Without its end. No other apps can be opened, or seen.</summary>
    public static PlistDictionary OfApps(string examId, string name, IReadOnlyList<string> bundleIds) =>
        Of(examId, name, Payload(examId, "apps", Restrictions, (AllowedApps, new PlistArray(bundleIds.Select(id => (PlistNode)id)))));

    /// <summary>The payloads of a profile of the library, under the exam's own identifier. Without its end.</summary>
    public static PlistDictionary OfLibrary(string examId, string name, PlistDictionary profile)
    {
        var own = PlistReader.ReadDictionary(PlistWriter.ToBytes(profile), PlistLimits.Admin);
        foreach (var key in new[] { RemovalDate, "DurationUntilRemoval", "HasRemovalPasscode", "PayloadExpirationDate" }) own.Remove(key);
        own["PayloadIdentifier"] = IdentifierOf(examId);
        own["PayloadDisplayName"] = name;
        return own;
    }

    /// <summary>As it goes to iPads.</summary>
    /// <param name="profile">Without its end, as bytes.</param>
    /// <param name="revision">Of the lock: the iPad takes one with another end in place of the one that it has.</param>
    /// <param name="removal">When the iPad removes it by itself.</param>
    public static byte[] Ending(byte[] profile, string examId, int revision, DateTimeOffset removal)
    {
        var root = PlistReader.ReadDictionary(profile, PlistLimits.Admin);
        root["PayloadUUID"] = LibraryProfile.UuidOf(examId, revision);
        root[RemovalDate] = DateTimeOffset.FromUnixTimeSeconds(removal.ToUnixTimeSeconds());
        return PlistWriter.ToBytes(root);
    }

    /// <summary>What it asks of an iPad: one that does not meet it would not be held.</summary>
    public static IReadOnlyList<Requirement> Needs(PlistDictionary profile)
    {
        var needs = CommandFitness.OfProfile(profile);
        return [.. CommandFitness.OfInstallation(needs), .. needs.Keys.Where(one => one.What.Contains(AllowedApps, StringComparison.Ordinal))];
    }

    private static PlistDictionary Of(string examId, string name, PlistDictionary payload) => new()
    {
        ["PayloadType"] = "Configuration",
        ["PayloadVersion"] = 1,
        ["PayloadIdentifier"] = IdentifierOf(examId),
        ["PayloadUUID"] = LibraryProfile.UuidOf(examId, 1),
        ["PayloadDisplayName"] = name,
        ["PayloadContent"] = new PlistArray([payload]),
    };

    private static PlistDictionary Payload(string examId, string part, string type, (string Key, PlistNode Value) content) => new()
    {
        ["PayloadType"] = type,
        ["PayloadVersion"] = 1,
        ["PayloadIdentifier"] = $"{IdentifierOf(examId)}.{part}",
        ["PayloadUUID"] = LibraryProfile.UuidOf($"{examId}/{part}", 1),
        ["PayloadDisplayName"] = "Exam",
        [content.Key] = content.Value,
    };
}
