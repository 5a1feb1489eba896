using System.Globalization;
using System.Security.Cryptography;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Identity;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.Profiles;

namespace FleetMdm.Protocol.Classroom;

/// <summary>
/// The profile by which Apple's Classroom finds its classes: the payload, the identity of this iPad, and the CAs by which iPads believe each other.
/// <see href="https://developer.apple.com/documentation/devicemanagement/educationconfiguration"/>
/// </summary>
public static class ClassroomProfile
{
    public const string PayloadType = "com.apple.education";

    /// <summary>An iPad has one payload of this type: every one of ours replaces the one before.</summary>
    public const string Identifier = "com.fleetmdm.classroom";

    private const string Pkcs12 = "com.apple.security.pkcs12";
    private const string Root = "com.apple.security.root";
    private const string Whole = "profile";
    private const int PasswordBytes = 18;

    /// <summary>Of the certificate: by the first word iPads tell teachers from pupils, whatever is written in the profile.</summary>
    public static string CommonName(bool isLeader, string userId) => $"{(isLeader ? "leader" : "member")} {userId}";

    /// <summary>What it asks of an iPad. Classroom controls supervised iPads only, and a Shared iPad has another payload, without a person.</summary>
    public static IReadOnlyList<Requirement> Needs { get; } =
    [
        .. CommandFitness.OfInstallation(CommandFitness.OfProfile(new PlistDictionary { ["PayloadContent"] = new PlistArray([new PlistDictionary { ["PayloadType"] = PayloadType }]) })),
        new Requirement(RequirementKind.Supervision, "Classroom", ""),
        new Requirement(RequirementKind.NotSharedIPad, "A person's own Classroom profile", ""),
    ];

    /// <param name="identity">Issued for <see cref="CommonName"/>, by one of the CAs of its role.</param>
    /// <param name="deviceId">Of the iPad that it is for.</param>
    /// <param name="revision">The iPad takes one with another number in place of the one that it has.</param>
    public static byte[] Build(ClassroomContent content, KeyedCertificate identity, string deviceId, int revision)
    {
        string Uuid(string part) => UuidOf(deviceId, revision, part);
        var password = Convert.ToBase64String(RandomNumberGenerator.GetBytes(PasswordBytes));
        var identityUuid = Uuid("identity");
        var payloads = new List<PlistDictionary>
        {
            Payload(Pkcs12, "identity", identityUuid, "Classroom identity", ("Password", password), ("PayloadContent", identity.ExportForProfile(password)), ("PayloadCertificateFileName", "classroom.p12")),
        };
        var leaders = Anchors("leader", content.LeaderAnchors);
        var members = Anchors("member", content.MemberAnchors);
        payloads.Add(Payload(PayloadType, "education", Uuid("education"), "Classes",
            ("OrganizationUUID", content.OrganizationUuid.ToString("D").ToUpperInvariant()),
            ("OrganizationName", Plain(content.OrganizationName)),
            ("UserIdentifier", content.UserId),
            ("PayloadCertificateUUID", identityUuid),
            ("LeaderPayloadCertificateAnchorUUID", leaders),
            ("MemberPayloadCertificateAnchorUUID", members),
            ("Groups", Groups(content)),
            ("Users", Users(content))));
        return PlistWriter.ToBytes(new PlistDictionary
        {
            ["PayloadType"] = "Configuration",
            ["PayloadVersion"] = 1,
            ["PayloadIdentifier"] = Identifier,
            ["PayloadUUID"] = Uuid(Whole),
            ["PayloadDisplayName"] = "Classroom",
            ["PayloadDescription"] = "The classes of the person who has this iPad, for Apple's Classroom.",
            ["PayloadOrganization"] = Plain(content.OrganizationName),
            ["PayloadContent"] = new PlistArray(payloads),
        });

        PlistArray Anchors(string whose, IReadOnlyList<byte[]> certificates)
        {
            var uuids = new List<PlistNode>();
            foreach (var (number, certificate) in certificates.Index())
            {
                var name = string.Create(CultureInfo.InvariantCulture, $"{whose}-ca-{number + 1}");
                uuids.Add(Uuid(name));
                payloads.Add(Payload(Root, name, Uuid(name), $"Classroom {whose} CA", ("PayloadContent", certificate), ("PayloadCertificateFileName", $"{name}.cer")));
            }

            return new PlistArray(uuids);
        }
    }

    /// <summary>Whether this is the profile of that iPad in this revision, and of nobody before.</summary>
    /// <param name="revision">Null: there is to be none.</param>
    public static bool IsOf(PlistDictionary profile, string deviceId, int? revision) => revision is { } number && profile.GetString("PayloadUUID") == UuidOf(deviceId, number, Whole);

    private static string UuidOf(string deviceId, int revision, string part) => LibraryProfile.UuidOf($"classroom/{deviceId}/{part}", revision);

    internal static PlistArray Groups(ClassroomContent content) => new(content.Groups.Select(PlistNode (group) => new PlistDictionary
    {
        ["BeaconID"] = group.Beacon,
        ["Name"] = Plain(group.Name),
        ["ConfigurationSource"] = "MDM",
        ["LeaderIdentifiers"] = new PlistArray(group.Leaders.Select(id => (PlistNode)id)),
        ["MemberIdentifiers"] = new PlistArray(group.Members.Select(id => (PlistNode)id)),
    }));

    /// <remarks>Apple's Classroom needs no account of anybody, so none is told.</remarks>
    internal static PlistArray Users(ClassroomContent content) => new(content.Users.Select(PlistNode (user) =>
    {
        var one = new PlistDictionary { ["Identifier"] = user.Id, ["Name"] = Plain(user.Name) };
        if (user.GivenName.Length > 0) one["GivenName"] = Plain(user.GivenName);
        if (user.FamilyName.Length > 0) one["FamilyName"] = Plain(user.FamilyName);
        return one;
    }));

    private static PlistDictionary Payload(string type, string part, string uuid, string name, params (string Key, PlistNode Value)[] content)
    {
        var payload = new PlistDictionary
        {
            ["PayloadType"] = type,
            ["PayloadVersion"] = 1,
            ["PayloadIdentifier"] = $"{Identifier}.{part}",
            ["PayloadUUID"] = uuid,
            ["PayloadDisplayName"] = name,
        };
        foreach (var (key, value) in content) payload[key] = value;
        return payload;
    }

    /// <summary>A class that somebody called <c>{{serial}}</c> keeps its name: what is delivered has its variables filled in.</summary>
    /// <remarks>What no property list can carry is left out, before anything else: braces that it parted would come together.</remarks>
    internal static string Plain(string text)
    {
        while (PlistText.IndexOfForbidden(text) is >= 0 and var at) text = text.Remove(at, 1);
        // Once is not enough: of three braces two are left.
        while (text.Contains("{{", StringComparison.Ordinal)) text = text.Replace("{{", "{ {", StringComparison.Ordinal);
        return text;
    }
}
