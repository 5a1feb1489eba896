using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Profiles;

/// <summary>One part of a profile (developer.apple.com/documentation/devicemanagement/commonpayloadkeys).</summary>
public abstract record Payload
{
    public abstract string Type { get; }

    /// <summary>The last part of the identifier, unique in its profile, as in <c>scep</c>.</summary>
    public required string Name { get; init; }

    /// <summary>What other payloads of the profile refer to.</summary>
    public Guid Uuid { get; init; } = Guid.NewGuid();

    public required string DisplayName { get; init; }

    internal PlistDictionary ToPlist(string profileIdentifier)
    {
        var payload = new PlistDictionary
        {
            ["PayloadType"] = Type,
            ["PayloadVersion"] = 1,
            ["PayloadIdentifier"] = $"{profileIdentifier}.{Name}",
            ["PayloadUUID"] = Format(Uuid),
            ["PayloadDisplayName"] = DisplayName,
        };
        Fill(payload);
        return payload;
    }

    protected abstract void Fill(PlistDictionary payload);

    internal static string Format(Guid uuid) => uuid.ToString("D").ToUpperInvariant();
}
