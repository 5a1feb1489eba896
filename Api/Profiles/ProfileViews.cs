using System.Globalization;
using System.Text.Json;
using FleetMdm.Api.Operations;
using FleetMdm.Api.Rest;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.Profiles;
using FleetMdm.Storage.Profiles;

namespace FleetMdm.Api.Profiles;

/// <summary>A profile, built from JSON.</summary>
public sealed record ProfileRequest
{
    /// <summary>Apple's keys as Apple writes them; the payloads stand in PayloadContent, data is Base64. GET /api/v1/payload-types has a schema of each payload.</summary>
    public required JsonElement Profile { get; init; }
    /// <summary>Why, for the list of versions. At most 500 characters.</summary>
    public string? Note { get; init; }
}

/// <summary>Goes back to an old version.</summary>
public sealed record ProfileRestoreRequest
{
    /// <summary>Why, for the list of versions. At most 500 characters.</summary>
    public string? Note { get; init; }
}

/// <summary>A profile of the library in a list.</summary>
public record ProfileSummary
{
    /// <summary>Lower-case UUID.</summary>
    public required string Id { get; init; }
    /// <summary>The PayloadIdentifier. On an iPad, a profile with the same one is replaced.</summary>
    public required string Identifier { get; init; }
    public required string Name { get; init; }
    public string? Description { get; init; }
    /// <summary>The newest version.</summary>
    public required int Version { get; init; }
    /// <summary>It came signed, and is sent as it is.</summary>
    public required bool Signed { get; init; }
    /// <summary>Passwords, keys and the like are in it. They are never shown.</summary>
    public required bool HasSecrets { get; init; }
    /// <summary>Each iPad gets its own values of these.</summary>
    public required IReadOnlyList<string> Variables { get; init; }
    public required IReadOnlyList<ProfilePayloadView> Payloads { get; init; }
    /// <summary>In bytes.</summary>
    public required int Size { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    /// <summary>When the newest version was made.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }
    public required string UpdatedBy { get; init; }
    /// <summary>Everybody who has its link can get it.</summary>
    public required bool Public { get; init; }

    internal static ProfileSummary Of(ProfileRow row) => new()
    {
        Id = row.Id,
        Identifier = row.Identifier,
        Name = row.Newest.Name,
        Description = row.Newest.Description,
        Version = row.Newest.Version,
        Signed = row.Newest.Signed,
        HasSecrets = row.Newest.HasSecrets,
        Variables = row.Newest.Variables,
        Payloads = [.. row.Newest.Payloads.Select(ProfilePayloadView.Of)],
        Size = row.Newest.Size,
        CreatedAt = row.CreatedAt,
        CreatedBy = row.CreatedBy,
        UpdatedAt = row.Newest.CreatedAt,
        UpdatedBy = row.Newest.CreatedBy,
        Public = row.LinkedAt is not null,
    };
}

/// <summary>A payload of a profile, without its settings.</summary>
/// <param name="Type">As in com.apple.wifi.managed.</param>
/// <param name="Label">For people, as in Wi-Fi.</param>
/// <param name="Identifier">Its PayloadIdentifier.</param>
/// <param name="Name">Its PayloadDisplayName.</param>
public sealed record ProfilePayloadView(string Type, string Label, string Identifier, string? Name)
{
    internal static ProfilePayloadView Of(ProfilePart part) => new(part.Type, LabelOf(part.Type), part.Identifier, part.Name);

    private static string LabelOf(string type) => AppleCatalogue.Instance.Payloads.ContainsKey(type) ? CatalogueTexts.English.Payload(type).Label : type;
}

/// <summary>A profile of the library with what is in it.</summary>
public sealed record ProfileView : ProfileSummary
{
    /// <summary>The newest version, with Apple's keys. In the place of each secret stands (hidden): sent back so, the secret stays as it is.</summary>
    public required JsonElement Profile { get; init; }
    /// <summary>How it stands on the enrolled iPads that were sent it.</summary>
    public required IReadOnlyList<ProfileCountView> IPads { get; init; }

