using FleetMdm.Protocol.Profiles;

namespace FleetMdm.Api.Profiles;

/// <summary>Words of the pages of profiles.</summary>
internal static class ProfileWords
{
    /// <summary>As in <c>Wi-Fi (2), Restrictions</c>.</summary>
    public static string Payloads(IReadOnlyList<ProfilePayloadView> payloads) => payloads.Count == 0
        ? "nothing"
        : string.Join(", ", payloads.GroupBy(payload => payload.Label).Select(group => group.Count() == 1 ? group.Key : $"{group.Key} ({group.Count()})"));

    public static string Kind(ProfileSummary profile) => string.Join(", ", new[]
    {
        profile.Signed ? "signed" : null, profile.Variables.Count > 0 ? "with variables" : null, profile.HasSecrets ? "with secrets" : null, profile.Public ? "public" : null,
    }.OfType<string>()) is { Length: > 0 } kind ? kind : "–";

    public static string State(string state) => Enum.TryParse<Storage.Profiles.ProfileState>(state, ignoreCase: true, out var known) ? ProfileStates.InWords(known) : state;

    /// <summary>The colour of a state: a word for <see cref="Console.Badge"/> is another.</summary>
    public static string Colour(string state) => state switch
    {
        "installed" => "good",
        "onItsWay" or "beingRemoved" or "otherVersion" => "warn",
        "failed" or "notSent" or "removedOnDevice" or "removalFailed" => "bad",
        _ => "",
    };

    public static string Severity(ProfileSeverity severity) => severity switch
    {
        ProfileSeverity.Refused => "Refused",
        ProfileSeverity.Warning => "Look at this",
        _ => "Good to know",
    };
}
