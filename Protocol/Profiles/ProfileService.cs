using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Profiles;

/// <summary>
/// A <c>Profile Service</c> profile: it asks an iPad to say who it is, signed with its device certificate, and to install what it is answered
/// (Apple, "Over-the-Air Profile Delivery and Configuration").
/// </summary>
public sealed record ProfileService
{
    public const string Identifier = "com.fleetmdm.enrolment.request";

    /// <summary>What the iPad is asked to tell. A real one leaves out what it does not have.</summary>
    public static readonly IReadOnlyList<string> Attributes = ["UDID", "SERIAL", "PRODUCT", "VERSION", "DEVICE_NAME", "IMEI", "MEID"];

    /// <summary>Where the iPad posts its answer.</summary>
    public required Uri Url { get; init; }

    public required string Organization { get; init; }

    /// <summary>It comes back in the answer; a secret.</summary>
    public required string Challenge { get; init; }

    public Guid Uuid { get; init; } = Guid.NewGuid();

    /// <summary>XML, not signed. It is no <c>Configuration</c>: the payload stands at the top.</summary>
    public byte[] ToBytes() => PlistWriter.ToBytes(new PlistDictionary
    {
        ["PayloadType"] = "Profile Service",
        ["PayloadVersion"] = 1,
        ["PayloadIdentifier"] = Identifier,
        ["PayloadUUID"] = Payload.Format(Uuid),
        ["PayloadDisplayName"] = $"{Organization}: device management",
        ["PayloadDescription"] = $"Asks this iPad who it is, and puts it under the management of {Organization}.",
        ["PayloadOrganization"] = Organization,
        ["PayloadContent"] = new PlistDictionary
        {
            ["URL"] = Url.AbsoluteUri,
            ["DeviceAttributes"] = PlistArray.OfStrings(Attributes),
            ["Challenge"] = Challenge,
        },
    });

    /// <summary>Without the challenge.</summary>
    public override string ToString() => $"ProfileService {{ Url = {Url} }}";
}

/// <summary>What an iPad answers to a <see cref="ProfileService"/>. Nothing in it is proved by itself.</summary>
public sealed record ProfileServiceAnswer
{
    private const int LongestText = 1_000;

    public string? Udid { get; init; }
    public string? SerialNumber { get; init; }
    public string? ProductName { get; init; }
    public string? Version { get; init; }
    public string? Challenge { get; init; }

    /// <exception cref="PlistFormatException">Not a property list, or its keys are of other types.</exception>
    public static ProfileServiceAnswer Read(byte[] content)
    {
        var answer = PlistReader.ReadDictionary(content, PlistLimits.Device);
        return new ProfileServiceAnswer
        {
            Udid = Text("UDID"),
            SerialNumber = Text("SERIAL"),
            ProductName = Text("PRODUCT"),
            Version = Text("VERSION"),
            Challenge = Text("CHALLENGE"),
        };

        string? Text(string key) => answer.GetString(key) is { Length: <= LongestText } text ? text : null;
    }

    /// <summary>Without the challenge.</summary>
    public override string ToString() => $"ProfileServiceAnswer {{ SerialNumber = {SerialNumber} }}";
}