    internal static ProfileView Of(ProfileRow row, PlistDictionary root, IReadOnlyList<ProfileCount> counts)
    {
        var summary = ProfileSummary.Of(row);
        return new ProfileView
        {
            Id = summary.Id,
            Identifier = summary.Identifier,
            Name = summary.Name,
            Description = summary.Description,
            Version = summary.Version,
            Signed = summary.Signed,
            HasSecrets = summary.HasSecrets,
            Variables = summary.Variables,
            Payloads = summary.Payloads,
            Size = summary.Size,
            CreatedAt = summary.CreatedAt,
            CreatedBy = summary.CreatedBy,
            UpdatedAt = summary.UpdatedAt,
            UpdatedBy = summary.UpdatedBy,
            Public = summary.Public,
            Profile = ProfileVersionView.Shown(root),
            IPads = [.. counts.Select(ProfileCountView.Of)],
        };
    }
}

/// <summary>How many iPads have a profile in one state.</summary>
public sealed record ProfileCountView
{
    /// <summary>onItsWay, beingRemoved, failed, notSent, installed, otherVersion, removedOnDevice, removalFailed or removed.</summary>
    [OneOf("onItsWay", "beingRemoved", "failed", "notSent", "installed", "otherVersion", "removedOnDevice", "removalFailed", "removed")]
    public required string State { get; init; }
    public required long Count { get; init; }
    /// <summary>How many of them were last sent an older version than the newest.</summary>
    public required long Outdated { get; init; }

    internal static ProfileCountView Of(ProfileCount count) => new() { State = ProfileStates.NameOf(count.State), Count = count.Count, Outdated = count.Outdated };
}

/// <summary>A version of a profile. It never changes.</summary>
public record ProfileVersionSummary
{
    public required int Version { get; init; }
    /// <summary>The PayloadUUID, by which an iPad's list of profiles tells this version.</summary>
    public required string Uuid { get; init; }
    public required string Name { get; init; }
    public required bool Signed { get; init; }
    public required bool HasSecrets { get; init; }
    public required IReadOnlyList<string> Variables { get; init; }
    public required IReadOnlyList<ProfilePayloadView> Payloads { get; init; }
    /// <summary>In bytes.</summary>
    public required int Size { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    public string? Note { get; init; }
    /// <summary>The version that it has the content of, when somebody went back to it.</summary>
    public int? RestoredFrom { get; init; }

    internal static ProfileVersionSummary Of(ProfileVersionRow row) => new()
    {
        Version = row.Version,
        Uuid = row.Uuid,
        Name = row.Name,
        Signed = row.Signed,
        HasSecrets = row.HasSecrets,
        Variables = row.Variables,
        Payloads = [.. row.Payloads.Select(ProfilePayloadView.Of)],
        Size = row.Size,
        CreatedAt = row.CreatedAt,
        CreatedBy = row.CreatedBy,
        Note = row.Note,
        RestoredFrom = row.RestoredFrom,
    };
}

/// <summary>A version of a profile with what is in it.</summary>
public sealed record ProfileVersionView : ProfileVersionSummary
{
    /// <summary>With Apple's keys. In the place of each secret stands (hidden).</summary>
    public required JsonElement Profile { get; init; }

    internal static ProfileVersionView Of(ProfileVersionRow row, PlistDictionary root)
    {
        var summary = ProfileVersionSummary.Of(row);
        return new ProfileVersionView
        {
            Version = summary.Version,
            Uuid = summary.Uuid,
            Name = summary.Name,
            Signed = summary.Signed,
            HasSecrets = summary.HasSecrets,
            Variables = summary.Variables,
            Payloads = summary.Payloads,
            Size = summary.Size,
            CreatedAt = summary.CreatedAt,
            CreatedBy = summary.CreatedBy,
            Note = summary.Note,
            RestoredFrom = summary.RestoredFrom,
            Profile = Shown(root),
        };
    }

    /// <summary>A profile for people: without its secrets.</summary>
    internal static JsonElement Shown(PlistDictionary root)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream)) PlistJson.Write(writer, ProfileSecrets.Hide(root));
        using var document = JsonDocument.Parse(stream.GetBuffer().AsMemory(0, (int)stream.Length), new JsonDocumentOptions { MaxDepth = PlistLimits.HighestDepth + 2 });
        return document.RootElement.Clone();
    }
}

