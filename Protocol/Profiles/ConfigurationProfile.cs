using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Profiles;

/// <summary>
/// A configuration profile: the top-level <c>Configuration</c> payload and what it holds
/// (developer.apple.com/documentation/devicemanagement/toplevel).
/// </summary>
public sealed record ConfigurationProfile
{
    public const string ContentType = "application/x-apple-aspen-config";

    /// <summary>A profile with the identifier of an installed one replaces it.</summary>
    public required string Identifier { get; init; }

    /// <summary>New for each edition of the profile.</summary>
    public Guid Uuid { get; init; } = Guid.NewGuid();

    /// <summary>What the iPad shows as the profile's name.</summary>
    public required string DisplayName { get; init; }

    public string? Description { get; init; }

    public string? Organization { get; init; }

    /// <summary>Installed in this order within their kind: certificates come before what needs them.</summary>
    public required IReadOnlyList<Payload> Payloads { get; init; }

    public PlistDictionary ToPlist()
    {
        var profile = new PlistDictionary
        {
            ["PayloadType"] = "Configuration",
            ["PayloadVersion"] = 1,
            ["PayloadIdentifier"] = Identifier,
            ["PayloadUUID"] = Payload.Format(Uuid),
            ["PayloadDisplayName"] = DisplayName,
        };
        if (Description is not null)
            profile["PayloadDescription"] = Description;
        if (Organization is not null)
            profile["PayloadOrganization"] = Organization;
        profile["PayloadContent"] = new PlistArray(Payloads.Select(payload => payload.ToPlist(Identifier)));
        return profile;
    }

    /// <summary>XML, not signed.</summary>
    public byte[] ToBytes() => PlistWriter.ToBytes(ToPlist());
}