/// <summary>A profile was saved.</summary>
public sealed record ProfileSaved
{
    public required string Id { get; init; }
    public required string Identifier { get; init; }
    public required string Name { get; init; }
    public required int Version { get; init; }
    /// <summary>It is as it was before: no version was made.</summary>
    public required bool Unchanged { get; init; }
    /// <summary>What is odd in it and was taken all the same, and what is good to know; the worst first.</summary>
    public required IReadOnlyList<ProfileWarning> Warnings { get; init; }
}

/// <summary>Something that was found in a profile.</summary>
/// <param name="Field">The place in the profile, as in PayloadContent[0].SSID_STR; empty: the whole.</param>
/// <param name="Message">What it is.</param>
/// <param name="Code">Its stable name, as in unknownKey. docs/profile-checks.md lists them.</param>
/// <param name="Severity">warning: it may not do what was meant. told: good to know. refused: because of this the profile was not taken.</param>
public sealed record ProfileWarning(string Field, string Message, string Code, [property: OneOf("told", "warning", "refused")] string Severity)
{
    internal static ProfileWarning Of(ProfileFinding finding) => new(finding.Path, finding.Message, finding.Code, finding.Severity switch
    {
        ProfileSeverity.Note => "told",
        ProfileSeverity.Warning => "warning",
        _ => "refused",
    });
}

/// <summary>A key that two versions have differently.</summary>
/// <param name="Path">Payloads go by their identifiers, as in PayloadContent[org.example.wifi.1].SSID_STR.</param>
/// <param name="Change">added, removed or changed.</param>
/// <param name="From">The value before, in one line of at most 200 characters; null: there was none.</param>
/// <param name="To">The value after.</param>
/// <param name="Secret">The values are not shown.</param>
public sealed record ProfileDifferenceView(string Path, [property: OneOf("added", "removed", "changed")] string Change, string? From, string? To, bool Secret)
{
    internal static ProfileDifferenceView Of(ProfileDifference difference) => new(
        difference.Path,
        difference.From is null ? "added" : difference.To is null ? "removed" : "changed",
        difference.From is { } from ? ProfileComparison.InWords(from) : null,
        difference.To is { } to ? ProfileComparison.InWords(to) : null,
        difference.Secret);
}

/// <summary>Two versions of a profile, compared.</summary>
public sealed record ProfileComparisonView
{
    public required int From { get; init; }
    public required int To { get; init; }
    public required IReadOnlyList<ProfileDifferenceView> Differences { get; init; }
}

/// <summary>A profile was deleted from the library.</summary>
public sealed record ProfileDeleted
{
    public required string Id { get; init; }
    public required string Identifier { get; init; }
    /// <summary>How many iPads keep it installed, or lose it by the operation.</summary>
    public required long IPads { get; init; }
    /// <summary>The operation that removes it from them; null: it stays.</summary>
    public string? OperationId { get; init; }
}

/// <summary>Which iPads: exactly one of the four.</summary>
public sealed record ProfileTargetRequest
{
    /// <summary>true: every enrolled iPad.</summary>
    public bool? All { get; init; }
    /// <summary>1 to 100000 enrolment ids.</summary>
    public IReadOnlyList<string>? Ids { get; init; }
    /// <summary>All that it finds. It must have at least one part.</summary>
    public DeviceFilterRequest? Filter { get; init; }
    /// <summary>true: every iPad that was sent this profile by the library, and from which it was not removed since.</summary>
    public bool? Holders { get; init; }
}

/// <summary>Installs a profile of the library on iPads, or removes it.</summary>
public sealed record ProfileSendRequest
{
    public required ProfileTargetRequest Target { get; init; }
    /// <summary>Which version to install; the newest when absent.</summary>
    public int? Version { get; init; }
    /// <summary>From when on it is not delivered any more.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }
    /// <summary>The same, 1 to 8760 hours from now.</summary>
    public int? ExpiresInHours { get; init; }
    /// <summary>false: wake nobody; each gets it when it next comes.</summary>
    /// <remarks>Settable: for an init property the serializer's generated code would put false where the field is absent.</remarks>
    public bool Push { get; set; } = true;
    /// <summary>For how many iPads it must be, or it is not started.</summary>
    public long? Expected { get; init; }
    /// <summary>true: also on iPads that would refuse it, by what is known of them. Otherwise they are left out and named.</summary>
    public bool? Force { get; init; }
    /// <summary>What a dry run of the same request returned. To remove it from more than one iPad needs it; an installation may have it.</summary>
    public string? Confirmation { get; init; }
    /// <summary>How it begins. Absent: on all at once.</summary>
    public OperationPaceRequest? Pace { get; init; }
}

/// <summary>A profile of the library on one iPad.</summary>
public sealed record ProfileStandingView
{
    public required string ProfileId { get; init; }
    public required string Identifier { get; init; }
    public required string Name { get; init; }
    /// <summary>The enrolment's id.</summary>
    public required string DeviceId { get; init; }
    public string? DeviceName { get; init; }
    public string? SerialNumber { get; init; }
    /// <inheritdoc cref="ProfileCountView.State"/>
    [OneOf("onItsWay", "beingRemoved", "failed", "notSent", "installed", "otherVersion", "removedOnDevice", "removalFailed", "removed")]
    public required string State { get; init; }
    /// <summary>The state in a sentence.</summary>
    public required string Explanation { get; init; }
    /// <summary>The version that was sent last: the one that should be there.</summary>
    public required int Version { get; init; }
    /// <summary>The newest of the library.</summary>
    public required int NewestVersion { get; init; }
    /// <summary>The version that the iPad listed last; null: none, or none of the library.</summary>
    public int? ListedVersion { get; init; }
    /// <summary>When the iPad last listed its profiles.</summary>
    public DateTimeOffset? ListedAt { get; init; }
    /// <summary>Payloads of the version that was sent which the iPad does not list. Only where it lists this version.</summary>
    public required IReadOnlyList<ProfilePayloadView> MissingPayloads { get; init; }
    public required string CommandUuid { get; init; }
    public required DateTimeOffset ChangedAt { get; init; }
    /// <summary>Why it failed or ended.</summary>
    public string? Reason { get; init; }

    internal static ProfileStandingView Of(ProfileStanding standing) => new()
    {
        ProfileId = standing.ProfileId,
        Identifier = standing.Identifier,
        Name = standing.Name,
        DeviceId = standing.DeviceId,
        DeviceName = standing.DeviceName,
        SerialNumber = standing.SerialNumber,
        State = ProfileStates.NameOf(standing.State),
        Explanation = ProfileStates.Explain(standing),
        Version = standing.Version,
        NewestVersion = standing.NewestVersion,
        ListedVersion = standing.ToldVersion,
        ListedAt = standing.ToldAt,
        MissingPayloads = Missing(standing),
        CommandUuid = standing.CommandUuid,
        ChangedAt = standing.ChangedAt,
        Reason = standing.State == ProfileState.Installed ? null : standing.Reason,
    };

    /// <summary>What was sent and is not listed.</summary>
    private static List<ProfilePayloadView> Missing(ProfileStanding standing)
    {
        if (standing.State != ProfileState.Installed || standing.ToldDetails is null || standing.ToldVersion != standing.Version) return [];
        using var details = JsonDocument.Parse(standing.ToldDetails);
        if (!details.RootElement.TryGetProperty("payloads", out var listed) || listed.ValueKind != JsonValueKind.Array || listed.GetArrayLength() == 0) return [];
        var there = listed.EnumerateArray()
            .Select(payload => payload.TryGetProperty("payloadIdentifier", out var identifier) ? identifier.GetString() : null)
            .OfType<string>().ToHashSet(StringComparer.Ordinal);
        // An iPad that does not tell identifiers tells nothing that can be compared.
        return there.Count == 0 ? [] : [.. standing.Payloads.Where(part => !there.Contains(part.Identifier)).Select(ProfilePayloadView.Of)];
    }
}

/// <summary>Makes a profile public.</summary>
public sealed record ProfileLinkRequest
{
    /// <summary>true: although everybody who has the link can then read the profile's secrets.</summary>
    public bool SecretsToo { get; init; }
}

/// <summary>Offers a profile to people who sign in for themselves.</summary>
public sealed record ProfileOfferRequest
{
    /// <summary>pupils, teachers and staff, each or none.</summary>
    public required IReadOnlyList<string> To { get; init; }
    /// <summary>true: although they can then read the profile's secrets.</summary>
    public bool SecretsToo { get; init; }
}

/// <summary>To whom a profile is offered.</summary>
public sealed record ProfileOfferView
{
    /// <summary>pupils, teachers and staff, each or none.</summary>
    public required IReadOnlyList<string> To { get; init; }
    /// <summary>They may have the secrets in it.</summary>
    public required bool Secrets { get; init; }

    internal static readonly (OfferedTo People, string Name, string Words)[] All =
        [(OfferedTo.Pupils, "pupils", "Pupils"), (OfferedTo.Teachers, "teachers", "Teachers"), (OfferedTo.Staff, "staff", "Staff")];

    internal static ProfileOfferView Of(ProfileRow row) =>
        new() { To = [.. All.Where(one => row.OfferedTo.HasFlag(one.People)).Select(one => one.Name)], Secrets = row.OfferedSecrets };
}

/// <summary>The link by which everybody can get a profile.</summary>
public sealed record ProfileLinkView
{
    /// <summary>To send to people. Null: the profile holds secrets, and your token may not see them.</summary>
    public required string? Url { get; init; }
    public required DateTimeOffset Since { get; init; }
    /// <summary>It may give secrets away.</summary>
    public required bool Secrets { get; init; }
}

/// <summary>The states of a profile on an iPad: their names and words.</summary>
internal static class ProfileStates
{
    public static string NameOf(ProfileState state) => JsonNamingPolicy.CamelCase.ConvertName(state.ToString());

    public static ProfileState? Read(string field, string? name) => Text.Name<ProfileState>(field, name);

    /// <summary>For lists and badges.</summary>
    public static string InWords(ProfileState state) => state switch
    {
        ProfileState.OnItsWay => "On its way",
        ProfileState.BeingRemoved => "Being removed",
        ProfileState.Failed => "Failed",
        ProfileState.NotSent => "Not sent",
        ProfileState.Installed => "Installed",
        ProfileState.OtherVersion => "Another version",
        ProfileState.RemovedOnDevice => "Gone from the iPad",
        ProfileState.RemovalFailed => "Not removed",
        _ => "Removed",
    };

    public static string Explain(ProfileStanding standing) => standing.State switch
    {
        ProfileState.OnItsWay => $"Version {Number(standing.Version)} waits for the iPad.",
        ProfileState.BeingRemoved => "The command that removes it waits for the iPad.",
        ProfileState.Failed => $"The iPad did not install version {Number(standing.Version)}.{Because(standing)}",
        ProfileState.NotSent => $"The command ended before the iPad had version {Number(standing.Version)}.{Because(standing)}",
        ProfileState.Installed when !HasListed(standing) || standing.ToldVersion is null => $"The iPad said that it installed version {Number(standing.Version)}. It has not listed its profiles since.",
        ProfileState.Installed => $"The iPad lists version {Number(standing.Version)}.",
        ProfileState.OtherVersion when !HasListed(standing) => $"It should be version {Number(standing.Version)}.{Because(standing)}",
        ProfileState.OtherVersion when standing.ToldVersion is { } listed => $"It should be version {Number(standing.Version)}. The iPad lists version {Number(listed)}.",
        ProfileState.OtherVersion => $"It should be version {Number(standing.Version)}. The iPad lists a profile with this identifier that is not from the library.",
        ProfileState.RemovedOnDevice => $"The iPad installed version {Number(standing.Version)}, and does not list it any more. No command of this server removed it.",
        ProfileState.RemovalFailed => $"It should be removed, and is still there.{Because(standing)}",
        _ => "It was removed.",
    };

    /// <summary>After what was sent last.</summary>
    private static bool HasListed(ProfileStanding standing) => standing.ToldAt > standing.ChangedAt;

    private static string Because(ProfileStanding standing) => standing.Reason is { Length: > 0 } reason ? $" {reason}" : "";

    private static string Number(int version) => version.ToString(CultureInfo.InvariantCulture);
}
